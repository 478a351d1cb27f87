//! Three steps through the attributes.

use resilience::store::Risk;
use resilience::{Runtime, saga, saga_step};

use crate::{Failure, Run, run};

#[saga]
async fn checkout(order: u64) -> Result<u64, resilience::Error> {
    let reserved = reserve(order).await?;
    let charged = charge(order, reserved).await?;
    ship(order, charged).await
}

#[saga_step(compensate = release)]
async fn reserve(order: u64) -> Result<u64, resilience::Error> {
    Ok(order)
}

async fn release(_order: u64, _reserved: &u64) -> Result<(), resilience::Error> {
    Ok(())
}

#[saga_step(compensate = refund)]
async fn charge(order: u64, reserved: u64) -> Result<u64, resilience::Error> {
    Ok(order ^ reserved)
}

async fn refund(_order: u64, _reserved: u64, _charged: &u64) -> Result<(), resilience::Error> {
    Ok(())
}

#[saga_step(compensate = none)]
async fn ship(order: u64, charged: u64) -> Result<u64, resilience::Error> {
    Ok(order ^ charged)
}

pub(crate) async fn open(url: &str) -> Result<(Runtime, Run), Failure> {
    let runtime = Runtime::builder(url)
        .scoped()
        .accept(Risk::NotDurable)
        .open()
        .await?;
    runtime.recovered().await;
    let here = runtime.clone();
    let saga = run(move |number| {
        let here = here.clone();
        async move {
            here.scope(checkout(number)).await?;
            Ok(())
        }
    });
    Ok((runtime, saga))
}

//! Three steps with the peers, as their guides write them.

use std::sync::Arc;

use durare::{DurableContext, DurableEngine, WorkflowOptions};

use crate::{Failure, Run, run};

#[durare::step]
async fn reserve(ctx: &DurableContext, order: u64) -> durare::Result<u64> {
    Ok(order)
}

#[durare::step]
async fn charge(ctx: &DurableContext, order: u64, reserved: u64) -> durare::Result<u64> {
    Ok(order ^ reserved)
}

#[durare::step]
async fn ship(ctx: &DurableContext, order: u64, charged: u64) -> durare::Result<u64> {
    Ok(order ^ charged)
}

#[durare::workflow]
async fn checkout(ctx: DurableContext, order: u64) -> durare::Result<u64> {
    let reserved = reserve(&ctx, order).await?;
    let charged = charge(&ctx, order, reserved).await?;
    ship(&ctx, order, charged).await
}

pub(crate) async fn durare(url: &str) -> Result<Run, Failure> {
    let engine = DurableEngine::connect(url).await?.build().await?;
    engine.launch().await?;
    let engine = Arc::new(engine);
    Ok(run(move |number| {
        let engine = Arc::clone(&engine);
        async move {
            let options = WorkflowOptions::with_id(number.to_string());
            let handle = engine.start_with(Checkout, number, options).await?;
            handle.await?;
            Ok(())
        }
    }))
}

pub(crate) async fn dbos(url: &str) -> Result<Run, Failure> {
    let config = dbos::Config {
        app_version: Some("1".to_owned()),
        ..dbos::Config::new("peers", url)
    };
    let dbos = dbos::DBOS::new(config);
    let checkout = dbos.register_workflow("checkout", |order: u64| async move {
        let reserved = dbos::step("reserve", || async move { Ok::<_, dbos::Error>(order) }).await?;
        let charged = dbos::step("charge", || async move {
            Ok::<_, dbos::Error>(order ^ reserved)
        })
        .await?;
        dbos::step(
            "ship",
            || async move { Ok::<_, dbos::Error>(order ^ charged) },
        )
        .await
    })?;
    dbos.launch().await?;
    let both = Arc::new((dbos, checkout));
    Ok(run(move |number| {
        let both = Arc::clone(&both);
        async move {
            both.1.run(number).await?;
            Ok(())
        }
    }))
}

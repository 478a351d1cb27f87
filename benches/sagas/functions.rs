//! The sagas: steps that do nothing.

use resilience::{Error, saga, saga_step};

/// Three steps, one after the other.
#[saga]
pub(crate) async fn checkout(order: u64) -> Result<u64, Error> {
    let reserved = reserve(order).await?;
    let charged = charge(order, reserved).await?;
    ship(order, charged).await
}

/// Three steps beside each other.
#[saga]
pub(crate) async fn beside(order: u64) -> Result<u64, Error> {
    let (reserved, charged, shipped) =
        tokio::try_join!(reserve(order), charge(order, 1), ship(order, 2))?;
    Ok(reserved + charged + shipped)
}

/// Two steps, and a third that fails: the two are undone.
#[saga]
pub(crate) async fn undone(order: u64) -> Result<u64, Error> {
    let reserved = reserve(order).await?;
    let charged = charge(order, reserved).await?;
    refuse(charged).await
}

/// So many steps, one after the other.
#[saga]
pub(crate) async fn long(order: u64, steps: u64) -> Result<u64, Error> {
    let mut last = order;
    for _ in 0..steps {
        last = reserve(last).await?;
    }
    Ok(last)
}

#[saga_step(compensate = release)]
async fn reserve(order: u64) -> Result<u64, Error> {
    Ok(order)
}

async fn release(_order: u64, _reserved: &u64) -> Result<(), Error> {
    Ok(())
}

#[saga_step(compensate = refund)]
async fn charge(order: u64, reserved: u64) -> Result<u64, Error> {
    Ok(order ^ reserved)
}

async fn refund(_order: u64, _reserved: u64, _charged: &u64) -> Result<(), Error> {
    Ok(())
}

#[saga_step(compensate = none)]
async fn ship(order: u64, charged: u64) -> Result<u64, Error> {
    Ok(order ^ charged)
}

#[saga_step(compensate = none)]
async fn refuse(_order: u64) -> Result<u64, Error> {
    Err(Error::ShuttingDown { function: "refuse" })
}

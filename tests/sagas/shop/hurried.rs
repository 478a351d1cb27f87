//! Sagas that have only so much time.

use std::time::Duration;

use resilience::saga;

use super::steps::{first, second, third};
use super::{Order, ShopError};
use crate::ledger::Ledger;

/// Has less time than it needs.
#[saga(key = order.id, on_dead = stop, timeout = 3s)]
pub(super) async fn hurried(#[state] ledger: &Ledger, order: Order) -> Result<u32, ShopError> {
    let one = first(ledger, &order).await?;
    saga::sleep(Duration::from_secs(600)).await;
    let two = second(ledger, &order, one).await?;
    third(ledger, &order, two).await
}

/// Has more.
#[saga(key = order.id, on_dead = stop, timeout = 1h)]
pub(super) async fn patient(#[state] ledger: &Ledger, order: Order) -> Result<u32, ShopError> {
    let one = first(ledger, &order).await?;
    saga::sleep(Duration::from_millis(1_500)).await;
    let two = second(ledger, &order, one).await?;
    third(ledger, &order, two).await
}

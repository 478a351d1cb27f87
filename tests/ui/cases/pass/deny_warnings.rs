// A crate that allows nothing can use the attributes: what they generate is clean.

#![deny(warnings, missing_docs, unused, unreachable_pub, unused_qualifications, future_incompatible)]
#![forbid(unsafe_code)]
//! Nothing is allowed here.

use resilience::{circuit_breaker, idempotent, retry, saga, saga_step, timeout};
use serde::{Deserialize, Serialize};

/// An error.
#[derive(Debug)]
pub struct Failure(resilience::Error);

impl From<resilience::Error> for Failure {
    fn from(error: resilience::Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An order.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    id: u64,
}

/// A shop.
pub struct Shop;

impl Shop {
    /// A method.
    #[retry]
    #[circuit_breaker(name = "shop")]
    #[timeout(1s)]
    pub async fn visit(&self, mut name: String, (a, _): (u8, u8)) -> Result<String, Failure> {
        name.push(char::from(a));
        Ok(name)
    }

    /// Another one.
    #[idempotent(key = (order.id, note))]
    pub async fn place(&self, order: Order, note: &str) -> Result<u64, Failure> {
        let _note = note;
        Ok(order.id)
    }
}

/// A step.
#[saga_step(compensate = release, in_doubt = compensate)]
#[retry]
#[timeout(1s)]
pub async fn reserve(#[state] shop: &Shop, order: Order, notes: &[String]) -> Result<u64, Failure> {
    let _shop = (shop, notes);
    Ok(order.id)
}

async fn release(
    _shop: &Shop,
    _order: Order,
    _notes: &[String],
    _output: Option<&u64>,
) -> Result<(), Failure> {
    Ok(())
}

/// A saga.
#[idempotent(key = order.id)]
#[saga]
pub async fn checkout(#[state] shop: &Shop, order: Order) -> Result<u64, Failure> {
    reserve(shop, order, &[]).await
}

/// Parameters that are not there in this build, under attributes that write arguments down.
#[idempotent]
#[saga]
pub async fn audited(
    #[cfg(any())] auditor: Auditor,
    #[cfg(any())]
    #[state]
    log: &Log,
    #[cfg(all())] order: Order,
) -> Result<u64, Failure> {
    Ok(order.id)
}

/// On its way out; the runtime may still resume it.
#[deprecated]
#[saga]
pub async fn outdated(order: Order) -> Result<u64, Failure> {
    Ok(order.id)
}

fn main() {}

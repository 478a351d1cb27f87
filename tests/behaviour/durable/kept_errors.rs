//! `#[idempotent(store_errors = ..)]`: errors that are answers.

use resilience::idempotent;
use serde::{Deserialize, Serialize};

use super::{World, open};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum PayError {
    Declined { code: u32 },
    Closed,
    Unreachable,
    Policy(String),
}

impl From<resilience::Error> for PayError {
    fn from(error: resilience::Error) -> Self {
        Self::Policy(error.to_string())
    }
}

#[idempotent(key = order, store_errors = PayError::Declined { code: 1..=9 } | PayError::Closed)]
async fn pay(#[state] world: &World, order: u32) -> Result<u32, PayError> {
    world.act(format!("pay {order}")).await.unwrap();
    match order {
        1 => Err(PayError::Closed),
        2 => Err(PayError::Unreachable),
        3..=20 => Err(PayError::Declined { code: order }),
        _ => Ok(order),
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_pattern_is_repeated() {
    let world = World::default();
    let runtime = open(&world).await;
    for _ in 0..3 {
        let closed = runtime.scope(pay(&world, 1)).await;
        assert_eq!(closed, Err(PayError::Closed));
        let declined = runtime.scope(pay(&world, 9)).await;
        assert_eq!(declined, Err(PayError::Declined { code: 9 }));
    }
    assert_eq!(world.begun(), ["pay 1", "pay 9"]);
}

#[tokio::test(start_paused = true)]
async fn another_error_frees_the_key() {
    let world = World::default();
    let runtime = open(&world).await;
    for _ in 0..2 {
        let failed = runtime.scope(pay(&world, 2)).await;
        assert_eq!(failed, Err(PayError::Unreachable));
        // Its variant is listed, and its code is not.
        let declined = runtime.scope(pay(&world, 10)).await;
        assert_eq!(declined, Err(PayError::Declined { code: 10 }));
    }
    assert_eq!(world.begun(), ["pay 2", "pay 10", "pay 2", "pay 10"]);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_waits_gets_the_error_that_is_kept() {
    let world = World::default();
    let runtime = open(&world).await;
    let (first, second) =
        tokio::join!(runtime.scope(pay(&world, 1)), runtime.scope(pay(&world, 1)));
    assert_eq!(first, Err(PayError::Closed));
    assert_eq!(second, Err(PayError::Closed));
    assert_eq!(world.begun(), ["pay 1"]);
}

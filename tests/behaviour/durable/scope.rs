//! `#[idempotent(scope = ..)]`: keys that callers make up.

use resilience::{Effect, Error, idempotent};

use super::{ShopError, World, open, policy};

#[idempotent(scope = customer, key = key, ttl = 1h)]
async fn pay(
    #[state] world: &World,
    customer: u32,
    key: Option<&str>,
    cents: u32,
) -> Result<u32, ShopError> {
    world.act(format!("pay {customer}")).await?;
    Ok(cents)
}

#[tokio::test(start_paused = true)]
async fn a_key_is_unique_for_its_caller_alone() {
    let world = World::default();
    let runtime = open(&world).await;
    for _ in 0..2 {
        let first = runtime.scope(pay(&world, 1, Some("a"), 100)).await;
        assert_eq!(first.unwrap(), 100);
        let other = runtime.scope(pay(&world, 2, Some("a"), 200)).await;
        assert_eq!(other.unwrap(), 200);
    }
    assert_eq!(world.begun(), ["pay 1", "pay 2"]);
    // Of one caller it is one key.
    let error = policy(runtime.scope(pay(&world, 1, Some("a"), 101)).await);
    assert!(matches!(error, Error::KeyReused { .. }), "{error:?}");
    assert!(world.begun().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_missing_or_empty_runs_nothing() {
    let world = World::default();
    let runtime = open(&world).await;
    for key in [None, Some("")] {
        let error = policy(runtime.scope(pay(&world, 1, key, 100)).await);
        assert!(matches!(error, Error::KeyMissing { .. }), "{error:?}");
        assert_eq!(error.effect(), Effect::DidNotRun);
    }
    assert!(world.begun().is_empty());
}

//! `#[idempotent(detach)]`: a task of its own.

use std::time::Duration;

use resilience::{Error, idempotent, retry, timeout};
use tokio::time::Instant;

use super::{ACTION, Do, ShopError, World, open, policy};

#[idempotent(key = order, detach)]
async fn place(#[state] world: World, order: u32) -> Result<u32, ShopError> {
    world.act(format!("place {order}")).await?;
    Ok(order)
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_stop_it() {
    let world = World::default();
    let runtime = open(&world).await;
    let call = runtime.scope(place(world.clone(), 7));
    let cut_off = tokio::time::timeout(ACTION / 2, call).await;
    assert!(cut_off.is_err());
    // While it runs, and when it has ended.
    for _ in 0..2 {
        let again = runtime.scope(place(world.clone(), 7)).await;
        assert_eq!(again.unwrap(), 7);
    }
    assert_eq!(world.begun(), ["place 7"]);
}

#[tokio::test(start_paused = true)]
async fn what_ends_unheard_is_stored() {
    let world = World::default();
    let runtime = open(&world).await;
    let call = runtime.scope(place(world.clone(), 7));
    let cut_off = tokio::time::timeout(ACTION / 2, call).await;
    assert!(cut_off.is_err());
    tokio::time::sleep(2 * ACTION).await;
    let start = Instant::now();
    let again = runtime.scope(place(world.clone(), 7)).await;
    assert_eq!(again.unwrap(), 7);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(world.begun(), ["place 7"]);
}

#[idempotent(key = order, detach)]
#[retry(max_attempts = 2, backoff = fixed(1s), jitter = none)]
#[timeout(1s)]
async fn tried(#[state] world: World, order: u32, note: String) -> Result<String, ShopError> {
    world.act(format!("tried {order}")).await?;
    Ok(note)
}

#[tokio::test(start_paused = true)]
async fn the_policies_below_go_with_it() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("tried 7", [Do::Hang]);
    let start = Instant::now();
    let answer = runtime.scope(tried(world.clone(), 7, "note".into())).await;
    assert_eq!(answer.unwrap(), "note");
    assert_eq!(start.elapsed(), Duration::from_secs(2) + ACTION);
    assert_eq!(world.begun(), ["tried 7", "tried 7"]);
}

#[timeout(1s)]
#[retry(max_attempts = 3, backoff = fixed(1ms), jitter = none)]
#[idempotent(key = order, detach)]
async fn patiently(#[state] world: World, order: u32, note: String) -> Result<String, ShopError> {
    world.act(format!("patiently {order}")).await?;
    Ok(note)
}

#[tokio::test(start_paused = true)]
async fn each_attempt_above_it_has_the_arguments() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("patiently 7", [Do::Fail, Do::Fail]);
    let call = patiently(world.clone(), 7, "note".into());
    assert_eq!(runtime.scope(call).await.unwrap(), "note");
    assert_eq!(world.begun().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_above_it_is_for_the_caller() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("patiently 8", [Do::Take(Duration::from_secs(2))]);
    let call = patiently(world.clone(), 8, "note".into());
    let error = policy(runtime.scope(call).await);
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let call = patiently(world.clone(), 8, "note".into());
    assert_eq!(runtime.scope(call).await.unwrap(), "note");
    assert_eq!(world.begun(), ["patiently 8"]);
}

//! A saga is not bound to the deadline of its caller.

use std::time::Duration;

use resilience::saga::Status;
use resilience::{Error, deadline, retry, saga, saga_step, timeout};
use tokio::time::{Instant, sleep};

use super::{Do, ShopError, World, open, policy};

const SECOND: Duration = Duration::from_secs(1);

/// Answers with how long it had left.
#[saga_step(compensate = none)]
async fn look() -> Result<Option<Duration>, ShopError> {
    Ok(deadline().map(|at| at - Instant::now()))
}

#[saga_step(compensate = none)]
#[timeout(3s)]
async fn look_under_a_timeout() -> Result<Option<Duration>, ShopError> {
    Ok(deadline().map(|at| at - Instant::now()))
}

/// With and without a deadline inside of it.
#[saga]
async fn look_around() -> Result<[Option<Duration>; 3], ShopError> {
    let own = deadline().map(|at| at - Instant::now());
    Ok([own, look().await?, look_under_a_timeout().await?])
}

#[timeout(10s)]
async fn in_a_hurry() -> Result<[Option<Duration>; 4], ShopError> {
    let [body, step, inner] = look_around().await?;
    let after = deadline().map(|at| at - Instant::now());
    Ok([body, step, inner, after])
}

#[tokio::test(start_paused = true)]
async fn its_steps_see_none_but_those_inside_of_it() {
    let runtime = open(&World::default()).await;
    let seen = runtime.scope(in_a_hurry()).await.unwrap();
    assert_eq!(seen, [None, None, Some(3 * SECOND), Some(10 * SECOND)]);
}

#[saga_step(compensate = unbook)]
async fn book(#[state] world: &World, order: u32) -> Result<(), ShopError> {
    world.act(format!("book {order}")).await
}

async fn unbook(world: &World, order: u32, (): &()) -> Result<(), ShopError> {
    cancel(world, order).await
}

#[retry(max_attempts = 2, backoff = fixed(25s), jitter = none)]
async fn cancel(world: &World, order: u32) -> Result<(), ShopError> {
    world.act(format!("cancel {order}")).await
}

#[saga_step(compensate = none)]
#[retry(max_attempts = 3, backoff = fixed(4s), jitter = none)]
async fn pay_patiently(#[state] world: &World, order: u32) -> Result<(), ShopError> {
    world.act(format!("pay {order}")).await
}

#[saga]
async fn travel(#[state] world: &World, order: u32) -> Result<(), ShopError> {
    book(world, order).await?;
    pay_patiently(world, order).await
}

#[timeout(5s)]
async fn travel_within_5s(world: &World, order: u32) -> Result<(), ShopError> {
    travel(world, order).await
}

#[timeout(30s)]
async fn travel_within_30s(world: &World, order: u32) -> Result<(), ShopError> {
    travel(world, order).await
}

#[tokio::test(start_paused = true)]
async fn a_step_is_tried_again_as_if_there_were_time() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("pay 7", [Do::Fail, Do::Fail, Do::Fail]);
    let error = policy(runtime.scope(travel_within_5s(&world, 7)).await);
    // In the pause after the second attempt, which would not have been begun under the deadline.
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(world.begun(), ["book 7", "pay 7", "pay 7"]);
    // Without its caller the step is run again, and the second attempt of that succeeds.
    sleep(60 * SECOND).await;
    assert_eq!(world.begun(), ["pay 7", "pay 7"]);
    let counts = runtime.sagas().counts().await.unwrap();
    assert_eq!(counts, [(Status::Completed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_undone_as_if_there_were_time() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("pay 7", [Do::Fail, Do::Fail, Do::Fail]);
    world.script("cancel 7", [Do::Fail]);
    let error = policy(runtime.scope(travel_within_30s(&world, 7)).await);
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(
        world.begun(),
        ["book 7", "pay 7", "pay 7", "pay 7", "cancel 7"]
    );
    sleep(5 * SECOND).await;
    assert_eq!(world.begun(), ["cancel 7"]);
    let counts = runtime.sagas().counts().await.unwrap();
    assert_eq!(counts, [(Status::Compensated, 1)]);
}

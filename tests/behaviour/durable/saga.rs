//! `#[saga]` and `#[saga_step]`, as long as nothing has to be undone.

use std::time::Duration;

use resilience::saga::Status;
use resilience::{Error, idempotent, retry, saga, saga_step};
use tokio::time::Instant;

use super::{ACTION, Do, ShopError, World, open, policy};

#[saga_step(compensate = give_back)]
pub(super) async fn take(#[state] world: &World, item: u32) -> Result<String, ShopError> {
    world.act(format!("take {item}")).await?;
    Ok(format!("item {item}"))
}

async fn give_back(world: &World, item: u32, taken: &str) -> Result<(), ShopError> {
    assert_eq!(taken, format!("item {item}"));
    world.act(format!("give back {item}")).await
}

#[saga_step(compensate = none)]
#[retry(max_attempts = 2, backoff = fixed(1s), jitter = none)]
pub(super) async fn pay(#[state] world: &World, order: u32) -> Result<u32, ShopError> {
    world.act(format!("pay {order}")).await?;
    Ok(1000 + order)
}

/// Answers with the number of the receipt.
#[idempotent(key = order, ttl = 1h)]
#[saga]
pub(super) async fn checkout(#[state] world: &World, order: u32) -> Result<u32, ShopError> {
    for item in 1..=3 {
        take(world, item).await?;
    }
    pay(world, order).await
}

const CHECKOUT: [&str; 4] = ["take 1", "take 2", "take 3", "pay 7"];

#[tokio::test(start_paused = true)]
async fn a_key_has_one_saga_until_its_ttl_is_over() {
    let world = World::default();
    let runtime = open(&world).await;
    let hour = Duration::from_secs(3600);
    let (one, two) = tokio::join!(
        runtime.scope(checkout(&world, 7)),
        runtime.scope(checkout(&world, 7))
    );
    assert_eq!((one.unwrap(), two.unwrap()), (1007, 1007));
    tokio::time::advance(hour - Duration::from_millis(1)).await;
    assert_eq!(runtime.scope(checkout(&world, 7)).await.unwrap(), 1007);
    assert_eq!(world.begun(), CHECKOUT);

    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(runtime.scope(checkout(&world, 7)).await.unwrap(), 1007);
    assert_eq!(world.begun(), CHECKOUT);
    assert_eq!(runtime.scope(checkout(&world, 7)).await.unwrap(), 1007);
    assert!(world.begun().is_empty());
    let counts = runtime.sagas().counts().await.unwrap();
    assert_eq!(counts, [(Status::Completed, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_saga_whose_caller_is_gone_is_finished() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("take 2", [Do::Hang]);
    let call = runtime.scope(checkout(&world, 7));
    let cut_off = tokio::time::timeout(Duration::from_secs(1), call).await;
    assert!(cut_off.is_err());
    assert_eq!(world.begun(), ["take 1", "take 2"]);
    // A call with the same key joins it.
    assert_eq!(runtime.scope(checkout(&world, 7)).await.unwrap(), 1007);
    assert_eq!(world.begun(), ["take 2", "take 3", "pay 7"]);
    let counts = runtime.sagas().counts().await.unwrap();
    assert_eq!(counts, [(Status::Completed, 1)]);
}

#[saga]
async fn buy(#[state] world: &World, order: u32) -> Result<(), ShopError> {
    let receipt = pay(world, order).await?;
    take(world, receipt).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_finished_by_its_retries_is_not_run_again() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("pay 7", [Do::Fail]);
    world.script("take 1007", [Do::Hang]);
    let call = runtime.scope(buy(&world, 7));
    let cut_off = tokio::time::timeout(Duration::from_secs(10), call).await;
    assert!(cut_off.is_err());
    let report = runtime.shutdown().await;
    assert_eq!((report.finished, report.left), (1, 0), "{report:?}");
    let begun = ["pay 7", "pay 7", "take 1007", "take 1007"];
    assert_eq!(world.begun(), begun);
}

#[saga]
async fn two_at_once(#[state] world: &World, fails: bool) -> Result<String, ShopError> {
    let (one, two) = tokio::join!(take(world, 1), take(world, 2));
    let taken = format!("{}, {}", one?, two?);
    if fails {
        world.act("the end".to_owned()).await?;
    }
    Ok(taken)
}

#[tokio::test(start_paused = true)]
async fn steps_may_run_at_once_and_are_undone_in_the_order_they_ended() {
    let (world, start) = (World::default(), Instant::now());
    let runtime = open(&world).await;
    let taken = runtime.scope(two_at_once(&world, false)).await.unwrap();
    assert_eq!(taken, "item 1, item 2");
    assert_eq!(start.elapsed(), ACTION);
    assert_eq!(world.begun(), ["take 1", "take 2"]);

    world.script("take 1", [Do::Take(2 * ACTION)]);
    world.script("the end", [Do::Fail]);
    let failed = runtime.scope(two_at_once(&world, true)).await;
    assert!(world.is_last_refusal(&failed.unwrap_err()));
    let begun = ["take 1", "take 2", "the end", "give back 1", "give back 2"];
    assert_eq!(world.begun(), begun);
}

#[tokio::test(start_paused = true)]
async fn outside_a_saga_a_step_is_a_plain_call() {
    let world = World::default();
    // No runtime is needed, and its policies are still there.
    world.script("pay 7", [Do::Fail]);
    assert_eq!(pay(&world, 7).await.unwrap(), 1007);
    world.script("take 1", [Do::Fail]);
    let error = take(&world, 1).await.unwrap_err();
    assert!(world.is_last_refusal(&error), "{error:?}");
    let runtime = open(&world).await;
    assert_eq!(runtime.scope(take(&world, 2)).await.unwrap(), "item 2");
    assert_eq!(world.begun(), ["pay 7", "pay 7", "take 1", "take 2"]);
    assert!(runtime.sagas().counts().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_saga_needs_a_runtime_that_is_not_shut_down() {
    let world = World::default();
    let error = policy(buy(&world, 7).await);
    let text = error.to_string();
    assert!(text.contains("`#[saga]` on"), "{text}");
    assert!(text.contains("resilience::Runtime::open("), "{text}");
    let runtime = open(&world).await;
    let report = runtime.shutdown().await;
    assert_eq!((report.finished, report.left), (0, 0));
    let error = policy(runtime.scope(buy(&world, 7)).await);
    assert!(matches!(error, Error::ShuttingDown { .. }), "{error:?}");
    assert!(world.begun().is_empty());
}

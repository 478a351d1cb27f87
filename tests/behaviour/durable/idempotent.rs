//! `#[idempotent]`.

use std::time::Duration;

use resilience::{Effect, Error, idempotent};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{ACTION, Do, ShopError, World, open, policy};

#[idempotent(key = order, ttl = 1h)]
async fn place(#[state] world: &World, order: u32, amount: u32) -> Result<u32, ShopError> {
    world.act(format!("place {order}")).await?;
    Ok(amount)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_duplicates_at_once_are_one_execution() {
    let (world, start) = (World::default(), Instant::now());
    let runtime = open(&world).await;
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let (runtime, world) = (runtime.clone(), world.clone());
        calls.spawn(async move { runtime.scope(place(&world, 7, 120)).await });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.len(), 100);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(120))));
    assert_eq!(start.elapsed(), ACTION, "who waits is woken");
    assert_eq!(runtime.scope(place(&world, 7, 120)).await.unwrap(), 120);
    assert_eq!(start.elapsed(), ACTION);
    assert_eq!(world.begun(), ["place 7"]);
    assert_eq!(runtime.scope(place(&world, 8, 120)).await.unwrap(), 120);
    assert_eq!(world.begun(), ["place 8"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_with_other_arguments_is_refused() {
    let world = World::default();
    let runtime = open(&world).await;
    let (first, other) = tokio::join!(
        runtime.scope(place(&world, 7, 120)),
        runtime.scope(place(&world, 7, 121))
    );
    assert_eq!(first.unwrap(), 120);
    // While the first call ran, and after it.
    for refused in [other, runtime.scope(place(&world, 7, 121)).await] {
        let error = policy(refused);
        assert!(matches!(error, Error::KeyReused { .. }), "{error:?}");
        assert_eq!(error.effect(), Effect::DidNotRun);
        let text = error.to_string();
        assert!(text.contains("idempotent::place"), "{text}");
    }
    assert_eq!(world.begun(), ["place 7"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_back_unchanged_and_frees_the_key() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("place 7", [Do::Fail]);
    let error = runtime.scope(place(&world, 7, 120)).await.unwrap_err();
    assert!(world.is_last_refusal(&error), "{error:?}");
    // As if it had never been: for other arguments, too.
    assert_eq!(runtime.scope(place(&world, 7, 121)).await.unwrap(), 121);
    assert_eq!(world.begun(), ["place 7", "place 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_frees_the_key() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("place 7", [Do::Hang]);
    let call = runtime.scope(place(&world, 7, 120));
    let cut_off = tokio::time::timeout(ACTION, call).await;
    assert!(cut_off.is_err());
    assert_eq!(runtime.scope(place(&world, 7, 120)).await.unwrap(), 120);
    assert_eq!(world.begun(), ["place 7", "place 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_kept_for_its_ttl() {
    let world = World::default();
    let runtime = open(&world).await;
    let hour = Duration::from_secs(3600);
    runtime.scope(place(&world, 7, 120)).await.unwrap();
    tokio::time::advance(hour - Duration::from_millis(1)).await;
    runtime.scope(place(&world, 7, 120)).await.unwrap();
    assert_eq!(world.begun(), ["place 7"]);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(runtime.scope(place(&world, 7, 121)).await.unwrap(), 121);
    assert_eq!(world.begun(), ["place 7"]);
}

#[idempotent]
async fn send(#[state] world: &World, from: &str, to: &str) -> Result<(), ShopError> {
    world.act(format!("{from} to {to}")).await
}

#[tokio::test(start_paused = true)]
async fn without_a_key_all_arguments_are_the_key() {
    let world = World::default();
    let runtime = open(&world).await;
    for (from, to) in [("a", "b"), ("b", "a"), ("a", "b"), ("ab", ""), ("", "ab")] {
        runtime.scope(send(&world, from, to)).await.unwrap();
    }
    assert_eq!(world.begun(), ["a to b", "b to a", "ab to ", " to ab"]);
}

#[tokio::test(start_paused = true)]
async fn a_state_is_part_of_neither_key_nor_arguments() {
    let (one, other) = (World::default(), World::default());
    let runtime = open(&one).await;
    for world in [&one, &other] {
        runtime.scope(send(world, "a", "b")).await.unwrap();
        runtime.scope(place(world, 7, 120)).await.unwrap();
    }
    assert_eq!(one.begun(), ["a to b", "place 7"]);
    assert!(other.begun().is_empty());
}

#[idempotent(key = order, wait = 100ms)]
async fn impatient(#[state] world: &World, order: u32) -> Result<u32, ShopError> {
    world.act(format!("impatient {order}")).await?;
    Ok(order)
}

#[idempotent(key = order, wait = 0s)]
async fn at_once(#[state] world: &World, order: u32) -> Result<u32, ShopError> {
    world.act(format!("at once {order}")).await?;
    Ok(order)
}

#[tokio::test(start_paused = true)]
async fn who_waited_long_enough_is_told_that_the_call_is_in_progress() {
    let world = World::default();
    let runtime = open(&world).await;
    let wait = Duration::from_millis(100);
    world.script("impatient 7", [Do::Take(wait + wait / 2)]);
    let duplicate = async {
        let start = Instant::now();
        let error = policy(runtime.scope(impatient(&world, 7)).await);
        assert!(
            matches!(&error, Error::InProgress { waited, .. } if *waited == wait),
            "{error:?}"
        );
        assert_eq!(error.effect(), Effect::DidNotRun);
        assert_eq!(start.elapsed(), wait);
        // The rest is short enough.
        assert_eq!(runtime.scope(impatient(&world, 7)).await.unwrap(), 7);
        assert_eq!(start.elapsed(), wait + wait / 2);
    };
    let (first, ()) = tokio::join!(runtime.scope(impatient(&world, 7)), duplicate);
    assert_eq!(first.unwrap(), 7);
    assert_eq!(world.begun(), ["impatient 7"]);

    let start = Instant::now();
    let duplicate = async { (runtime.scope(at_once(&world, 7)).await, start.elapsed()) };
    let (first, (duplicate, after)) = tokio::join!(runtime.scope(at_once(&world, 7)), duplicate);
    assert_eq!(first.unwrap(), 7);
    let error = policy(duplicate);
    assert!(matches!(error, Error::InProgress { .. }), "{error:?}");
    assert_eq!(after, Duration::ZERO);
    assert_eq!(world.begun(), ["at once 7"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_runtime_the_error_says_what_to_write() {
    let world = World::default();
    let error = policy(place(&world, 7, 120).await);
    assert!(matches!(error, Error::NoRuntime { .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::DidNotRun);
    let text = error.to_string();
    assert!(text.contains("`#[idempotent]`"), "{text}");
    assert!(text.contains("idempotent::place"), "{text}");
    assert!(text.contains("in `main`"), "{text}");
    let line = r#"let runtime = resilience::Runtime::open("sqlite://app.db").await?;"#;
    assert!(text.contains(line), "{text}");
    assert!(world.begun().is_empty());
}

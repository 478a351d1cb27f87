//! `#[locked]`.

use std::time::Duration;

use resilience::{Effect, Error, fencing_token, idempotent, locked, retry};
use tokio::time::Instant;

use super::{ACTION, Do, ShopError, World, open, policy};

#[locked(name = "documents", key = document, wait = 1s)]
async fn index(world: &World, document: u32) -> Result<u64, ShopError> {
    world.act(format!("index {document}")).await?;
    Ok(fencing_token().map_or(0, resilience::FencingToken::as_u64))
}

#[tokio::test(start_paused = true)]
async fn calls_with_one_key_run_one_after_the_other() {
    let (world, start) = (World::default(), Instant::now());
    let runtime = open(&world).await;
    let (one, two, other) = tokio::join!(
        runtime.scope(index(&world, 7)),
        runtime.scope(index(&world, 7)),
        runtime.scope(index(&world, 8)),
    );
    assert!(
        one.unwrap() < two.unwrap(),
        "who comes later has the greater token"
    );
    assert!(other.unwrap() > 0);
    assert_eq!(start.elapsed(), 2 * ACTION);
    assert_eq!(world.begun(), ["index 7", "index 8", "index 7"]);
}

#[locked(name = "documents", key = document, wait = 0s)]
async fn remove(world: &World, document: u32) -> Result<(), ShopError> {
    world.act(format!("remove {document}")).await
}

#[tokio::test(start_paused = true)]
async fn functions_with_one_name_lock_each_other_out() {
    let world = World::default();
    let runtime = open(&world).await;
    let (indexed, removed) = tokio::join!(
        runtime.scope(index(&world, 7)),
        runtime.scope(remove(&world, 7)),
    );
    indexed.unwrap();
    let error = policy(removed);
    assert!(
        matches!(&error, Error::LockBusy { lock, waited, .. }
            if lock == "documents" && *waited == Duration::ZERO),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::DidNotRun);
    assert_eq!(world.begun(), ["index 7"]);
    runtime.scope(remove(&world, 7)).await.unwrap();
}

#[locked(local)]
async fn compact(world: &World) -> Result<(), ShopError> {
    world.act("compact".to_owned()).await
}

#[tokio::test(start_paused = true)]
async fn a_local_lock_needs_no_runtime_and_no_key() {
    let (world, start) = (World::default(), Instant::now());
    let (one, two) = tokio::join!(compact(&world), compact(&world));
    one.unwrap();
    two.unwrap();
    assert_eq!(start.elapsed(), 2 * ACTION);
}

#[retry(max_attempts = 2, backoff = fixed(1ms), jitter = none)]
#[idempotent(key = document)]
#[locked(key = (document, "mine"))]
async fn import(#[state] world: &World, document: u32) -> Result<u32, ShopError> {
    world.act(format!("import {document}")).await?;
    Ok(document)
}

#[tokio::test(start_paused = true)]
async fn each_attempt_takes_the_lock_and_a_replay_does_not() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("import 7", [Do::Fail]);
    for _ in 0..2 {
        assert_eq!(runtime.scope(import(&world, 7)).await.unwrap(), 7);
    }
    assert_eq!(world.begun(), ["import 7", "import 7"]);
}

//! What only the store in memory promises.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use resilience_runtime::idempotency::store::{Claim, IdempotencyStore, Nonce};
use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::saga::journal::{Advance, Journal, NewSaga, SagaId, Started, Status};
use resilience_runtime::store::memory::MemoryStore;

const KEY: Digest = Digest::from_bytes([1; 32]);

#[tokio::test(start_paused = true)]
async fn records_live_by_the_clock_of_tokio() {
    let store = MemoryStore::new();
    let nonce = Nonce::random();
    store.claim(KEY, KEY, nonce).await.unwrap();
    let day = Duration::from_secs(24 * 3600);
    let stored = store.complete(KEY, KEY, nonce, "1".to_owned(), day).await;
    assert!(stored.unwrap());
    tokio::time::advance(day - Duration::from_millis(1)).await;
    let claim = store.claim(KEY, KEY, Nonce::random()).await.unwrap();
    assert!(matches!(claim, Claim::Completed { .. }));
    tokio::time::advance(Duration::from_millis(1)).await;
    let claim = store.claim(KEY, KEY, Nonce::random()).await.unwrap();
    assert_eq!(claim, Claim::Granted { attempt: 1 });
}

#[tokio::test(start_paused = true)]
async fn keys_of_completed_sagas_live_by_the_clock_of_tokio() {
    let store = MemoryStore::new();
    let ttl = Duration::from_secs(60);
    let saga = || NewSaga {
        id: SagaId::generate(),
        name: "checkout".to_owned(),
        key: Some(SagaKey { digest: KEY, ttl }),
        input: "{}".to_owned(),
    };
    let first = saga();
    store.start(first.clone()).await.unwrap();
    // Its age counts from its end.
    tokio::time::advance(2 * ttl).await;
    let done = Advance {
        status: Some(Status::Completed),
        ..Advance::default()
    };
    store.advance(first.id, 1, done).await.unwrap();
    tokio::time::advance(ttl - Duration::from_millis(1)).await;
    let started = store.start(saga()).await.unwrap();
    assert!(matches!(started, Started::Ended(_)));
    tokio::time::advance(Duration::from_millis(1)).await;
    let started = store.start(saga()).await.unwrap();
    assert!(matches!(started, Started::New));
}

#[tokio::test]
async fn a_worker_lives_until_the_last_clone_of_its_store_is_dropped() {
    let store = MemoryStore::new();
    let other = store.another_worker();
    let clone = other.clone();
    other.claim(KEY, KEY, Nonce::random()).await.unwrap();
    drop(other);
    let claim = store.claim(KEY, KEY, Nonce::random()).await.unwrap();
    assert_eq!(claim, Claim::Busy);
    drop(clone);
    let claim = store.claim(KEY, KEY, Nonce::random()).await.unwrap();
    assert_eq!(claim, Claim::Granted { attempt: 2 });
}

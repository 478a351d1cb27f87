//! What only the store in memory promises.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use resilience_runtime::idempotency::store::{
    Claim, Claiming, Completion, IdempotencyStore, Nonce, Record, RecordKind, Release, TRACE,
};
use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::saga::journal::{Advance, Journal, NewSaga, SagaId, Started, Status};
use resilience_runtime::store::memory::MemoryStore;

const KEY: Digest = Digest::from_bytes([1; 32]);

fn claiming() -> Claiming {
    Claiming {
        key: KEY,
        fingerprint: KEY,
        nonce: Nonce::random(),
        lease: Duration::from_secs(60),
        waits: true,
        replaces: None,
    }
}

/// The attempt, and whether it knows of an interrupted one.
async fn granted(store: &MemoryStore) -> Option<(u32, bool)> {
    match store.claim(claiming()).await.unwrap() {
        Claim::Granted(grant) => Some((grant.attempt, grant.interrupted)),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn records_live_by_the_clock_of_tokio() {
    let store = MemoryStore::new();
    let record = Record {
        fingerprint: KEY,
        kind: RecordKind::Value,
        schema: "u32".into(),
        content: "1".into(),
    };
    let day = Duration::from_secs(24 * 3600);
    let stored = store.complete(KEY, Nonce::random(), record, day).await;
    assert_eq!(stored.unwrap(), Completion::Stored);
    tokio::time::advance(day - Duration::from_millis(1)).await;
    let claim = store.claim(claiming()).await.unwrap();
    assert!(matches!(claim, Claim::Completed(_)));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(granted(&store).await, Some((1, false)));
}

#[tokio::test(start_paused = true)]
async fn traces_live_by_the_clock_of_tokio() {
    for (age, expected) in [
        (TRACE - Duration::from_millis(1), (2, true)),
        (TRACE, (1, false)),
    ] {
        let store = MemoryStore::new();
        let runs = claiming();
        let nonce = runs.nonce;
        store.claim(runs).await.unwrap();
        let release = store.release(KEY, nonce, Release::Interrupted);
        release.await.unwrap();
        tokio::time::advance(age).await;
        assert_eq!(granted(&store).await, Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn keys_of_completed_sagas_live_by_the_clock_of_tokio() {
    let store = MemoryStore::new();
    let ttl = Duration::from_secs(60);
    let saga = || NewSaga {
        id: SagaId::generate(),
        given: false,
        name: "checkout".to_owned(),
        version: 1,
        key: Some(SagaKey { digest: KEY, ttl }),
        input: "{}".to_owned(),
        timeout: None,
        parent: None,
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
    assert!(matches!(started, Started::New(_)));
}

#[tokio::test]
async fn a_worker_lives_until_the_last_clone_of_its_store_is_dropped() {
    let store = MemoryStore::new();
    let other = store.another_worker();
    let clone = other.clone();
    assert_eq!(granted(&other).await, Some((1, false)));
    drop(other);
    assert_eq!(granted(&store).await, None);
    drop(clone);
    assert_eq!(granted(&store).await, Some((2, true)));
}

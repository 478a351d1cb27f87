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

fn new_saga() -> NewSaga {
    NewSaga {
        id: SagaId::generate(),
        given: false,
        name: "checkout".to_owned(),
        version: 1,
        key: None,
        input: "{}".to_owned(),
        timeout: None,
        parent: None,
        nonce: uuid::Uuid::new_v4().as_u128(),
    }
}

fn status(status: Status) -> Advance {
    Advance {
        status: Some(status),
        ..Advance::default()
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
        key: Some(SagaKey { digest: KEY, ttl }),
        ..new_saga()
    };
    let first = saga();
    store.start(first.clone()).await.unwrap();
    // Its age counts from its end.
    tokio::time::advance(2 * ttl).await;
    let done = store.advance(first.id, 1, status(Status::Completed));
    done.await.unwrap();
    tokio::time::advance(ttl - Duration::from_millis(1)).await;
    let started = store.start(saga()).await.unwrap();
    assert!(matches!(started, Started::Ended(_)));
    tokio::time::advance(Duration::from_millis(1)).await;
    let started = store.start(saga()).await.unwrap();
    assert!(matches!(started, Started::New(_)));
}

#[tokio::test(start_paused = true)]
async fn moments_of_sagas_are_those_of_the_clock_of_tokio() {
    let store = MemoryStore::new();
    let hour = Duration::from_secs(3600);
    let saga = NewSaga {
        timeout: Some(hour),
        ..new_saga()
    };
    let id = saga.id.clone();
    store.start(saga).await.unwrap();
    tokio::time::advance(hour).await;
    let record = store.load(id.clone()).await.unwrap().unwrap();
    assert_eq!(record.read_at.since(record.started_at), hour);
    assert_eq!(record.deadline, Some(record.read_at));
    // All workers have one clock.
    let other = store.another_worker();
    let read = other.load(id.clone()).await.unwrap().unwrap();
    assert_eq!(read.read_at, record.read_at);
    let end = store.advance(id.clone(), 1, status(Status::Completed));
    end.await.unwrap();
    tokio::time::advance(hour).await;
    let record = store.load(id).await.unwrap().unwrap();
    assert_eq!(record.updated_at.since(record.started_at), hour);
    assert_eq!(record.read_at.since(record.updated_at), hour);
    let statistics = Journal::statistics(&store).await.unwrap();
    assert_eq!(statistics[0].completed.unwrap().p95, hour);
}

#[tokio::test(start_paused = true)]
async fn sagas_are_kept_by_the_clock_of_tokio() {
    let store = MemoryStore::new();
    let week = Duration::from_secs(7 * 24 * 3600);
    let saga = new_saga();
    let id = saga.id.clone();
    store.start(saga).await.unwrap();
    tokio::time::advance(week).await;
    let end = store.advance(id, 1, status(Status::Failed));
    end.await.unwrap();
    tokio::time::advance(week - Duration::from_millis(1)).await;
    assert_eq!(store.purge(week, 9).await.unwrap(), 0);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(store.purge(week, 9).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_95th_percentile_is_as_long_as_the_slowest_twentieth_at_least() {
    let store = MemoryStore::new();
    for seconds in 1..=40 {
        let saga = new_saga();
        let id = saga.id.clone();
        store.start(saga).await.unwrap();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let end = store.advance(id, 1, status(Status::Completed));
        end.await.unwrap();
    }
    let statistics = Journal::statistics(&store).await.unwrap();
    let took = statistics[0].completed.unwrap();
    let found = [took.min, took.mean, took.p95, took.max].map(|it| it.as_millis());
    assert_eq!(found, [1_000, 20_500, 38_000, 40_000]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_hears_of_nothing_waits() {
    let store = MemoryStore::new();
    store.start(new_saga()).await.unwrap();
    let hour = Duration::from_secs(3600);
    let heard = tokio::time::timeout(hour, store.changed()).await;
    assert!(heard.is_err());
    store.another_worker().close().await;
    store.changed().await;
    let heard = tokio::time::timeout(hour, store.changed()).await;
    assert!(heard.is_err());
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

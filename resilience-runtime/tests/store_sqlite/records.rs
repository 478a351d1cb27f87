//! What records and locks cost, and what is left of them.

use std::path::Path;
use std::time::Duration;

use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{Claim, Completion, IdempotencyStore, Release, TRACE};
use resilience_runtime::lock::store::{Acquired, LockStore};
use resilience_runtime::store::sqlite::SqliteStore;
use sqlx::SqliteConnection;

use crate::{acquiring, claiming, execute, granted, open, record, shell};

const HOUR: Duration = Duration::from_secs(3600);

/// A change of the file by anybody else changes the number.
async fn version(shell: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(shell)
        .await
        .unwrap()
}

fn log_size(path: &Path) -> u64 {
    let log = path.with_extension("db-wal");
    std::fs::metadata(log).unwrap().len()
}

async fn completed(store: &SqliteStore, key: Digest, ttl: Duration) {
    let claiming = claiming(key);
    let nonce = claiming.nonce;
    store.claim(claiming).await.unwrap();
    let stored = store.complete(key, nonce, record(key, "[1]"), ttl).await;
    assert_eq!(stored.unwrap(), Completion::Stored);
}

#[tokio::test]
async fn a_first_run_is_two_commits_and_a_hit_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let key = Digest::from_bytes([1; 32]);
    completed(&store, key, HOUR).await;
    assert_eq!(store.commits(), (2, 2));

    let mut shell = shell(&path).await;
    let before = (version(&mut shell).await, log_size(&path));
    // Nor does it wait for somebody who writes.
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut shell)
        .await
        .unwrap();
    for _ in 0..1000 {
        let claim = store.claim(claiming(key)).await.unwrap();
        assert!(matches!(claim, Claim::Completed(it) if it == record(key, "[1]")));
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut shell).await.unwrap();
    assert_eq!((version(&mut shell).await, log_size(&path)), before);
    assert_eq!(store.commits(), (2, 2));
}

/// Only one task looks, however many wait; and when nobody does, nobody looks.
#[tokio::test]
async fn waiting_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let key = Digest::from_bytes([1; 32]);
    granted(&store, key).await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        match store.claim(claiming(key)).await.unwrap() {
            Claim::Busy(busy) => waiting.push(busy.woken),
            _ => panic!("not busy"),
        }
    }
    let mut shell = shell(&path).await;
    let before = (version(&mut shell).await, log_size(&path));
    for woken in &mut waiting {
        let woken = tokio::time::timeout(Duration::from_millis(10), woken).await;
        assert!(woken.is_err());
    }
    assert_eq!((version(&mut shell).await, log_size(&path)), before);
    sqlx::Connection::close(shell).await.unwrap();
    // Closing does not wait for them; they hear of it where they ask again.
    let other = store.clone();
    store.close().await.unwrap();
    for woken in waiting {
        woken.await;
    }
    let error = other.claim(claiming(key)).await.err().unwrap();
    assert!(error.to_string().contains("the store is closed"), "{error}");
    assert!(!path.with_extension("db-wal").exists());
}

#[tokio::test]
async fn a_trace_is_kept_for_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let key = Digest::from_bytes([1; 32]);
    let claiming = claiming(key);
    let nonce = claiming.nonce;
    store.claim(claiming).await.unwrap();
    let release = IdempotencyStore::release(&store, key, nonce, Release::Interrupted);
    release.await.unwrap();
    let mut shell = shell(&path).await;
    let left: f64 = sqlx::query_scalar(
        "SELECT expires_at - unixepoch('subsec') FROM resilience_idempotency_records",
    )
    .fetch_one(&mut shell)
    .await
    .unwrap();
    let trace = TRACE.as_secs_f64();
    assert!(left > trace - 600.0 && left <= trace, "{left}");
    execute(
        &path,
        "UPDATE resilience_idempotency_records SET expires_at = unixepoch('subsec')",
    )
    .await;
    assert_eq!(granted(&store, key).await, (1, false));
}

/// As long as a row is there, also a clock that was set back gives no smaller token.
#[tokio::test]
async fn tokens_do_not_fall_with_the_clock() {
    const NEXT: u64 = (1 << 52) + 1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, crashes) = (open(&path).await, open(&path).await);
    let keys = [1, 2, 3].map(|number| Digest::from_bytes([number; 32]));
    let runs = claiming(keys[0]);
    let nonce = runs.nonce;
    store.claim(runs).await.unwrap();
    let release = IdempotencyStore::release(&store, keys[0], nonce, Release::Failed);
    release.await.unwrap();
    completed(&store, keys[1], Duration::ZERO).await;
    granted(&crashes, keys[2]).await;
    let lock = acquiring(keys[0]);
    store.acquire(lock).await.unwrap();
    let release = LockStore::release(&store, keys[0], lock.nonce);
    release.await.unwrap();
    crashes.close().await.unwrap();
    execute(
        &path,
        "UPDATE resilience_idempotency_records SET token = 1 << 52;
         UPDATE resilience_locks SET token = 1 << 52;",
    )
    .await;

    let mut tokens = Vec::new();
    for key in keys {
        match store.claim(claiming(key)).await.unwrap() {
            Claim::Granted(grant) => tokens.push(grant.token.as_u64()),
            _ => panic!("not granted"),
        }
    }
    match store.acquire(acquiring(keys[0])).await.unwrap() {
        Acquired::Granted { token, .. } => tokens.push(token.as_u64()),
        Acquired::Busy { .. } => panic!("busy"),
    }
    assert_eq!(tokens, [NEXT; 4]);
}

#[tokio::test]
async fn what_is_over_is_deleted_by_later_claims() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let key = |number: u8, kind: u8| {
        let mut bytes = [number; 32];
        bytes[0] = kind;
        Digest::from_bytes(bytes)
    };
    for number in 0..50 {
        completed(&store, key(number, 1), Duration::ZERO).await;
        let ends = claiming(key(number, 2));
        let nonce = ends.nonce;
        store.claim(ends).await.unwrap();
        let release = IdempotencyStore::release(&store, key(number, 2), nonce, Release::Failed);
        release.await.unwrap();
        let held = acquiring(key(number, 3));
        let acquired = store.acquire(held).await.unwrap();
        assert!(matches!(acquired, Acquired::Granted { .. }));
        let release = LockStore::release(&store, held.key, held.nonce);
        release.await.unwrap();
        let held = acquiring(key(0, 4));
        store.acquire(held).await.unwrap();
    }
    completed(&store, key(0, 5), HOUR).await;
    execute(
        &path,
        "UPDATE resilience_idempotency_records SET expires_at = 1
             WHERE state = 'ended' OR expires_at < unixepoch() + 60;
         UPDATE resilience_locks SET updated_at = 1;
         UPDATE resilience_lock_places SET seen_at = 1;",
    )
    .await;
    for number in 0..64 {
        store.claim(claiming(key(number, 6))).await.unwrap();
    }
    let mut shell = shell(&path).await;
    for (query, expected) in [
        ("SELECT count(*) FROM resilience_idempotency_records", 65),
        ("SELECT count(*) FROM resilience_locks", 1),
        ("SELECT count(*) FROM resilience_lock_places", 0),
    ] {
        let left: i64 = sqlx::query_scalar(query)
            .fetch_one(&mut shell)
            .await
            .unwrap();
        assert_eq!(left, expected, "{query}");
    }
}

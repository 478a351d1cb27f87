//! How many messages an operation is, counted between the store and the server.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::idempotency::store::{Claim, Completion, Release};
use resilience_runtime::lease::Nonce;
use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_test_support::proxy::Proxy;
use resilience_test_support::server::Postgres;
use tokio::time::timeout;

use super::fixture::{AT_LAST, HOUR, LONG, digest};
use super::records::Caller;
use super::{accepted, database, open, port_of, shell};

/// A store that says nothing by itself for as long as a test lasts.
async fn quiet(url: &str) -> PostgresStore {
    let accepted = accepted();
    let store = PostgresStore::open_for(url, &accepted, HOUR);
    store.await.unwrap()
}

/// A store behind a proxy that counts, with its statements prepared.
pub(super) async fn counted(url: &str) -> (PostgresStore, Proxy) {
    static KEYS: AtomicU32 = AtomicU32::new(0);
    let proxy = Proxy::start(port_of(url));
    let store = quiet(&proxy.in_front_of(url)).await;
    let key = 1_000 + KEYS.fetch_add(1, Ordering::Relaxed);
    let caller = Caller::of(key);
    caller.granted(&store).await;
    caller.renews(&store, LONG).await;
    caller.releases(&store, Release::Failed).await;
    caller.another().completes(&store, "1").await;
    let lock = lock(key);
    acquire(&store, lock).await;
    LockStore::renew(&store, lock.key, lock.nonce, LONG)
        .await
        .unwrap();
    LockStore::release(&store, lock.key, lock.nonce)
        .await
        .unwrap();
    (store, proxy)
}

pub(super) fn lock(key: u32) -> Acquiring {
    Acquiring {
        key: digest(key),
        nonce: Nonce::random(),
        lease: LONG,
        waits: true,
        replicas: 0,
    }
}

pub(super) async fn acquire(store: &PostgresStore, acquiring: Acquiring) -> bool {
    let acquired = store.acquire(acquiring).await.unwrap();
    matches!(acquired, Acquired::Granted { .. })
}

#[tokio::test]
async fn a_first_run_is_two_messages_and_a_hit_one() {
    let Some(url) = database() else { return };
    let (store, proxy) = counted(&url).await;
    let caller = Caller::of(1);
    let before = proxy.requests();
    caller.granted(&store).await;
    assert_eq!(proxy.requests() - before, 1);
    caller.completes(&store, "[1]").await;
    assert_eq!(proxy.requests() - before, 2);
    caller.another().record(&store).await;
    assert_eq!(proxy.requests() - before, 3);
}

#[tokio::test]
async fn a_waiting_duplicate_is_one_message_and_a_push() {
    let Some(url) = database() else { return };
    let (here, there) = (counted(&url).await, counted(&url).await);
    let caller = Caller::of(1);
    let content = format!("\"{}\"", "ä€🦀\n".repeat(700));
    caller.granted(&here.0).await;
    let before = there.1.requests();
    let busy = caller.another().busy(&there.0).await;
    caller.completes(&here.0, &content).await;
    let record = timeout(AT_LAST, busy.woken).await.unwrap();
    assert_eq!(record, Some(caller.value(&content)));
    assert_eq!(there.1.requests() - before, 1);
}

#[tokio::test]
async fn what_is_too_long_for_a_notification_is_asked_for() {
    let Some(url) = database() else { return };
    let (here, there) = (counted(&url).await, counted(&url).await);
    let nul = format!("\"{}\"", '\0');
    for (key, content) in [(1, "x".repeat(8_000)), (2, "x".repeat(7_700)), (3, nul)] {
        let caller = Caller::of(key);
        caller.granted(&here.0).await;
        let before = there.1.requests();
        let busy = caller.another().busy(&there.0).await;
        caller.completes(&here.0, &content).await;
        assert_eq!(timeout(AT_LAST, busy.woken).await.unwrap(), None);
        let record = caller.another().record(&there.0).await;
        assert_eq!(record, caller.value(&content));
        assert_eq!(there.1.requests() - before, 2);
    }
}

/// Just below the limit of the server, in bytes.
#[tokio::test]
async fn the_longest_notification_is_sent() {
    let Some(url) = database() else { return };
    let (here, there) = (open(&url).await, open(&url).await);
    let caller = Caller::of(1);
    let content = "€".repeat((7_600 - "Receipt".len()) / 3);
    caller.granted(&here).await;
    let busy = caller.another().busy(&there).await;
    let stored = caller.completes(&here, &content).await;
    assert_eq!(stored, Completion::Stored);
    let record = timeout(AT_LAST, busy.woken).await.unwrap();
    assert_eq!(record, Some(caller.value(&content)));
}

#[tokio::test]
async fn a_lock_is_a_message_and_its_release_another() {
    let Some(url) = database() else { return };
    let (here, there) = (counted(&url).await, counted(&url).await);
    let (holder, waiter) = (lock(1), lock(1));
    let before = here.1.requests();
    assert!(acquire(&here.0, holder).await);
    assert_eq!(here.1.requests() - before, 1);
    let began = there.1.requests();
    let Acquired::Busy { woken, .. } = there.0.acquire(waiter).await.unwrap() else {
        panic!("granted");
    };
    LockStore::release(&here.0, holder.key, holder.nonce)
        .await
        .unwrap();
    assert_eq!(here.1.requests() - before, 2);
    timeout(AT_LAST, woken).await.unwrap();
    assert!(acquire(&there.0, waiter).await);
    assert_eq!(there.1.requests() - began, 2);
}

#[tokio::test]
async fn a_hit_takes_no_transaction_id_and_writes_no_log() {
    // Of its own, so that nobody else writes.
    let Some(server) = Postgres::start() else {
        return;
    };
    let url = server.url();
    let store = quiet(&url).await;
    let caller = Caller::of(1);
    caller.granted(&store).await;
    caller.completes(&store, "1").await;
    let waits = Caller::of(2);
    waits.granted(&store).await;
    let mut shell = shell(&url).await;
    let mut written = Vec::new();
    // The first looks tidy up, and the server writes by itself now and then.
    for _ in 0..5 {
        let mut seen = Vec::new();
        for _ in 0..2 {
            let state: (String, String) = sqlx::query_as(
                "SELECT pg_current_wal_insert_lsn()::text,
                        pg_snapshot_xmax(pg_current_snapshot())::text",
            )
            .fetch_one(&mut shell)
            .await
            .unwrap();
            seen.push(state);
            for _ in 0..50 {
                let claim = caller.another().claims(&store).await;
                assert!(matches!(claim, Claim::Completed(_)));
                caller.with_other_arguments().mismatch(&store).await;
                waits.another().without_waiting().busy(&store).await;
            }
        }
        written.push(seen[0] != seen[1]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(written.contains(&false), "{written:?}");
}

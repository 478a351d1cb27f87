//! Processes that are told that there is something to do.

use resilience_runtime::saga::journal::{Advance, Journal, Status};

use resilience_runtime::store::postgres::PostgresStore;
use resilience_test_support::server::Postgres;

use super::{NEVER, accepted, asked, at_last, database, known, open, started, write_to};

#[tokio::test]
async fn a_worker_that_leaves_wakes_the_others_and_counts_no_interruption() {
    let Some(url) = database() else { return };
    let (leaver, store) = (open(&url).await, open(&url).await);
    let saga = started(&leaver).await;
    let changed = store.changed();
    leaver.close().await;
    at_last(changed).await;
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!((&taken[0].id, taken[0].interruptions), (&saga, 0));
    assert!(tokio::time::timeout(NEVER, store.changed()).await.is_err());
}

#[tokio::test]
async fn one_that_has_nothing_unfinished_leaves_in_silence() {
    let Some(url) = database() else { return };
    let (leaver, store) = (open(&url).await, open(&url).await);
    let saga = started(&leaver).await;
    let end = Advance {
        status: Some(Status::Completed),
        ..Advance::default()
    };
    write_to(&leaver, &saga, 1, end).await;
    leaver.close().await;
    assert!(tokio::time::timeout(NEVER, store.changed()).await.is_err());
    let owner = "SELECT (owner IS NULL)::text FROM resilience_sagas";
    assert_eq!(asked(&url, owner).await, "false");
}

/// Looking for something to do, over and over, writes nothing.
#[tokio::test]
async fn idle_workers_write_nothing() {
    // Its own: transactions are counted for a whole server.
    let Some(server) = Postgres::start() else {
        return;
    };
    let url = server.url();
    // A renewal is a write.
    let hour = std::time::Duration::from_secs(3600);
    let store = PostgresStore::open_for(&url, &accepted(), hour).await;
    let store = store.unwrap();
    let next = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";
    let before = asked(&url, next).await;
    for _ in 0..20 {
        assert!(store.take_over(known(), 9).await.unwrap().is_empty());
        let parked = store.take_parked(known(), super::now(), 9).await;
        assert!(parked.unwrap().is_empty());
        assert!(store.cancelled().await.unwrap().is_empty());
        assert!(store.orphaned(known()).await.unwrap().is_empty());
        assert_eq!(store.purge(NEVER, 9).await.unwrap(), 0);
        let queue: &dyn resilience_runtime::dlq::Queue = &store;
        assert!(
            queue
                .take_work(vec!["bill".to_owned()], 9)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(queue.unresolved().await.unwrap(), 0);
        assert_eq!(queue.purge_letters(NEVER, 9).await.unwrap(), 0);
    }
    assert_eq!(asked(&url, next).await, before);
}

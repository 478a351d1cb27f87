//! Sagas that their worker has left, in order or not.

use std::path::Path;
use std::time::Duration;

use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, CancelOutcome, Journal, SagaRecord, StartConnection, Status,
};
use resilience_runtime::store::sqlite::SqliteStore;
use tokio::time::timeout;

use crate::{advance, execute, known, number, open, saga, shell, started, step};

const AT_LAST: Duration = Duration::from_secs(60);
/// Longer than the pause between two looks.
const NEVER: Duration = Duration::from_millis(2500);

/// Ends the worker as its process does that is killed.
async fn dies(path: &Path, store: SqliteStore) {
    let workers = path.with_extension("db.workers");
    let alive = || std::fs::read_dir(&workers).unwrap().count();
    let before = alive();
    drop(store);
    while alive() == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn taken(store: &SqliteStore) -> SagaRecord {
    let mut taken = store.take_over(known(&["a"]), 9).await.unwrap();
    assert_eq!(taken.len(), 1);
    taken.remove(0)
}

#[tokio::test]
async fn closing_in_order_is_one_write_and_only_if_something_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let watch = open(&path).await;
    let mut shell = shell(&path).await;
    let version = async |shell: &mut sqlx::SqliteConnection| -> i64 {
        let query = sqlx::query_scalar("PRAGMA data_version");
        query.fetch_one(shell).await.unwrap()
    };
    let idle = open(&path).await;
    let before = version(&mut shell).await;
    idle.close().await.unwrap();
    assert_eq!(version(&mut shell).await, before);

    let busy = open(&path).await;
    for _ in 0..10 {
        started(&busy, "a").await;
    }
    let before = version(&mut shell).await;
    busy.close().await.unwrap();
    assert_eq!(version(&mut shell).await, before + 1);
    let nobody = "SELECT count(*) FROM resilience_sagas WHERE owner = '' AND epoch = 1";
    assert_eq!(number(&path, nobody).await, 10);
    let taken = watch.take_over(known(&["a"]), 99).await.unwrap();
    assert_eq!(taken.len(), 10);
    assert!(taken.iter().all(|record| record.interruptions == 0));
}

#[tokio::test]
async fn a_worker_that_dies_counts_until_the_saga_gets_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let id = started(&store, "a").await;
    dies(&path, store).await;
    for (interruptions, closes) in [(1, false), (2, true), (2, false), (3, true)] {
        let store = open(&path).await;
        let record = taken(&store).await;
        assert_eq!(record.interruptions, interruptions);
        let loaded = store.load(id.clone()).await.unwrap().unwrap();
        assert_eq!(loaded.interruptions, interruptions);
        match closes {
            true => store.close().await.unwrap(),
            false => dies(&path, store).await,
        }
    }
    let store = open(&path).await;
    let epoch = taken(&store).await.epoch;
    let write = Advance {
        steps: vec![step(0)],
        ..Advance::default()
    };
    advance(&store, &id, epoch, write).await;
    dies(&path, store).await;
    let store = open(&path).await;
    assert_eq!(taken(&store).await.interruptions, 1);
    dies(&path, store).await;
    let store = open(&path).await;
    let record = taken(&store).await;
    assert_eq!(record.interruptions, 2);
    let write = Advance {
        status: Some(Status::Compensating),
        ..Advance::default()
    };
    advance(&store, &id, record.epoch, write).await;
    let write = Advance {
        undone: Some(0),
        ..Advance::default()
    };
    advance(&store, &id, record.epoch, write).await;
    dies(&path, store).await;
    let store = open(&path).await;
    assert_eq!(taken(&store).await.interruptions, 1);
}

/// What concerns nobody who takes over wakes nobody; and waiting writes nothing.
#[tokio::test]
async fn who_waits_hears_of_what_others_leave_and_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, other) = (open(&path).await, open(&path).await);
    let id = started(&other, "a").await;
    let log = path.with_extension("db-wal");
    let size = std::fs::metadata(&log).unwrap().len();
    assert!(timeout(NEVER, store.changed()).await.is_err());
    assert_eq!(std::fs::metadata(&log).unwrap().len(), size);

    let cancelled = other.cancel(id, Operator::named("ada")).await.unwrap();
    assert_eq!(cancelled, Some(CancelOutcome::Requested));
    timeout(AT_LAST, store.changed()).await.unwrap();
    // Of its own commits it hears at once, also of those before it waited.
    timeout(Duration::ZERO, other.changed()).await.unwrap();
    other.close().await.unwrap();
    timeout(AT_LAST, store.changed()).await.unwrap();
    taken(&store).await;

    shell(&path).await.start_saga(saga("a")).await.unwrap();
    timeout(AT_LAST, store.changed()).await.unwrap();
    assert_eq!(taken(&store).await.epoch, 1);
    assert!(timeout(NEVER, store.changed()).await.is_err());
    // What is done by hand, with the shell.
    execute(
        &path,
        "UPDATE resilience_sagas SET owner = '' WHERE epoch = 1",
    )
    .await;
    timeout(AT_LAST, store.changed()).await.unwrap();
    let waiting = store.clone();
    let waiting = tokio::spawn(async move { waiting.changed().await });
    store.close().await.unwrap();
    assert!(!waiting.is_finished());
    waiting.abort();
}

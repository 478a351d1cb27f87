//! A process that is killed: what it held is free at once.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::lock::store::{Acquired, LockStore};
use resilience_runtime::saga::journal::{Advance, Journal, NewSaga, Started};

use crate::{acquiring, granted, known, open, saga, step};

const DATABASE: &str = "STORE_SQLITE_CHILD_DATABASE";
const KEY: Digest = Digest::from_bytes([1; 32]);
const SAGA_KEY: SagaKey = SagaKey {
    digest: KEY,
    ttl: Duration::from_secs(3600),
};

/// The child of the test below; on its own, nothing.
#[tokio::test]
async fn child_that_dies() {
    let Some(path) = std::env::var_os(DATABASE).map(PathBuf::from) else {
        return;
    };
    let store = open(&path).await;
    assert_eq!(granted(&store, KEY).await, (1, false));
    for _ in 0..2 {
        // The lock, and a place in its line.
        store.acquire(acquiring(KEY)).await.unwrap();
    }
    for key in [None, Some(SAGA_KEY)] {
        let saga = NewSaga { key, ..saga("a") };
        let id = saga.id.clone();
        assert!(matches!(store.start(saga).await.unwrap(), Started::New(_)));
        let write = Advance {
            steps: vec![step(0)],
            ..Advance::default()
        };
        store.advance(id, 1, write).await.unwrap();
    }
    std::process::abort();
}

#[tokio::test]
async fn what_a_killed_process_held_is_free_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child_that_dies"])
        .env(DATABASE, &path)
        .output()
        .unwrap();
    assert_eq!(child.status.code(), None, "killed by a signal: {child:?}");
    let workers = folder.path().join("a.db.workers");
    assert_eq!(std::fs::read_dir(&workers).unwrap().count(), 2);

    assert_eq!(granted(&store, KEY).await, (2, true));
    let acquired = store.acquire(acquiring(KEY)).await.unwrap();
    assert!(matches!(acquired, Acquired::Granted { .. }));
    let again = NewSaga {
        key: Some(SAGA_KEY),
        ..saga("a")
    };
    match store.start(again).await.unwrap() {
        Started::TakenOver(record) => assert_eq!((record.epoch, record.steps.len()), (2, 1)),
        other => panic!("{other:?}"),
    }
    let taken = store.take_over(known(&["a"]), 9).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].epoch, taken[0].steps.len()), (2, 1));
    assert_eq!(std::fs::read_dir(&workers).unwrap().count(), 1);
}

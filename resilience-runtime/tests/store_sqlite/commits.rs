//! Commits: shared, all or nothing for each operation, and flushed at the end.

use resilience_runtime::error::Effect;
use resilience_runtime::saga::journal::{Journal, Started, Status};

use crate::{counts, execute, known, open, saga};

#[tokio::test]
async fn operations_that_wait_at_the_same_time_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db")).await;
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.start(saga("a")).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Started::New(_)));
    }
    let (batches, operations) = store.commits();
    assert_eq!(operations, 200);
    assert!(batches < operations / 4, "{batches} commits");
    assert_eq!(counts(&store).await, [(Status::Running, 200)]);
}

/// Both ways in which SQLite fails a statement: with the transaction still open, and with it
/// rolled back already.
#[tokio::test]
async fn an_operation_that_fails_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    execute(
        &path,
        "CREATE TRIGGER abort BEFORE INSERT ON resilience_sagas WHEN new.name = 'abort'
         BEGIN SELECT RAISE(ABORT, 'not this one'); END;
         CREATE TRIGGER rollback BEFORE INSERT ON resilience_sagas WHEN new.name = 'rollback'
         BEGIN SELECT RAISE(ROLLBACK, 'not this one'); END;",
    )
    .await;
    for bad in ["abort", "rollback"] {
        let tasks: Vec<_> = (0..40)
            .map(|number| {
                let name = if number % 10 == 3 { bad } else { "good" };
                let store = store.clone();
                tokio::spawn(async move { (name, store.start(saga(name)).await) })
            })
            .collect();
        for task in tasks {
            match task.await.unwrap() {
                ("good", answer) => assert!(matches!(answer.unwrap(), Started::New(_))),
                (_, answer) => {
                    let error = answer.unwrap_err();
                    assert_eq!(error.effect(), Effect::DidNotRun);
                    assert!(error.to_string().contains("not this one"), "{error}");
                }
            }
        }
    }
    assert_eq!(counts(&store).await, [(Status::Running, 72)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_write_to_one_file_without_being_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let stores = [open(&path).await, open(&path).await];
    let tasks = stores.clone().map(|store| {
        tokio::spawn(async move {
            for _ in 0..500 {
                let started = store.start(saga("a")).await.unwrap();
                assert!(matches!(started, Started::New(_)));
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    let counts = counts(&stores[0]).await;
    assert_eq!(counts, [(Status::Running, 1000)]);
}

#[tokio::test]
async fn closing_finishes_what_was_handed_over_and_refuses_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let other = store.clone();
    let mut handed_over: Vec<_> = (0..100).map(|_| store.start(saga("a"))).collect();
    for start in &mut handed_over {
        std::future::poll_fn(|context| {
            assert!(start.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }
    drop(handed_over);
    store.close().await.unwrap();

    let write = other.start(saga("a")).await.unwrap_err();
    assert!(write.to_string().contains("the store is closed"), "{write}");
    assert_eq!(write.effect(), Effect::DidNotRun);
    let read = other.load(saga("a").id).await.unwrap_err();
    assert!(read.to_string().contains("the store is closed"), "{read}");
    assert!(other.close().await.is_err());

    // The log was moved into the file, and nobody is left in the folder.
    assert!(!folder.path().join("a.db-wal").exists());
    let workers = std::fs::read_dir(folder.path().join("a.db.workers")).unwrap();
    assert_eq!(workers.count(), 0);
    let again = open(&path).await;
    assert_eq!(counts(&again).await, [(Status::Running, 100)]);
    // They had no owner any more.
    let taken = again.take_over(known(&["a"]), 1000).await.unwrap();
    assert_eq!(taken.len(), 100);
}

/// The connections that read cannot move the log into the file: none of them may be the last.
#[tokio::test]
async fn closing_moves_the_log_into_the_file_after_reads() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db")).await;
    store.start(saga("a")).await.unwrap();
    assert_eq!(counts(&store).await, [(Status::Running, 1)]);
    store.close().await.unwrap();
    assert!(!folder.path().join("a.db-wal").exists());
}

//! What is written of sagas in somebody's own transaction.

use std::path::Path;

use resilience_runtime::error::Effect;
use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaId, StartConnection, Started, StartedIn, Status, StepConnection,
    StepOutcome, StepRecord, StepTransaction, Written,
};
use sqlx::{Connection, SqliteConnection};

use crate::{advance, execute, known, number, open, saga, shell, started, step};

const STOCK: &str = "SELECT n FROM stock";

/// A file with a table of its author's.
async fn shop(path: &Path) {
    execute(path, "CREATE TABLE stock (n); INSERT INTO stock VALUES (9)").await;
}

/// Takes one from the stock, and ends the step as `epoch` says.
async fn take(
    connection: &mut SqliteConnection,
    saga: &SagaId,
    epoch: i64,
    step: StepRecord,
) -> Written {
    let mut transaction = connection.begin_step().await.unwrap();
    let take = sqlx::query("UPDATE stock SET n = n - 1");
    take.execute(transaction.connection()).await.unwrap();
    let committed = StepTransaction::commit(transaction, saga.clone(), epoch, step, false).await;
    committed.unwrap()
}

#[tokio::test]
async fn a_step_and_its_effect_are_one_commit_under_the_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    shop(&path).await;
    let id = started(&store, "a").await;
    let mut connection = shell(&path).await;
    assert_eq!(take(&mut connection, &id, 1, step(0)).await, Written::YES);
    assert_eq!(number(&path, STOCK).await, 8);
    let record = store.load(id.clone()).await.unwrap().unwrap();
    assert_eq!((record.steps.len(), record.pivoted), (1, false));
    assert!(record.steps[0].written_at.is_some());
    assert_eq!(record.steps[0].step, "step-0");

    // Another owner has it: neither is there.
    for epoch in [0, 2] {
        let written = take(&mut connection, &id, epoch, step(1)).await;
        assert_eq!(written, Written::Superseded);
    }
    assert_eq!(number(&path, STOCK).await, 8);
    // Nor when another step is there, or the body failed, or was dropped.
    let mut transaction = connection.begin_step().await.unwrap();
    let take_all = sqlx::query("UPDATE stock SET n = 0");
    take_all.execute(transaction.connection()).await.unwrap();
    let other = StepRecord {
        step: "other".to_owned(),
        ..step(0)
    };
    let refused = StepTransaction::commit(transaction, id.clone(), 1, other, false).await;
    assert_eq!(refused.unwrap_err().effect(), Effect::DidNotRun);
    let mut transaction = connection.begin_step().await.unwrap();
    let take_all = sqlx::query("UPDATE stock SET n = 0");
    take_all.execute(transaction.connection()).await.unwrap();
    transaction.roll_back().await.unwrap();
    // One that is dropped is rolled back by the time that the next one begins.
    for _ in 0..100 {
        drop(connection.begin_step().await.unwrap());
    }
    assert_eq!(number(&path, STOCK).await, 8);
    let record = store.load(id.clone()).await.unwrap().unwrap();
    assert_eq!(record.steps.len(), 1);

    let transaction = connection.begin_step().await.unwrap();
    let written = StepTransaction::commit(transaction, id.clone(), 1, step(1), true).await;
    assert_eq!(written.unwrap(), Written::YES);
    let record = store.load(id.clone()).await.unwrap().unwrap();
    assert_eq!((record.steps.len(), record.pivoted), (2, true));
    // The connection is in no transaction, and must not be in one.
    let mut own = connection.begin().await.unwrap();
    let error = own.begin_step().await.err().unwrap();
    assert!(error.to_string().contains("is in a transaction"), "{error}");
    assert_eq!(error.effect(), Effect::DidNotRun);
}

#[tokio::test]
async fn a_step_in_doubt_is_replaced_by_what_it_came_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    shop(&path).await;
    let id = started(&store, "a").await;
    let in_doubt = StepRecord {
        outcome: StepOutcome::InDoubt,
        output: None,
        ..step(0)
    };
    let write = Advance {
        steps: vec![in_doubt],
        ..Advance::default()
    };
    advance(&store, &id, 1, write.clone()).await;
    let mut connection = shell(&path).await;
    assert_eq!(take(&mut connection, &id, 1, step(0)).await, Written::YES);
    // Not the other way round.
    advance(&store, &id, 1, write).await;
    let record = store.load(id).await.unwrap().unwrap();
    assert_eq!(record.steps[0].outcome, StepOutcome::Done);
    assert_eq!(record.steps[0].output.as_deref(), Some("null"));
}

/// The transaction of a step can be committed after its process has left, and before the next owner has the saga.
#[tokio::test]
async fn who_takes_over_sees_a_step_that_was_committed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, leaves) = (open(&path).await, open(&path).await);
    shop(&path).await;
    let id = started(&leaves, "a").await;
    leaves.close().await.unwrap();
    let mut connection = shell(&path).await;
    let mut transaction = connection.begin_step().await.unwrap();
    let take = sqlx::query("UPDATE stock SET n = n - 1");
    take.execute(transaction.connection()).await.unwrap();
    // It is nobody's, and is read without the step; that it is taken waits for the step.
    let taking = store.take_over(known(&["a"]), 9);
    let committing = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        StepTransaction::commit(transaction, id.clone(), 1, step(0), false).await
    };
    let (taken, committed) = tokio::join!(taking, committing);
    assert_eq!(committed.unwrap(), Written::YES);
    let taken = taken.unwrap();
    assert_eq!((taken[0].epoch, taken[0].steps.len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_find_their_turn_beside_a_store_that_writes_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    execute(
        &path,
        "CREATE TABLE stock (n); INSERT INTO stock VALUES (0)",
    )
    .await;
    let id = started(&store, "a").await;
    let writes: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                loop {
                    started(&store, "b").await;
                }
            })
        })
        .collect();
    let mut connection = shell(&path).await;
    for position in 0..20 {
        let written = take(&mut connection, &id, 1, step(position)).await;
        assert_eq!(written, Written::YES);
    }
    for write in writes {
        write.abort();
    }
    assert_eq!(number(&path, STOCK).await, -20);
}

#[tokio::test]
async fn a_saga_begins_with_the_transaction_that_starts_it_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    shop(&path).await;
    let mut connection = shell(&path).await;
    for (commits, stock) in [(false, 9), (true, 0)] {
        let new = NewSaga {
            timeout: Some(std::time::Duration::from_secs(60)),
            input: r#"{"order":1}"#.to_owned(),
            ..saga("a")
        };
        let id = new.id.clone();
        let mut transaction = connection.begin().await.unwrap();
        let take_all = sqlx::query("UPDATE stock SET n = 0");
        take_all.execute(&mut *transaction).await.unwrap();
        let begun = transaction.start_saga(new).await.unwrap();
        assert_eq!(begun, StartedIn::New);
        assert!(store.load(id.clone()).await.unwrap().is_none());
        assert!(store.take_over(known(&["a"]), 9).await.unwrap().is_empty());
        match commits {
            true => transaction.commit().await.unwrap(),
            false => transaction.rollback().await.unwrap(),
        }
        assert_eq!(number(&path, STOCK).await, stock);
        let taken = store.take_over(known(&["a"]), 9).await.unwrap();
        let taken: Vec<_> = taken
            .iter()
            .map(|record| (&record.id, record.epoch, record.interruptions))
            .collect();
        assert_eq!(taken, if commits { vec![(&id, 1, 0)] } else { vec![] });
        if commits {
            let record = store.load(id).await.unwrap().unwrap();
            let limit = record.deadline.unwrap().since(record.started_at);
            assert_eq!(limit.as_millis(), 60_000);
        }
    }
}

#[tokio::test]
async fn a_start_finds_the_saga_of_its_key_or_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let mut connection = shell(&path).await;
    let keyed = |digest: u8| NewSaga {
        key: Some(SagaKey {
            digest: Digest::from_bytes([digest; 32]),
            ttl: std::time::Duration::from_secs(60),
        }),
        ..saga("a")
    };
    let given = NewSaga {
        id: SagaId::from("order-1".to_owned()),
        given: true,
        ..saga("b")
    };
    let first = keyed(1);
    let there = StartedIn::Present {
        id: first.id.clone(),
        name: "a".to_owned(),
        input: "{}".to_owned(),
    };
    assert!(matches!(store.start(first).await.unwrap(), Started::New(_)));
    assert_eq!(connection.start_saga(keyed(1)).await.unwrap(), there);
    // Within one transaction, too.
    let mut transaction = connection.begin().await.unwrap();
    let begun = transaction.start_saga(given.clone()).await.unwrap();
    assert_eq!(begun, StartedIn::New);
    let again = transaction.start_saga(given.clone()).await.unwrap();
    assert!(matches!(again, StartedIn::Present { name, .. } if name == "b"));
    transaction.commit().await.unwrap();
    // Nobody has it: whoever starts it has it.
    match store.start(given).await.unwrap() {
        Started::TakenOver(record) => {
            assert_eq!((record.epoch, record.status), (1, Status::Running));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_without_tables_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = shell(&folder.path().join("a.db")).await;
    let step = connection.begin_step().await.err().unwrap();
    assert!(step.to_string().contains("open a runtime on it"), "{step}");
    let start = connection.start_saga(saga("a")).await.unwrap_err();
    assert!(
        start.to_string().contains("open a runtime on it"),
        "{start}"
    );
}

#[tokio::test]
async fn a_body_that_ends_the_transaction_of_its_step_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    shop(&path).await;
    let id = started(&store, "a").await;
    let mut connection = shell(&path).await;
    for ends in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "ROLLBACK; BEGIN"] {
        let mut transaction = connection.begin_step().await.unwrap();
        let ended = sqlx::raw_sql(ends).execute(transaction.connection()).await;
        ended.unwrap();
        let committed = StepTransaction::commit(transaction, id.clone(), 1, step(0), false).await;
        let error = committed.unwrap_err();
        assert_eq!(error.effect(), Effect::Ran, "{ends}: {error}");
        assert!(
            error.to_string().contains("has ended the transaction"),
            "{ends}: {error}"
        );
    }
    // Nor when it has failed after that.
    let mut transaction = connection.begin_step().await.unwrap();
    let ended = sqlx::raw_sql("COMMIT").execute(transaction.connection());
    ended.await.unwrap();
    transaction.roll_back().await.unwrap();
    // Nothing of it is left on the connection.
    assert_eq!(take(&mut connection, &id, 1, step(0)).await, Written::YES);
    let record = store.load(id.clone()).await.unwrap().unwrap();
    assert_eq!(record.steps.len(), 1);
    assert_eq!(number(&path, STOCK).await, 8);
}

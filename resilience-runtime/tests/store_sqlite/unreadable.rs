//! Rows that no version of this crate has written.

use resilience_runtime::dlq::{
    DeadLetter, DeadLetterFilter, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority, Queue,
};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaFilter, SagaSummary, Status,
};
use sqlx::AssertSqlSafe;

use crate::{advance, counts, execute, known, open, saga, shell, started};

#[tokio::test]
async fn rows_that_cannot_be_read_stop_no_others_and_are_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let crashes = open(&path).await;
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        let saga: NewSaga = saga(name);
        crashes.start(saga).await.unwrap();
    }
    crashes.close().await.unwrap();
    execute(
        &path,
        "UPDATE resilience_sagas SET status = 'pondering' WHERE name = 'a';
         UPDATE resilience_sagas SET key = 'not a digest' WHERE name = 'b';
         UPDATE resilience_sagas SET input = x'00ff' WHERE name = 'c';
         INSERT INTO resilience_saga_steps
         SELECT id, -1, 'step', 0, '{}', NULL, 0, 0, 'done', NULL FROM resilience_sagas WHERE name = 'd';
         UPDATE resilience_sagas SET owner = x'ff' WHERE name = 'e';",
    )
    .await;
    let store = open(&path).await;
    let known = known(&["a", "b", "c", "d", "e", "f", "g"]);
    // A page is smaller than what cannot be read at its start.
    for expected in ["f", "g"] {
        let taken = store.take_over(known.clone(), 1).await.unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].name, expected);
    }
    assert!(store.take_over(known, 9).await.unwrap().is_empty());
    let untouched: i64 =
        sqlx::query_scalar("SELECT count(*) FROM resilience_sagas WHERE epoch = 1 AND name < 'f'")
            .fetch_one(&mut shell(&path).await)
            .await
            .unwrap();
    assert_eq!(untouched, 5);
    counts(&store).await;
}

/// One column after the other of one saga: it is left out, and nothing else is.
#[tokio::test]
async fn a_saga_with_any_unreadable_column_is_left_out_of_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    for name in ["a", "b", "c"] {
        let id = started(&store, name).await;
        let end = Advance {
            status: Some(Status::Completed),
            ..Advance::default()
        };
        advance(&store, &id, 1, end).await;
    }
    let names = |page: Vec<SagaSummary>| -> Vec<String> {
        page.into_iter().map(|saga| saga.name).collect()
    };
    let mut shell = shell(&path).await;
    for (column, corrupt) in [
        ("status", "'pondering'"),
        ("name", "x'ff'"),
        ("version", "-1"),
        ("parking", "'asleep'"),
        ("epoch", "'x'"),
        ("error", "x'c328'"),
        ("created_at", "'yesterday'"),
        ("updated_at", "'today'"),
    ] {
        for text in [
            "CREATE TEMP TABLE kept AS SELECT * FROM resilience_sagas".to_owned(),
            format!("UPDATE resilience_sagas SET {column} = {corrupt} WHERE name = 'b'"),
        ] {
            let text = AssertSqlSafe(text);
            sqlx::raw_sql(text).execute(&mut shell).await.unwrap();
        }
        // A page is not shorter because of it.
        let page = Journal::list(&store, SagaFilter::default(), None, 2).await;
        assert_eq!(names(page.unwrap()), ["a", "c"], "{column}");
        let statistics = Journal::statistics(&store).await.unwrap();
        let completed = statistics.iter().filter(|it| it.completed.is_some());
        let completed: Vec<_> = completed.map(|it| it.name.as_str()).collect();
        assert!(
            completed.contains(&"a") && completed.contains(&"c"),
            "{column}"
        );
        let restore = "DELETE FROM resilience_sagas;
             INSERT INTO resilience_sagas SELECT * FROM kept;
             DROP TABLE kept;";
        sqlx::raw_sql(restore).execute(&mut shell).await.unwrap();
    }
    let page = Journal::list(&store, SagaFilter::default(), None, 9).await;
    assert_eq!(names(page.unwrap()), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_letter_with_any_unreadable_column_is_left_out_of_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let work = NewDeadLetter {
        kind: DeadLetterKind::Work,
        operation: "mail".to_owned(),
        dependency: None,
        priority: Priority::Normal,
        position: None,
        arguments: "{}".to_owned(),
        output: None,
        error: "no answer".to_owned(),
        attempts: 1,
    };
    for nonce in ["1", "2", "3"] {
        let added = store.add(work.clone(), nonce.to_owned(), Operator::program());
        added.await.unwrap();
    }
    let ids = |page: Vec<DeadLetter>| -> Vec<i64> { page.iter().map(|it| it.id).collect() };
    let mut shell = shell(&path).await;
    for (column, corrupt) in [
        ("kind", "'job'"),
        ("operation", "x'ff'"),
        ("priority", "9"),
        ("position", "-1"),
        ("arguments", "x'c328'"),
        ("attempts", "'many'"),
        ("status", "'lost'"),
        ("created_at", "'yesterday'"),
    ] {
        for text in [
            "CREATE TEMP TABLE kept AS SELECT * FROM resilience_dead_letters".to_owned(),
            format!("UPDATE resilience_dead_letters SET {column} = {corrupt} WHERE id = 2"),
        ] {
            let text = AssertSqlSafe(text);
            sqlx::raw_sql(text).execute(&mut shell).await.unwrap();
        }
        let page = Queue::list(&store, DeadLetterFilter::default(), None, 2).await;
        assert_eq!(ids(page.unwrap()), [1, 3], "{column}");
        assert!(store.get(2).await.is_err());
        let statistics = Queue::statistics(&store).await.unwrap();
        let open = |(status, count): &(_, u64)| *status == DeadLetterStatus::Open && *count >= 2;
        assert!(statistics.counts.iter().any(open), "{column}");
        assert!(statistics.oldest.is_some(), "{column}");
        store.unresolved().await.unwrap();
        let restore = "PRAGMA foreign_keys = 0;
             DELETE FROM resilience_dead_letters;
             INSERT INTO resilience_dead_letters SELECT * FROM kept;
             DROP TABLE kept;";
        sqlx::raw_sql(restore).execute(&mut shell).await.unwrap();
    }
    // One that is to be tried again holds up no other.
    execute(
        &path,
        "UPDATE resilience_dead_letters SET status = 'retrying';
         UPDATE resilience_dead_letters SET attempts = -1 WHERE id = 1;",
    )
    .await;
    let mail = || vec!["mail".to_owned()];
    assert_eq!(ids(store.take_work(mail(), 1).await.unwrap()), [2]);
    assert_eq!(ids(store.take_work(mail(), 9).await.unwrap()), [3]);
}

//! Rows that no version of this crate has written: each is reported and left out, and nothing else is.

use resilience_runtime::dlq::{DeadLetter, DeadLetterFilter, DeadLetterStatus, Queue};
use resilience_runtime::saga::journal::{
    Advance, Journal, SagaFilter, SagaId, SagaSummary, Status, Written,
};
use resilience_runtime::store::postgres::PostgresStore;
use sqlx::AssertSqlSafe;

use super::{database, dead, execute, known, open, shell, started, write_to};

async fn completed(store: &PostgresStore) -> SagaId {
    let saga = started(store).await;
    let end = Advance {
        status: Some(Status::Completed),
        ..Advance::default()
    };
    assert_eq!(write_to(store, &saga, 1, end).await, Written::YES);
    saga
}

/// One column after the other of the second of three sagas.
#[tokio::test]
async fn a_saga_with_any_unreadable_column_is_left_out_of_lists() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    let mut sagas = Vec::new();
    for _ in 0..3 {
        sagas.push(completed(&store).await);
    }
    let ids =
        |page: Vec<SagaSummary>| -> Vec<SagaId> { page.into_iter().map(|saga| saga.id).collect() };
    let mut shell = shell(&url).await;
    for (column, corrupt) in [("status", "'pondering'"), ("parking", "'asleep'")] {
        let tamper = format!(
            "CREATE TEMP TABLE kept AS SELECT * FROM resilience_sagas;
             UPDATE resilience_sagas SET {column} = {corrupt} WHERE id = '{}'",
            sagas[1]
        );
        let tamper = sqlx::raw_sql(AssertSqlSafe(tamper)).execute(&mut shell);
        tamper.await.unwrap();
        // An empty page is the end, and no page is empty because of it.
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = Journal::list(&store, SagaFilter::default(), after, 1).await;
            let page = page.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.cursor());
            found.extend(ids(page));
        }
        assert_eq!(found, [sagas[0].clone(), sagas[2].clone()], "{column}");
        let page = Journal::list(&store, SagaFilter::default(), None, 2).await;
        assert_eq!(ids(page.unwrap()), found, "{column}");
        let statistics = Journal::statistics(&store).await.unwrap();
        let (status, count) = statistics[0].counts[0];
        assert!(status == Status::Completed && count >= 2, "{column}");
        assert!(statistics[0].completed.is_some());
        let restore = format!(
            "UPDATE resilience_sagas AS it SET {column} = kept.{column} FROM kept WHERE kept.id = it.id;
             DROP TABLE kept"
        );
        let restore = sqlx::raw_sql(AssertSqlSafe(restore)).execute(&mut shell);
        restore.await.unwrap();
    }
    let page = Journal::list(&store, SagaFilter::default(), None, 9).await;
    assert_eq!(ids(page.unwrap()), sagas);
}

#[tokio::test]
async fn letters_in_a_status_that_nobody_knows_are_left_out_of_statistics() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    execute(
        &url,
        "SELECT resilience_dead_letter_add('bill', '{}', 'no answer', 'bank') FROM generate_series(1, 4);
         UPDATE resilience_dead_letters SET status = 'lost' WHERE id = 1;
         UPDATE resilience_dead_letters SET kind = 'job' WHERE id = 2",
    )
    .await;
    let statistics = Queue::statistics(&store).await.unwrap();
    assert_eq!(statistics.counts, [(DeadLetterStatus::Open, 3)]);
    assert_eq!(statistics.by_operation, [("bill".to_owned(), 3)]);
    assert_eq!(statistics.by_dependency, [("bank".to_owned(), 3)]);
    assert!(statistics.oldest.is_some());
    assert_eq!(store.unresolved().await.unwrap(), 3);
    let ids = |page: Vec<DeadLetter>| -> Vec<i64> { page.iter().map(|it| it.id).collect() };
    let page = Queue::list(&store, DeadLetterFilter::default(), None, 1).await;
    assert_eq!(ids(page.unwrap()), [3]);
    assert!(store.get(1).await.is_err() && store.get(2).await.is_err());
    assert!(store.get(3).await.unwrap().is_some());
}

/// A saga in a status that nobody knows keeps nobody from the others.
#[tokio::test]
async fn a_saga_in_an_unknown_status_holds_up_no_others() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    let (odd, other) = (dead(&store).await, started(&store).await);
    store.close().await;
    execute(
        &url,
        "UPDATE resilience_sagas SET status = 'pondering' WHERE status = 'compensation_failed'",
    )
    .await;
    let store = open(&url).await;
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].id, other);
    assert!(store.load(odd).await.is_err());
    assert!(store.orphaned(Vec::new()).await.is_ok());
    // Its letter can be looked at.
    let page = Queue::list(&store, DeadLetterFilter::default(), None, 9).await;
    assert_eq!(page.unwrap().len(), 1);
    store.close().await;
}

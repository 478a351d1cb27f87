//! Callers that leave while they take over what others left: what was told to them is told to the next one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterId, DeadLetterKind, NewDeadLetter, Queue, RetryAs};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::Journal;
use resilience_runtime::store::postgres::PostgresStore;
use resilience_test_support::cancel;
use sqlx::{Connection as _, PgConnection};

use crate::fixture::AT_LAST;
use crate::sagas::{known, letter};
use crate::{Database, accepted, ids, in_front_of, left_behind, open, uuid};

/// What is asked for is under way by then.
const SOON: Duration = Duration::from_millis(100);

/// Callers that leave while they take over lose no saga, and none is told twice.
#[tokio::test]
async fn what_a_caller_who_left_was_taking_over_is_told_to_the_next_one() {
    let Some(database) = Database::new() else {
        return;
    };
    let store = open(&database.url).await;
    let url = database.url.as_str();
    let gone = Arc::new(Mutex::new(left_behind(url, 3).await));
    let summary = cancel::at_every_await(
        || {
            let (store, gone) = (store.clone(), Arc::clone(&gone));
            async move {
                let taken = ids(&store.take_over(known(), 9).await.unwrap());
                // Told to this caller, who may be gone by now, but has them.
                gone.lock().unwrap().retain(|id| !taken.contains(id));
            }
        },
        |run| {
            let (store, gone) = (store.clone(), Arc::clone(&gone));
            async move {
                let left = gone.lock().unwrap().clone();
                let taken = store.take_over(known(), 9).await.unwrap();
                assert_eq!(ids(&taken), left, "{run:?}");
                assert!(store.take_over(known(), 9).await.unwrap().is_empty());
                let next = left_behind(url, 3).await;
                *gone.lock().unwrap() = next;
            }
        },
    )
    .await;
    assert!(summary.dropped >= 4, "{summary:?}");
}

/// The statement of the one who left goes on, and takes them only when the next one looks already.
#[tokio::test]
async fn what_a_caller_who_left_has_not_taken_over_yet_is_told_to_the_next_one() {
    let Some(database) = Database::new() else {
        return;
    };
    let store = open(&database.url).await;
    let gone = left_behind(&database.url, 3).await;
    let mut locks = PgConnection::connect(&database.url).await.unwrap();
    let lock = "BEGIN; SELECT id FROM resilience_sagas FOR UPDATE";
    sqlx::raw_sql(lock).execute(&mut locks).await.unwrap();
    let leaves = tokio::time::timeout(SOON, store.take_over(known(), 9));
    assert!(leaves.await.is_err());
    let next = {
        let store = store.clone();
        tokio::spawn(async move { store.take_over(known(), 9).await.unwrap() })
    };
    tokio::time::sleep(SOON).await;
    locks.close().await.unwrap();
    assert_eq!(ids(&next.await.unwrap()), gone);
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
}

/// Its owner was slow, and not dead: it comes to its end before it can be taken over. Nobody asks for it ever again.
#[tokio::test]
async fn what_ended_while_it_was_being_taken_over_is_forgotten() {
    let Some(database) = Database::new() else {
        return;
    };
    let proxy = in_front_of(&database.url);
    let url = proxy.in_front_of(&database.url);
    // It renews nothing meanwhile.
    let hour = Duration::from_secs(3600);
    let store = PostgresStore::open_for(&url, &accepted(), hour).await;
    let store = store.unwrap();
    left_behind(&database.url, 1).await;
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    let end = "BEGIN; UPDATE resilience_sagas SET status = 'completed'";
    sqlx::raw_sql(end).execute(&mut owner).await.unwrap();
    let taking = {
        let store = store.clone();
        tokio::spawn(async move { store.take_over(known(), 9).await.unwrap() })
    };
    tokio::time::sleep(SOON).await;
    sqlx::raw_sql("COMMIT").execute(&mut owner).await.unwrap();
    assert!(taking.await.unwrap().is_empty());
    let before = proxy.requests();
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    assert_eq!(
        proxy.requests() - before,
        1,
        "it looks for one that is over"
    );
}

/// The same for works, which are not waited for where somebody has them.
#[tokio::test]
async fn works_that_a_caller_who_left_was_taking_are_told_to_the_next_one() {
    let Some(database) = Database::new() else {
        return;
    };
    let store = open(&database.url).await;
    let take = |store: PostgresStore| async move {
        let works = store.take_work(vec!["bill".to_owned()], 9).await;
        let ids: Vec<_> = works.unwrap().into_iter().map(|work| work.id).collect();
        ids
    };
    let work = wanted_work(&store).await;
    // The statement waits for a lock that the shell has.
    let slow = "
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END';
        CREATE TRIGGER slow BEFORE UPDATE ON resilience_dead_letters FOR EACH ROW EXECUTE FUNCTION slow();
        SELECT pg_advisory_lock(7)";
    let mut shell = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql(slow).execute(&mut shell).await.unwrap();
    let leaves = tokio::spawn(take(store.clone()));
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let is_waiting = async {
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&mut shell)
            .await
            .unwrap()
            == 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(AT_LAST, is_waiting).await.unwrap();
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    let next = tokio::spawn(take(store.clone()));
    tokio::time::sleep(SOON).await;
    shell.close().await.unwrap();
    assert_eq!(next.await.unwrap(), [work]);
    assert!(take(store).await.is_empty());
}

/// A work that somebody wants to be done again.
async fn wanted_work(store: &PostgresStore) -> DeadLetterId {
    let work = NewDeadLetter {
        kind: DeadLetterKind::Work,
        operation: "bill".to_owned(),
        position: None,
        ..letter(0)
    };
    let id = store
        .add(work, uuid(), Operator::named("anna"))
        .await
        .unwrap();
    let asked = store
        .request_retry(id, RetryAs::Itself, Operator::named("anna"))
        .await;
    assert!(asked.unwrap());
    id
}

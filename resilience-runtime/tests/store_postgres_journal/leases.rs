//! Workers that are killed, come back too late, or leave.

use std::time::Duration;

use resilience_runtime::saga::journal::{
    Advance, Journal, SagaId, SagaRecord, Started, Status, Written,
};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_test_support::child;
use resilience_test_support::proxy::Proxy;
use sqlx::{Connection as _, PgConnection};

use crate::fixture::AT_LAST;
use crate::sagas::{handed_over, known, known_as, named, new_saga, started, status, step};
use crate::{Database, accepted};

/// Renewed every 2 s: who is alive and stands still for 4 s, on a machine under load, is taken for dead.
const LEASE: Duration = Duration::from_secs(6);

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open_for(url, &accepted(), LEASE)
        .await
        .unwrap()
}

fn port(url: &str) -> u16 {
    let (_, rest) = url.rsplit_once(':').unwrap();
    rest.split_once('/').unwrap().0.parse().unwrap()
}

async fn started_as(store: &PostgresStore, name: &str) -> SagaId {
    let saga = named(name);
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New(_)));
    id
}

/// Asks until it gets sagas.
async fn taken_over(store: &PostgresStore) -> Vec<SagaRecord> {
    let mut taken = Vec::new();
    until(async || {
        taken = store.take_over(known(), 10).await.unwrap();
        !taken.is_empty()
    })
    .await;
    taken
}

/// Waits until `condition` holds.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let holds = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, holds).await.unwrap();
}

/// The answer to a question with one text as the answer.
async fn asked(url: &str, question: &'static str) -> String {
    let mut shell = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(question)
        .fetch_one(&mut shell)
        .await
        .unwrap()
}

async fn workers(url: &str) -> String {
    const WORKERS: &str = "SELECT coalesce(string_agg(id::text, ' ' ORDER BY entered_at), '') FROM resilience_workers";
    asked(url, WORKERS).await
}

#[tokio::test]
async fn the_sagas_of_a_killed_process_are_taken_over_when_its_lease_is_over() {
    const NAME: &str =
        "leases::the_sagas_of_a_killed_process_are_taken_over_when_its_lease_is_over";
    if let Some(url) = child::role(NAME) {
        let store = open(url.to_str().unwrap()).await;
        let saga = started(&store).await;
        let write = Advance {
            steps: vec![step(0)],
            ..Advance::default()
        };
        store.advance(saga, 1, write).await.unwrap();
        std::future::pending::<()>().await;
    }
    let Some(database) = Database::new() else {
        return;
    };
    let url = database.url.as_str();
    let store = open(url).await;
    let mut process = child::again(NAME, url).spawn().unwrap();
    until(async || asked(url, "SELECT count(*)::text FROM resilience_saga_steps").await != "0")
        .await;
    // It lives, and renews its lease, for longer than the first one.
    let its_lease = "SELECT lease_end::text FROM resilience_workers WHERE id IN (SELECT owner FROM resilience_sagas)";
    for _ in 0..4 {
        let before = asked(url, its_lease).await;
        until(async || {
            assert!(store.take_over(known(), 10).await.unwrap().is_empty());
            asked(url, its_lease).await != before
        })
        .await;
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let end = "SELECT max(lease_end)::text FROM resilience_workers \
               WHERE id IN (SELECT owner FROM resilience_sagas)";
    let end = asked(url, end).await;

    let taken = taken_over(&store).await;
    assert_eq!((taken.len(), taken[0].epoch), (1, 2));
    assert_eq!(handed_over(&taken[0].steps), [step(0)]);
    assert_eq!(taken[0].interruptions, 1);
    let mut shell = PgConnection::connect(url).await.unwrap();
    let is_over: bool = sqlx::query_scalar("SELECT $1::timestamptz <= clock_timestamp()")
        .bind(end)
        .fetch_one(&mut shell)
        .await
        .unwrap();
    assert!(is_over);
    assert_eq!(workers(url).await.split(' ').count(), 1);
}

#[tokio::test]
async fn start_takes_over_the_saga_of_a_killed_process() {
    const NAME: &str = "leases::start_takes_over_the_saga_of_a_killed_process";
    let key = Some(crate::fixture::digest(1));
    if let Some(url) = child::role(NAME) {
        let store = open(url.to_str().unwrap()).await;
        store.start(new_saga(key)).await.unwrap();
        std::process::abort();
    }
    let Some(database) = Database::new() else {
        return;
    };
    let url = database.url.as_str();
    let store = open(url).await;
    child::wait(&mut child::again(NAME, url).spawn().unwrap());
    until(async || match store.start(new_saga(key)).await.unwrap() {
        Started::Busy(_) => false,
        Started::TakenOver(record) => {
            assert_eq!((record.epoch, record.status), (2, Status::Running));
            assert_eq!(record.interruptions, 1);
            true
        }
        other => panic!("{other:?}"),
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_was_taken_for_dead_writes_nothing_and_goes_on_under_a_new_id() {
    let Some(database) = Database::new() else {
        return;
    };
    let url = database.url.as_str();
    let proxy = Proxy::start(port(url));
    let zombie = open(&proxy.in_front_of(url)).await;
    let lost = started_as(&zombie, "checkout").await;
    let kept = started_as(&zombie, "refund").await;
    let before = workers(url).await;
    let store = open(url).await;
    proxy.set(|faults| faults.refuse = true);
    let taken = taken_over(&store).await;
    assert_eq!((&taken[0].id, taken[0].epoch), (&lost, 2));
    proxy.heal();

    let late = zombie.advance(lost.clone(), 1, status(Status::Completed));
    assert_eq!(late.await.unwrap(), Written::Superseded);
    // What was not taken is still its own, and it takes nothing from itself.
    let mut names = known();
    names.push(known_as("refund", 1));
    assert!(zombie.take_over(names.clone(), 9).await.unwrap().is_empty());
    until(async || workers(url).await.split(' ').count() == 2).await;
    assert!(!workers(url).await.contains(&before));
    let owner = "SELECT owner::text FROM resilience_sagas WHERE name = 'refund'";
    until(async || workers(url).await.contains(&asked(url, owner).await)).await;
    assert!(store.take_over(names.clone(), 9).await.unwrap().is_empty());
    assert!(zombie.take_over(names, 9).await.unwrap().is_empty());
    let write = zombie.advance(kept.clone(), 1, status(Status::Completed));
    assert_eq!(write.await.unwrap(), Written::YES);
    let record = store.load(lost).await.unwrap().unwrap();
    assert_eq!((record.epoch, record.status), (2, Status::Running));
}

#[tokio::test]
async fn a_worker_that_nobody_missed_goes_on_as_it_was() {
    let Some(database) = Database::new() else {
        return;
    };
    let url = database.url.as_str();
    let proxy = Proxy::start(port(url));
    let store = open(&proxy.in_front_of(url)).await;
    let saga = started(&store).await;
    let before = workers(url).await;
    proxy.set(|faults| faults.refuse = true);
    let over = "SELECT (max(lease_end) <= clock_timestamp())::text FROM resilience_workers";
    until(async || asked(url, over).await == "true").await;
    proxy.heal();
    until(async || asked(url, over).await == "false").await;
    assert_eq!(workers(url).await, before);
    let other = open(url).await;
    assert!(other.take_over(known(), 10).await.unwrap().is_empty());
    let write = store.advance(saga, 1, status(Status::Completed));
    assert_eq!(write.await.unwrap(), Written::YES);
}

#[tokio::test]
async fn a_worker_leaves_when_it_is_closed_or_dropped() {
    let Some(database) = Database::new() else {
        return;
    };
    let url = database.url.as_str();
    let closed = open(url).await;
    let dropped = open(url).await;
    let clone = dropped.clone();
    assert_eq!(workers(url).await.split(' ').count(), 2);
    closed.close().await;
    assert_eq!(workers(url).await.split(' ').count(), 1);
    drop(dropped);
    started(&clone).await;
    assert_eq!(workers(url).await.split(' ').count(), 1);
    drop(clone);
    until(async || workers(url).await.is_empty()).await;
    let next = open(url).await;
    assert_eq!(next.take_over(known(), 9).await.unwrap().len(), 1);
}

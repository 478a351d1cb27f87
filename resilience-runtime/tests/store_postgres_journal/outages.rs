//! Servers that go away, answers that are lost, callers that leave.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterStatus, Queue};
use resilience_runtime::error::Effect;
use resilience_runtime::saga::journal::{
    Advance, Journal, SagaId, SagaRecord, Started, Status, Written,
};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_test_support::cancel;
use resilience_test_support::proxy::{Cut, Proxy};
use resilience_test_support::server::Postgres;

use crate::fixture::digest;
use crate::sagas::{advance, dead, new_saga, started, status, step};
use crate::{Database, accepted};

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, &accepted()).await.unwrap()
}

fn known() -> Vec<String> {
    vec!["checkout".to_owned()]
}

#[tokio::test]
async fn a_saga_goes_on_when_the_server_was_restarted_in_the_middle_of_it() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let store = open(&server.url()).await;
    let saga = started(&store).await;
    let write = |position| Advance {
        steps: vec![step(position)],
        ..Advance::default()
    };
    advance(&store, &saga, write(0)).await;
    server.restart();
    advance(&store, &saga, write(1)).await;
    server.restart();
    advance(&store, &saga, status(Status::Completed)).await;
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.steps, [step(0), step(1)]);
    assert_eq!((record.epoch, record.status), (1, Status::Completed));
}

#[tokio::test]
async fn a_server_that_was_down_for_longer_than_a_lease_makes_nobody_dead() {
    const LEASE: Duration = Duration::from_secs(2);
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let open = async |url: String| {
        let store = PostgresStore::open_for(&url, &accepted(), LEASE).await;
        store.unwrap()
    };
    let proxy = in_front_of(&server.url());
    let store = open(proxy.in_front_of(&server.url())).await;
    let saga = started(&store).await;
    server.stop_immediately();
    proxy.set(|faults| faults.refuse = true);
    tokio::time::sleep(LEASE + LEASE / 10).await;
    server.restart();
    // One finds the server again a little earlier than the other.
    let other = open(server.url()).await;
    assert!(other.take_over(known(), 9).await.unwrap().is_empty());
    proxy.heal();
    for _ in 0..24 {
        tokio::time::sleep(LEASE / 20).await;
        assert!(other.take_over(known(), 9).await.unwrap().is_empty());
    }
    advance(&store, &saga, status(Status::Completed)).await;
}

#[tokio::test]
async fn a_write_that_cannot_be_made_says_so_and_one_that_may_have_been_is_in_doubt() {
    let Some(database) = Database::new() else {
        return;
    };
    let proxy = in_front_of(&database.url);
    let store = open(&proxy.in_front_of(&database.url)).await;
    let saga = started(&store).await;
    proxy.set(|faults| faults.refuse = true);
    let write = || store.advance(saga.clone(), 1, status(Status::Completed));
    // On a connection that was open.
    assert_eq!(write().await.unwrap_err().effect(), Effect::MayHaveRun);
    // On one that is not made.
    assert_eq!(write().await.unwrap_err().effect(), Effect::DidNotRun);
    assert!(store.take_over(known(), 9).await.is_err());
    proxy.heal();
    assert_eq!(write().await.unwrap(), Written::Yes);
}

/// The answer to every message of a whole life is lost once, after it was carried out.
#[tokio::test]
async fn answers_that_are_lost_after_the_commit_change_nothing() {
    let Some(database) = Database::new() else {
        return;
    };
    let proxy = in_front_of(&database.url);
    let url = proxy.in_front_of(&database.url);
    let other = open(&database.url).await;
    let mut cuts = 0;
    for message in 1.. {
        let store = open(&url).await;
        proxy.cut_at(message, Cut::After);
        life(&store, &other, &database.url, message).await;
        if proxy.cuts() == cuts {
            break;
        }
        cuts = proxy.cuts();
        proxy.cut_nothing();
        store.close().await;
    }
    assert!(cuts >= 9, "{cuts}");
}

/// A saga that dies, is revived, dies again and is resolved; and one that is taken over.
async fn life(store: &PostgresStore, other: &PostgresStore, url: &str, number: u64) {
    let saga = new_saga(Some(digest(u32::try_from(number).unwrap())));
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New));
    let write = Advance {
        steps: vec![step(0)],
        ..dead("release")
    };
    advance(store, &id, write).await;
    let revived = store.revive(id.clone()).await.unwrap().unwrap();
    assert_eq!(
        (revived.epoch, revived.status),
        (2, Status::Compensating),
        "{number}"
    );
    let again = store.advance(id.clone(), 2, dead("release")).await;
    assert_eq!(again.unwrap(), Written::Yes);
    let letters = other.list(DeadLetterStatus::Open, None, 9).await.unwrap();
    assert_eq!(letters.len(), 1, "{number}");
    assert_eq!(letters[0].work.attempts, 6, "{number}");
    assert!(
        store
            .resolve(letters[0].id, "by hand".to_owned())
            .await
            .unwrap(),
        "{number}"
    );
    let record = other.load(id).await.unwrap().unwrap();
    assert_eq!((record.epoch, record.status), (3, Status::Compensated));
    assert_eq!(record.steps, [step(0)]);

    let gone = left_behind(url, 2).await;
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!(ids(&taken), gone, "{number}");
    for record in taken {
        assert_eq!(record.epoch, 2);
        let end = store.advance(record.id, 2, status(Status::Completed));
        assert_eq!(end.await.unwrap(), Written::Yes);
    }
}

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

/// Sagas of a worker that left.
async fn left_behind(url: &str, count: u32) -> BTreeSet<SagaId> {
    let store = open(url).await;
    let mut gone = BTreeSet::new();
    for _ in 0..count {
        gone.insert(started(&store).await);
    }
    store.close().await;
    gone
}

fn ids(records: &[SagaRecord]) -> BTreeSet<SagaId> {
    records.iter().map(|record| record.id.clone()).collect()
}

fn in_front_of(url: &str) -> Proxy {
    let (_, rest) = url.rsplit_once(':').unwrap();
    Proxy::start(rest.split_once('/').unwrap().0.parse().unwrap())
}

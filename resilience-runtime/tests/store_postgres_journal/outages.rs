//! Servers that go away, and answers that are lost.

use std::time::Duration;

use resilience_runtime::dlq::{
    Closing, DeadLetterFilter, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Queue, RetryAs,
};
use resilience_runtime::error::Effect;
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, CancelOutcome, Event, Journal, NewSaga, SagaId, Started, Status, Written,
};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_test_support::proxy::Cut;
use resilience_test_support::server::Postgres;

use crate::fixture::digest;
use crate::sagas::{advance, dead, handed_over, known, letter, new_saga, started, status, step};
use crate::{Database, accepted, ids, in_front_of, left_behind, open, uuid};

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
    assert_eq!(handed_over(&record.steps), [step(0), step(1)]);
    assert_eq!((record.epoch, record.status), (1, Status::Completed));
}

#[tokio::test]
async fn a_server_that_was_down_for_longer_than_a_lease_makes_nobody_dead() {
    const LEASE: Duration = Duration::from_secs(6);
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
    assert_eq!(write().await.unwrap(), Written::YES);
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
    assert!(matches!(store.start(saga).await.unwrap(), Started::New(_)));
    let write = Advance {
        steps: vec![step(0)],
        ..dead(0)
    };
    advance(store, &id, write).await;
    let anna = || Operator::named("anna");
    let revived = store.revive(id.clone(), Event::Compensate, Some(anna()));
    let revived = revived.await.unwrap().unwrap();
    assert_eq!(
        (revived.epoch, revived.status),
        (2, Status::Compensating),
        "{number}"
    );
    let again = store.advance(id.clone(), 2, dead(0)).await;
    assert_eq!(again.unwrap(), Written::YES);
    let letters = Queue::list(other, open_ones(), None, 9).await.unwrap();
    assert_eq!(letters.len(), 1, "{number}");
    assert_eq!(letters[0].work.attempts, 6, "{number}");
    let dead_letter = letters[0].id;
    assert!(
        store
            .request_retry(dead_letter, RetryAs::Itself, anna())
            .await
            .unwrap()
    );
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!((taken.len(), taken[0].epoch), (1, 3), "{number}");
    let again = store.advance(id.clone(), 3, dead(0)).await;
    assert_eq!(again.unwrap(), Written::YES);
    let closing = Closing::Resolve("by hand".to_owned());
    assert!(
        Queue::close(store, dead_letter, closing, anna())
            .await
            .unwrap(),
        "{number}"
    );
    let actions: Vec<_> = other.audit(dead_letter).await.unwrap();
    let actions: Vec<_> = actions.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["compensate", "retry", "resolve"], "{number}");
    let record = other.load(id).await.unwrap().unwrap();
    assert_eq!((record.epoch, record.status), (4, Status::Resolved));

    let work = NewDeadLetter {
        kind: DeadLetterKind::Work,
        position: None,
        ..letter(0)
    };
    let nonce = uuid();
    let added = store
        .add(work.clone(), nonce.clone(), anna())
        .await
        .unwrap();
    assert_eq!(store.add(work, nonce, anna()).await.unwrap(), added);
    assert_eq!(store.unresolved().await.unwrap(), 1, "{number}");
    assert!(
        store
            .request_retry(added, RetryAs::Itself, anna())
            .await
            .unwrap()
    );
    let operations = || vec!["step-0".to_owned()];
    let take = async || match store.take_work(operations(), 9).await {
        // What the answer would have said is told to the next one.
        Err(error) if error.effect() == Effect::MayHaveRun => {
            store.take_work(operations(), 9).await.unwrap()
        }
        works => works.unwrap(),
    };
    let works = take().await;
    assert_eq!((works.len(), works[0].id), (1, added), "{number}");
    assert!(take().await.is_empty());
    assert!(
        store
            .end_work(added, Some("again".to_owned()))
            .await
            .unwrap()
    );
    let entry = store.get(added).await.unwrap().unwrap();
    assert_eq!(
        (entry.status, entry.work.attempts),
        (DeadLetterStatus::Open, 4)
    );
    assert!(
        Queue::close(store, added, Closing::Discard, anna())
            .await
            .unwrap()
    );
    assert_eq!(other.audit(added).await.unwrap().len(), 3, "{number}");

    let asked_for = started(store).await;
    let cancelled = store.cancel(asked_for.clone(), anna()).await;
    assert_eq!(cancelled.unwrap(), Some(CancelOutcome::Requested));
    assert_eq!(
        other.audit_of_saga(asked_for.clone()).await.unwrap().len(),
        1
    );
    let end = store.advance(asked_for, 1, status(Status::Failed)).await;
    assert_eq!(end.unwrap(), Written::YES);
    let given = NewSaga {
        given: true,
        id: SagaId::from(format!("given-{number}")),
        ..new_saga(None)
    };
    let first = store.start(given.clone()).await.unwrap();
    assert!(matches!(first, Started::New(_)), "{number}");
    let of_another = NewSaga {
        nonce: given.nonce.wrapping_add(1),
        ..given.clone()
    };
    let second = store.start(of_another).await.unwrap();
    assert!(matches!(second, Started::Busy(_)), "{number}");
    let end = store.advance(given.id, 1, status(Status::Failed)).await;
    assert_eq!(end.unwrap(), Written::YES);
    assert_eq!(handed_over(&record.steps), [step(0)]);

    let gone = left_behind(url, 2).await;
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!(ids(&taken), gone, "{number}");
    for record in taken {
        assert_eq!(record.epoch, 2);
        let end = store.advance(record.id, 2, status(Status::Completed));
        assert_eq!(end.await.unwrap(), Written::YES);
    }
}

fn open_ones() -> DeadLetterFilter {
    DeadLetterFilter {
        statuses: vec![DeadLetterStatus::Open],
        ..DeadLetterFilter::default()
    }
}

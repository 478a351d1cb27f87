//! Sagas and letters that are deleted when they are over.

use std::time::Duration;

use resilience_runtime::dlq::{Closing, DeadLetterFilter, DeadLetterId, Queue};
use resilience_runtime::saga::journal::{
    Journal, NewSaga, Parking, SagaFilter, SagaId, Started, Status,
};

use super::work::{added, requested};
use super::{
    Store, Workers, advance, begun, came_to, dead, letter_of, letters, loaded, new_saga, operator,
    parked, started, status, step, steps,
};
use crate::fixture::{HOUR, digest};

const AT_ONCE: Duration = Duration::ZERO;

async fn purged(store: &impl Store, limit: u32) -> u64 {
    store.purge(AT_ONCE, limit).await.unwrap()
}

async fn is_there(store: &impl Store, saga: &SagaId) -> bool {
    store.load(saga.clone()).await.unwrap().is_some()
}

async fn called_by(store: &impl Store, parent: &SagaId) -> SagaId {
    let saga = NewSaga {
        parent: Some(parent.clone()),
        ..new_saga(None)
    };
    begun(store, saga).await
}

/// A dead saga whose letter was closed.
async fn resolved(store: &impl Store) -> (SagaId, DeadLetterId) {
    let saga = came_to(store, dead(0)).await;
    let letter = letter_of(store, &saga).await.id;
    let closed = Queue::close(store, letter, Closing::Discard, operator()).await;
    assert!(closed.unwrap());
    (saga, letter)
}

pub(crate) async fn what_is_over_is_deleted_with_all_that_belongs_to_it(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let mut over = Vec::new();
    for end in [Status::Completed, Status::Compensated, Status::Failed] {
        let saga = started(&store).await;
        advance(&store, &saga, steps([step(0), step(1)])).await;
        let cancel = store.cancel(saga.clone(), operator()).await.unwrap();
        assert!(cancel.is_some());
        store.advance(saga.clone(), 1, status(end)).await.unwrap();
        over.push(saga);
    }
    let (saga, letter) = resolved(&store).await;
    over.push(saga);
    let kept = came_to(&store, dead(0)).await;
    let audit = store.audit_of_saga(over[0].clone()).await.unwrap();
    assert_eq!(audit.len(), 1);

    assert_eq!(purged(&other, 100).await, 4);
    for saga in &over {
        assert!(!is_there(&store, saga).await);
        assert!(store.audit_of_saga(saga.clone()).await.unwrap().is_empty());
    }
    assert!(store.get(letter).await.unwrap().is_none());
    assert!(store.audit(letter).await.unwrap().is_empty());
    assert!(is_there(&store, &kept).await);
    assert_eq!(letters(&store, DeadLetterFilter::default()).await.len(), 1);
    let listed = Journal::list(&store, SagaFilter::default(), None, 9).await;
    assert_eq!(listed.unwrap().len(), 1);
    assert_eq!(purged(&other, 100).await, 0);
    // A saga that comes after it, with the same id, has none of its steps.
    let again = NewSaga {
        id: over[0].clone(),
        ..new_saga(None)
    };
    begun(&store, again).await;
    assert!(loaded(&store, &over[0]).await.steps.is_empty());
}

pub(crate) async fn what_is_not_over_or_too_young_stays(fixture: impl Workers) {
    let store = fixture.worker().await;
    for end in [
        status(Status::Running),
        status(Status::Compensating),
        dead(0),
        parked(Parking::Mismatch),
    ] {
        came_to(&store, end).await;
    }
    assert_eq!(purged(&store, 100).await, 0);
    for end in [Status::Completed, Status::Compensated, Status::Failed] {
        came_to(&store, status(end)).await;
    }
    resolved(&store).await;
    for retention in [HOUR, Duration::MAX] {
        assert_eq!(store.purge(retention, 100).await.unwrap(), 0);
    }
    let listed = Journal::list(&store, SagaFilter::default(), None, 9).await;
    assert_eq!(listed.unwrap().len(), 8);
    // It is as old as its end.
    let saga = started(&store).await;
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    advance(&store, &saga, status(Status::Completed)).await;
    let age = Duration::from_millis(900);
    assert_eq!(store.purge(age, 100).await.unwrap(), 4);
    assert!(is_there(&store, &saga).await);
}

pub(crate) async fn no_more_than_the_limit_is_deleted_and_the_oldest_first(fixture: impl Workers) {
    let store = fixture.worker().await;
    let mut sagas = Vec::new();
    for _ in 0..5 {
        sagas.push(came_to(&store, status(Status::Completed)).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(purged(&store, 0).await, 0);
    for (deleted, left) in [(2, &sagas[2..]), (2, &sagas[4..]), (1, &[])] {
        assert_eq!(purged(&store, 2).await, deleted);
        let listed = Journal::list(&store, SagaFilter::default(), None, 9).await;
        let listed = listed.unwrap().into_iter().map(|saga| saga.id);
        assert_eq!(listed.collect::<Vec<_>>(), left);
    }
}

pub(crate) async fn a_saga_that_another_one_called_goes_with_that_one(fixture: impl Workers) {
    let store = fixture.worker().await;
    let root = started(&store).await;
    let child = called_by(&store, &root).await;
    let grandchild = called_by(&store, &child).await;
    for saga in [&child, &grandchild] {
        advance(&store, saga, steps([step(0)])).await;
        advance(&store, saga, status(Status::Completed)).await;
    }
    assert_eq!(purged(&store, 100).await, 0);
    advance(&store, &root, dead(0)).await;
    assert_eq!(purged(&store, 100).await, 0);
    let letter = letter_of(&store, &root).await.id;
    let closed = Queue::close(&store, letter, Closing::Discard, operator()).await;
    assert!(closed.unwrap());
    let other = came_to(&store, status(Status::Running)).await;
    let others = called_by(&store, &other).await;
    advance(&store, &others, status(Status::Completed)).await;
    assert!(purged(&store, 100).await > 0);
    for saga in [&root, &child, &grandchild] {
        assert!(!is_there(&store, saga).await);
    }
    assert!(is_there(&store, &others).await);
    assert_eq!(purged(&store, 100).await, 0);
}

pub(crate) async fn a_saga_stays_while_one_that_it_called_is_not_over(fixture: impl Workers) {
    let store = fixture.worker().await;
    let root = started(&store).await;
    let child = called_by(&store, &root).await;
    let grandchild = called_by(&store, &child).await;
    for saga in [&child, &root] {
        advance(&store, saga, status(Status::Completed)).await;
    }
    assert_eq!(purged(&store, 100).await, 0);
    advance(&store, &grandchild, dead(0)).await;
    assert_eq!(purged(&store, 100).await, 0);
    let letter = letter_of(&store, &grandchild).await.id;
    let closed = Queue::close(&store, letter, Closing::Discard, operator()).await;
    assert!(closed.unwrap());
    assert!(purged(&store, 100).await > 0);
    for saga in [&root, &child, &grandchild] {
        assert!(!is_there(&store, saga).await);
    }
    assert!(store.get(letter).await.unwrap().is_none());
}

pub(crate) async fn an_id_or_key_that_was_deleted_is_new(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = NewSaga {
        given: true,
        ..new_saga(Some(digest(1)))
    };
    for _ in 0..2 {
        begun(&store, saga.clone()).await;
        advance(&store, &saga.id, status(Status::Completed)).await;
        let ended = store.start(saga.clone()).await.unwrap();
        assert!(matches!(ended, Started::Ended(_)), "{ended:?}");
        let ended = store.start(new_saga(Some(digest(1)))).await.unwrap();
        assert!(matches!(ended, Started::Ended(_)), "{ended:?}");
        assert_eq!(purged(&store, 9).await, 1);
    }
}

pub(crate) async fn letters_about_work_are_deleted_when_they_are_closed(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(added(&store, "mail").await);
    }
    // Letters of sagas go with their sagas.
    let (_, of_a_saga) = resolved(&store).await;
    assert!(requested(&store, ids[4]).await);
    for id in [ids[3], ids[1], ids[0]] {
        let closed = Queue::close(&store, id, Closing::Discard, operator()).await;
        assert!(closed.unwrap());
    }
    for (retention, limit) in [(HOUR, 9), (Duration::MAX, 9), (AT_ONCE, 0)] {
        let purged = other.purge_letters(retention, limit).await;
        assert_eq!(purged.unwrap(), 0);
    }
    for expected in [2, 1, 0] {
        let purged = other.purge_letters(AT_ONCE, 2).await;
        assert_eq!(purged.unwrap(), expected);
    }
    let left = letters(&store, DeadLetterFilter::default()).await;
    let left: Vec<_> = left.iter().map(|letter| letter.id).collect();
    assert_eq!(left, [ids[2], ids[4], of_a_saga]);
    for id in [ids[0], ids[1], ids[3]] {
        assert!(store.audit(id).await.unwrap().is_empty());
    }
    assert_eq!(store.audit(ids[2]).await.unwrap().len(), 1);
}

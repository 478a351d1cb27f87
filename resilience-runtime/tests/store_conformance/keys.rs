//! The keys of sagas: who has one, and for how long.

use std::time::Duration;

use resilience_runtime::idempotency::SagaKey;
use resilience_runtime::saga::journal::{Advance, Journal, NewSaga, SagaId, Started, Status};

use super::{Store, advance, dead, new_saga, status, step};
use crate::fixture::{Fixture, at_once, digest};

const HOUR: Duration = Duration::from_secs(3600);

/// A saga with the first key, which is to be kept for `ttl`.
fn kept_for(ttl: Duration) -> NewSaga {
    let digest = digest(1);
    NewSaga {
        key: Some(SagaKey { digest, ttl }),
        ..new_saga(None)
    }
}

/// A saga with the first key that was completed.
async fn completed(store: &impl Store) -> SagaId {
    let saga = kept_for(HOUR);
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New));
    let done = Advance {
        steps: vec![step(0)],
        output: Some("7".to_owned()),
        ..status(Status::Completed)
    };
    advance(store, &id, done).await;
    id
}

pub(crate) async fn a_key_has_one_saga_until_it_is_compensated(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let first = new_saga(Some(digest(1)));
    let id = first.id.clone();
    assert!(matches!(
        store.start(first.clone()).await.unwrap(),
        Started::New
    ));
    // The answer may have been lost, and the same start asked for again.
    assert!(matches!(store.start(first).await.unwrap(), Started::New));
    match store.start(new_saga(Some(digest(1)))).await.unwrap() {
        Started::Busy(busy) => assert_eq!(busy, id),
        other => panic!("{other:?}"),
    }
    let other_key = store.start(new_saga(Some(digest(2)))).await;
    assert!(matches!(other_key.unwrap(), Started::New));

    advance(&store, &id, status(Status::Compensating)).await;
    let again = store.start(new_saga(Some(digest(1)))).await;
    assert!(matches!(again.unwrap(), Started::Busy(_)));
    advance(&store, &id, status(Status::Compensated)).await;
    let again = new_saga(Some(digest(1)));
    let second = again.id.clone();
    assert!(matches!(store.start(again).await.unwrap(), Started::New));

    let done = Advance {
        steps: vec![step(0)],
        output: Some("true".to_owned()),
        ..status(Status::Completed)
    };
    advance(&store, &second, done).await;
    match store.start(new_saga(Some(digest(1)))).await.unwrap() {
        Started::Ended(record) => {
            assert_eq!(record.id, second);
            assert_eq!(record.output.as_deref(), Some("true"));
            assert_eq!(record.steps, [step(0)]);
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn one_of_many_starts_with_a_key(fixture: impl Fixture<Store: Store>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let answers = at_once(50, |number| {
        let store = if number.is_multiple_of(2) {
            &here
        } else {
            &there
        }
        .clone();
        async move { store.start(new_saga(Some(digest(1)))).await }
    })
    .await;
    let new = answers.iter().filter(|a| matches!(a, Started::New));
    assert_eq!(new.count(), 1);
    let busy = answers.iter().filter(|a| matches!(a, Started::Busy(_)));
    assert_eq!(busy.count(), 49);
    assert_eq!(
        Journal::counts(&here).await.unwrap(),
        [(Status::Running, 1)]
    );
}

pub(crate) async fn a_dead_saga_keeps_its_key(fixture: impl Fixture<Store: Store>) {
    let store = fixture.worker().await;
    let saga = new_saga(Some(digest(1)));
    let id = saga.id.clone();
    store.start(saga).await.unwrap();
    advance(&store, &id, dead("release")).await;
    for ttl in [HOUR, Duration::ZERO] {
        match store.start(kept_for(ttl)).await.unwrap() {
            Started::Ended(record) => {
                assert_eq!((&record.id, record.status), (&id, Status::Dead));
                assert_eq!(record.key, Some(digest(1)));
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn a_completed_saga_keeps_its_key_for_its_ttl(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let first = completed(&store).await;
    for ttl in [HOUR, Duration::MAX] {
        match store.start(kept_for(ttl)).await.unwrap() {
            Started::Ended(record) => {
                assert_eq!((&record.id, record.key), (&first, Some(digest(1))));
                assert_eq!(record.output.as_deref(), Some("7"));
            }
            other => panic!("{other:?}"),
        }
    }
    // The time is the one that the new saga's key comes with.
    let second = kept_for(Duration::ZERO);
    for _ in 0..2 {
        let started = store.start(second.clone()).await.unwrap();
        assert!(matches!(started, Started::New), "{started:?}");
    }
    // The first one is as it was, but for the key.
    let record = store.load(first).await.unwrap().unwrap();
    assert_eq!((record.key, record.status), (None, Status::Completed));
    assert_eq!((record.epoch, record.output.as_deref()), (1, Some("7")));
    assert_eq!(record.steps, [step(0)]);
    let record = store.load(second.id.clone()).await.unwrap().unwrap();
    assert_eq!(record.key, Some(digest(1)));
    match store.start(kept_for(Duration::ZERO)).await.unwrap() {
        Started::Busy(busy) => assert_eq!(busy, second.id),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn an_unfinished_saga_keeps_its_key_whatever_its_age(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let first = kept_for(HOUR);
    store.start(first.clone()).await.unwrap();
    for after in [Status::Running, Status::Compensating] {
        advance(&store, &first.id, status(after)).await;
        match store.start(kept_for(Duration::ZERO)).await.unwrap() {
            Started::Busy(busy) => assert_eq!(busy, first.id),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn one_of_many_starts_with_the_key_of_an_old_saga(
    fixture: impl Fixture<Store: Store>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    completed(&here).await;
    let answers = at_once(50, |number| {
        let even = number.is_multiple_of(2);
        let store = if even { &here } else { &there }.clone();
        async move { store.start(kept_for(Duration::ZERO)).await }
    })
    .await;
    let new = answers.iter().filter(|a| matches!(a, Started::New));
    assert_eq!(new.count(), 1);
    let busy = answers.iter().filter(|a| matches!(a, Started::Busy(_)));
    assert_eq!(busy.count(), 49);
}

//! The keys of sagas: who has one, and for how long.

use std::time::Duration;

use resilience_runtime::dlq::{Closing, Queue};
use resilience_runtime::idempotency::SagaKey;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, NewSaga, Parking, SagaFilter, SagaId, Started, Status,
};

use super::{
    Store, Workers, advance, begun, dead, handed_over, letter_of, loaded, new_saga, operator,
    parked, status, step, steps,
};
use crate::fixture::{HOUR, at_once, digest};

/// A saga with this key, which is to be kept for `ttl`.
fn kept_for(number: u32, ttl: Duration) -> NewSaga {
    let digest = digest(number);
    NewSaga {
        key: Some(SagaKey { digest, ttl }),
        ..new_saga(None)
    }
}

/// A saga with the first key that was completed.
async fn completed(store: &impl Store) -> SagaId {
    let id = begun(store, kept_for(1, HOUR)).await;
    let done = Advance {
        output: Some("7".to_owned()),
        status: Some(Status::Completed),
        ..steps([step(0)])
    };
    advance(store, &id, done).await;
    id
}

pub(crate) async fn a_key_has_one_saga_until_it_is_given_up(fixture: impl Workers) {
    let store = fixture.worker().await;
    let first = new_saga(Some(digest(1)));
    let mut id = begun(&store, first.clone()).await;
    // The answer may have been lost, and the same start asked for again.
    let again = store.start(first).await.unwrap();
    assert!(matches!(again, Started::New(_)), "{again:?}");
    begun(&store, new_saga(Some(digest(2)))).await;

    for end in [Status::Compensated, Status::Failed] {
        for after in [Status::Running, Status::Compensating] {
            advance(&store, &id, status(after)).await;
            match store.start(new_saga(Some(digest(1)))).await.unwrap() {
                Started::Busy(busy) => assert_eq!(busy, id),
                other => panic!("{other:?}"),
            }
        }
        advance(&store, &id, status(end)).await;
        id = begun(&store, new_saga(Some(digest(1)))).await;
    }
    advance(&store, &id, dead(0)).await;
    let letter = letter_of(&store, &id).await.id;
    let closing = Closing::Resolve("by hand".to_owned());
    let closed = Queue::close(&store, letter, closing, operator()).await;
    assert!(closed.unwrap());
    let last = begun(&store, new_saga(Some(digest(1)))).await;
    let done = Advance {
        output: Some("true".to_owned()),
        status: Some(Status::Completed),
        ..steps([step(0)])
    };
    advance(&store, &last, done).await;
    match store.start(new_saga(Some(digest(1)))).await.unwrap() {
        Started::Ended(record) => {
            assert_eq!(record.id, last);
            assert_eq!(record.output.as_deref(), Some("true"));
            assert_eq!(handed_over(&record.steps), [step(0)]);
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn one_of_many_starts_with_a_key(fixture: impl Workers) {
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
    let new = answers.iter().filter(|a| matches!(a, Started::New(_)));
    assert_eq!(new.count(), 1);
    let busy = answers.iter().filter(|a| matches!(a, Started::Busy(_)));
    assert_eq!(busy.count(), 49);
    let sagas = Journal::list(&here, SagaFilter::default(), None, 9).await;
    assert_eq!(sagas.unwrap().len(), 1);
}

pub(crate) async fn a_dead_saga_keeps_its_key(fixture: impl Workers) {
    let store = fixture.worker().await;
    for (number, end) in [(1, dead(0)), (2, parked(Parking::Mismatch))] {
        let id = begun(&store, kept_for(number, HOUR)).await;
        advance(&store, &id, end.clone()).await;
        for ttl in [HOUR, Duration::ZERO] {
            match store.start(kept_for(number, ttl)).await.unwrap() {
                Started::Ended(record) => {
                    assert_eq!((&record.id, Some(record.status)), (&id, end.status));
                    assert_eq!(record.key, Some(digest(number)));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

pub(crate) async fn a_completed_saga_keeps_its_key_for_its_ttl(fixture: impl Workers) {
    let store = fixture.worker().await;
    let first = completed(&store).await;
    for ttl in [HOUR, Duration::MAX] {
        match store.start(kept_for(1, ttl)).await.unwrap() {
            Started::Ended(record) => {
                assert_eq!((&record.id, record.key), (&first, Some(digest(1))));
                assert_eq!(record.output.as_deref(), Some("7"));
            }
            other => panic!("{other:?}"),
        }
    }
    // The time is the one that the new saga's key comes with.
    let second = kept_for(1, Duration::ZERO);
    for _ in 0..2 {
        let started = store.start(second.clone()).await.unwrap();
        assert!(matches!(started, Started::New(_)), "{started:?}");
    }
    // The first one is as it was, but for the key.
    let record = loaded(&store, &first).await;
    assert_eq!((record.key, record.status), (None, Status::Completed));
    assert_eq!((record.epoch, record.output.as_deref()), (1, Some("7")));
    assert_eq!(handed_over(&record.steps), [step(0)]);
    let record = loaded(&store, &second.id).await;
    assert_eq!(record.key, Some(digest(1)));
    match store.start(kept_for(1, Duration::ZERO)).await.unwrap() {
        Started::Busy(busy) => assert_eq!(busy, second.id),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn an_unfinished_saga_keeps_its_key_whatever_its_age(fixture: impl Workers) {
    let store = fixture.worker().await;
    let first = kept_for(1, HOUR);
    store.start(first.clone()).await.unwrap();
    for after in [Status::Running, Status::Compensating] {
        advance(&store, &first.id, status(after)).await;
        match store.start(kept_for(1, Duration::ZERO)).await.unwrap() {
            Started::Busy(busy) => assert_eq!(busy, first.id),
            other => panic!("{other:?}"),
        }
    }
    advance(&store, &first.id, status(Status::Completed)).await;
    let revived = store.revive(first.id.clone(), Event::Compensate, None);
    assert_eq!(revived.await.unwrap().unwrap().epoch, 2);
    match store.start(kept_for(1, Duration::ZERO)).await.unwrap() {
        Started::Busy(busy) => assert_eq!(busy, first.id),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn one_of_many_starts_with_the_key_of_an_old_saga(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    completed(&here).await;
    let answers = at_once(50, |number| {
        let even = number.is_multiple_of(2);
        let store = if even { &here } else { &there }.clone();
        async move { store.start(kept_for(1, Duration::ZERO)).await }
    })
    .await;
    let new = answers.iter().filter(|a| matches!(a, Started::New(_)));
    assert_eq!(new.count(), 1);
    let busy = answers.iter().filter(|a| matches!(a, Started::Busy(_)));
    assert_eq!(busy.count(), 49);
}

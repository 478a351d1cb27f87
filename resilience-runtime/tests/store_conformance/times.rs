//! Moments by the clock of the store.

use std::time::Duration;

use resilience_runtime::dlq::Queue;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, NewSaga, Parking, Started, Status,
};
use resilience_runtime::timestamp::Timestamp;

use super::{
    Workers, advance, advance_under, begun, came_to, dead, known, letter, letter_of, loaded,
    new_saga, operator, parked, started, status, step, steps,
};

/// So that the clock of every store is further.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

pub(crate) async fn moments_are_in_their_order(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = new_saga(None);
    let id = saga.id.clone();
    let answer = store.start(saga).await.unwrap();
    let Started::New(at) = answer else {
        panic!("{answer:?}");
    };
    // 2023: it is the time of day, and in microseconds.
    assert!(at > Timestamp::from_micros(1_700_000_000_000_000));
    assert!(at < Timestamp::from_micros(4_100_000_000_000_000));
    let first = loaded(&store, &id).await;
    assert_eq!((first.started_at, first.updated_at), (at, at));
    assert!(first.read_at >= at);
    a_moment().await;
    let second = loaded(&store, &id).await;
    assert_eq!((second.started_at, second.updated_at), (at, at));
    assert!(second.read_at > first.read_at);
    let later = started(&store).await;
    assert!(loaded(&store, &later).await.started_at > at);
}

pub(crate) async fn a_deadline_is_as_far_away_as_it_was_asked_for(fixture: impl Workers) {
    let store = fixture.worker().await;
    for timeout in [
        Duration::ZERO,
        Duration::from_micros(1),
        Duration::from_millis(1_500),
        Duration::from_secs(100 * 365 * 24 * 3600),
    ] {
        let saga = NewSaga {
            timeout: Some(timeout),
            ..new_saga(None)
        };
        let id = begun(&store, saga).await;
        let record = loaded(&store, &id).await;
        let deadline = record.deadline.unwrap();
        assert_eq!(deadline.since(record.started_at), timeout);
        // It stays, whatever happens.
        advance(&store, &id, steps([step(0)])).await;
        advance(&store, &id, status(Status::Compensating)).await;
        assert_eq!(loaded(&store, &id).await.deadline, Some(deadline));
    }
    let saga = NewSaga {
        timeout: Some(Duration::MAX),
        ..new_saga(None)
    };
    let id = begun(&store, saga).await;
    let record = loaded(&store, &id).await;
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    let far = |deadline: Timestamp| deadline.since(record.started_at) > century;
    assert!(record.deadline.is_none_or(far), "{:?}", record.deadline);
}

pub(crate) async fn a_saga_is_as_old_as_its_status_or_its_owner(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&crashes).await;
    let begun = loaded(&store, &saga).await;
    a_moment().await;
    advance(&crashes, &saga, steps([step(0)])).await;
    let stepped = loaded(&store, &saga).await;
    assert_eq!(stepped.updated_at, begun.updated_at);
    fixture.crash(crashes).await;
    a_moment().await;
    let taken = store.take_over(known(), 1).await.unwrap().remove(0);
    assert_eq!(taken.started_at, begun.started_at);
    assert!(taken.updated_at > begun.updated_at);
    assert!(taken.read_at >= taken.updated_at);
    assert_eq!(loaded(&store, &saga).await.updated_at, taken.updated_at);
    a_moment().await;
    advance_under(&store, &saga, 2, parked(Parking::Mismatch)).await;
    let ended = loaded(&store, &saga).await;
    assert!(ended.updated_at > taken.updated_at);
    a_moment().await;
    let revived = store.revive(saga.clone(), Event::Resumed, None).await;
    let revived = revived.unwrap().unwrap();
    assert!(revived.updated_at > ended.updated_at);
    assert_eq!(loaded(&store, &saga).await.updated_at, revived.updated_at);
    let letter = letter_of(&store, &saga).await;
    a_moment().await;
    advance_under(&store, &saga, 3, parked(Parking::Mismatch)).await;
    let replaced = letter_of(&store, &saga).await;
    assert_eq!(replaced.created_at, letter.created_at);
    assert!(replaced.updated_at > letter.updated_at);
}

pub(crate) async fn steps_carry_the_moment_of_their_write(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    advance(&store, &saga, steps([step(0), step(1)])).await;
    a_moment().await;
    let write = Advance {
        undone: Some(0),
        dead_letter: Some(letter(1)),
        ..steps([step(2)])
    };
    advance(&store, &saga, write).await;
    let record = loaded(&store, &saga).await;
    let at: Vec<_> = record.steps.iter().map(|step| step.written_at).collect();
    for together in &at[..2] {
        assert!(Some(record.started_at) <= *together && *together < at[2]);
    }
    assert!(at[2] <= Some(record.read_at));
    let found = letter_of(&store, &saga).await;
    assert!(at[0] < Some(found.created_at) && found.created_at <= record.read_at);
    assert_eq!(found.updated_at, found.created_at);

    let closed = came_to(&store, dead(0)).await;
    let id = letter_of(&store, &closed).await.id;
    a_moment().await;
    let by = operator();
    let request = store.request_retry(id, resilience_runtime::dlq::RetryAs::Itself, by);
    assert!(request.await.unwrap());
    let found = letter_of(&store, &closed).await;
    assert!(found.updated_at > found.created_at);
    let audit = store.audit(id).await.unwrap();
    assert!(audit[0].at > found.created_at);
}

//! Sagas that go on although they had come to an end.

use resilience_runtime::dlq::DeadLetterStatus;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, NewSaga, Parking, SagaId, Status, Written,
};

use super::{
    Workers, advance, advance_under, begun, came_to, dead, handed_over, known, known_as, letter_of,
    loaded, new_saga, parked, started, status, step,
};
use crate::fixture::at_once;

pub(crate) async fn a_saga_is_revived_from_where_its_status_allows(fixture: impl Workers) {
    let store = fixture.worker().await;
    for end in [
        status(Status::Running),
        status(Status::Compensating),
        status(Status::Completed),
        status(Status::Compensated),
        status(Status::Failed),
        status(Status::Resolved),
        dead(0),
        parked(Parking::Mismatch),
        parked(Parking::Poison),
        parked(Parking::Stuck),
        parked(Parking::Operator),
    ] {
        for event in [Event::Resumed, Event::Compensate] {
            let saga = came_to(&store, end.clone()).await;
            let before = end.status.unwrap();
            let revived = store.revive(saga.clone(), event, None).await.unwrap();
            let found = revived.as_ref().map(|record| (record.status, record.epoch));
            let after = before.after(event);
            assert_eq!(found, after.map(|after| (after, 2)), "{before:?} {event:?}");
            let record = loaded(&store, &saga).await;
            let epoch = if after.is_some() { 2 } else { 1 };
            assert_eq!(record.status, after.unwrap_or(before));
            assert_eq!(record.epoch, epoch);
            let parking = end.parking.filter(|_| after.is_none());
            assert_eq!(record.parking, parking);
        }
    }
    let missing = store.revive(SagaId::generate(), Event::Compensate, None);
    assert!(missing.await.unwrap().is_none());
}

pub(crate) async fn a_revived_saga_begins_anew_with_its_letters_open(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let crashes = fixture.worker().await;
    let saga = started(&crashes).await;
    fixture.crash(crashes).await;
    let taken = store.take_over(known(), 1).await.unwrap();
    assert_eq!(taken[0].interruptions, 1);
    let write = Advance {
        steps: vec![step(0)],
        ..parked(Parking::Poison)
    };
    advance_under(&store, &saga, 2, write).await;
    let letter = letter_of(&store, &saga).await;

    let revived = other.revive(saga.clone(), Event::Resumed, None).await;
    let record = revived.unwrap().unwrap();
    assert_eq!((&record.id, record.status), (&saga, Status::Running));
    assert_eq!((record.epoch, record.interruptions), (3, 0));
    assert_eq!(record.parking, None);
    assert_eq!(handed_over(&record.steps), [step(0)]);
    let open = letter_of(&store, &saga).await;
    assert_eq!((open.id, open.status), (letter.id, DeadLetterStatus::Open));
    // It has an owner, who is not the one before.
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    let late = store.advance(saga.clone(), 2, status(Status::Completed));
    assert_eq!(late.await.unwrap(), Written::Superseded);
    advance_under(&other, &saga, 3, status(Status::Completed)).await;
}

pub(crate) async fn one_of_many_revives_a_saga(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let saga = came_to(&here, dead(0)).await;
    let answers = at_once(20, |number| {
        let even = number.is_multiple_of(2);
        let store = if even { &here } else { &there }.clone();
        let saga = saga.clone();
        async move { store.revive(saga, Event::Compensate, None).await }
    })
    .await;
    let revived: Vec<_> = answers.into_iter().flatten().collect();
    let [record] = &revived[..] else {
        panic!("{revived:?}");
    };
    assert_eq!((&record.id, record.epoch), (&saga, 2));
    assert_eq!(record.status, Status::Compensating);
    let late = here.advance(saga.clone(), 1, status(Status::Completed));
    assert_eq!(late.await.unwrap(), Written::Superseded);
    let record = loaded(&here, &saga).await;
    assert_eq!((record.epoch, record.status), (2, Status::Compensating));
}

pub(crate) async fn parked_sagas_are_tried_again(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&store).await;
    let write = Advance {
        steps: vec![step(0)],
        ..parked(Parking::Mismatch)
    };
    advance(&store, &saga, write).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let record = loaded(&store, &saga).await;
    // It was parked at this moment, and not before.
    let taken = other.take_parked(known(), record.updated_at, 9).await;
    assert!(taken.unwrap().is_empty());
    let taken = other.take_parked(known(), record.read_at, 0).await;
    assert!(taken.unwrap().is_empty());
    let taken = other.take_parked(known(), record.read_at, 9).await.unwrap();
    let [record] = &taken[..] else {
        panic!("{taken:?}");
    };
    assert_eq!((&record.id, record.epoch), (&saga, 2));
    assert_eq!((record.status, record.parking), (Status::Running, None));
    assert_eq!(handed_over(&record.steps), [step(0)]);
    let letter = letter_of(&store, &saga).await;
    assert_eq!(letter.status, DeadLetterStatus::Open);
    // Once, and for whoever took it.
    let taken = store.take_parked(known(), record.read_at, 9).await;
    assert!(taken.unwrap().is_empty());
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    let late = store.advance(saga.clone(), 1, status(Status::Completed));
    assert_eq!(late.await.unwrap(), Written::Superseded);
    advance_under(&other, &saga, 2, parked(Parking::Mismatch)).await;
    // Parked again it waits for a process that is started later.
    let taken = store.take_parked(known(), record.read_at, 9).await;
    assert!(taken.unwrap().is_empty());
}

pub(crate) async fn what_is_not_parked_for_a_mismatch_is_left_alone(fixture: impl Workers) {
    let store = fixture.worker().await;
    for end in [
        parked(Parking::Poison),
        parked(Parking::Stuck),
        parked(Parking::Operator),
        dead(0),
        status(Status::Completed),
        status(Status::Running),
    ] {
        came_to(&store, end).await;
    }
    let version = NewSaga {
        version: 2,
        ..new_saga(None)
    };
    let version = begun(&store, version).await;
    advance(&store, &version, parked(Parking::Mismatch)).await;
    for _ in 0..3 {
        came_to(&store, parked(Parking::Mismatch)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let now = loaded(&store, &version).await.read_at;
    let later = now.after(crate::fixture::HOUR);
    for (limit, expected) in [(2, 2), (2, 1), (2, 0)] {
        let taken = store.take_parked(known(), later, limit).await.unwrap();
        assert_eq!(taken.len(), expected);
        assert!(taken.iter().all(|record| record.version == 1));
    }
    let others = vec![known_as("checkout", 3), known_as("other", 2)];
    let taken = store.take_parked(others, later, 9).await;
    assert!(taken.unwrap().is_empty());
    let taken = store.take_parked(vec![known_as("checkout", 2)], later, 9);
    assert_eq!(taken.await.unwrap().len(), 1);
}

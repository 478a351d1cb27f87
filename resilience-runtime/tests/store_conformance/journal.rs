//! The saga journal.

use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, Parking, SagaId, SettledLetters, Started, Status, StepRecord,
    Written,
};

use super::{
    Workers, advance, came_to, dead, handed_over, letter, letter_of, letters_of, loaded, new_saga,
    parked, started, status, step, steps,
};
use crate::fixture::digest;

/// Also in the commit that other writes share, and in the one that settles letters.
pub(crate) async fn what_was_wrong_with_a_saga_that_is_completed_is_forgotten(
    fixture: impl Workers,
) {
    let store = fixture.worker().await;
    for settles in [SettledLetters::Nothing, SettledLetters::All] {
        let id = started(&store).await;
        let wrong = Advance {
            error: Some("it asks for another step".to_owned()),
            ..Advance::default()
        };
        advance(&store, &id, wrong).await;
        assert!(loaded(&store, &id).await.error.is_some());
        let end = Advance {
            output: Some("7".to_owned()),
            settles,
            ..status(Status::Completed)
        };
        advance(&store, &id, end).await;
        let record = loaded(&store, &id).await;
        assert_eq!((record.status, record.error), (Status::Completed, None));
    }
}

pub(crate) async fn a_saga_is_loaded_as_it_was_written(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let parent = started(&store).await;
    let saga = NewSaga {
        version: 7,
        parent: Some(parent.clone()),
        ..new_saga(Some(digest(1)))
    };
    let id = saga.id.clone();
    let answer = store.start(saga).await.unwrap();
    let Started::New(at) = answer else {
        panic!("{answer:?}");
    };
    let begun = loaded(&other, &id).await;
    assert_eq!((begun.status, begun.epoch), (Status::Running, 1));
    assert_eq!((begun.interruptions, begun.deadline), (0, None));
    assert_eq!(
        (begun.output, begun.error, begun.failure),
        (None, None, None)
    );
    assert!(!begun.pivoted && !begun.cancelled && begun.steps.is_empty());

    let written = [
        step(0),
        StepRecord {
            occurrence: 2,
            undone: true,
            ..step(1)
        },
    ];
    let write = Advance {
        output: Some("[7]".to_owned()),
        error: Some("no stock".to_owned()),
        failure: Some(r#"{"NoStock":3}"#.to_owned()),
        status: Some(Status::Failed),
        ..steps(written.clone())
    };
    advance(&store, &id, write).await;
    let record = loaded(&other, &id).await;
    assert_eq!(record.id, id);
    assert_eq!((record.name.as_str(), record.version), ("checkout", 7));
    assert_eq!(record.key, Some(digest(1)));
    assert_eq!(record.parent, Some(parent));
    assert_eq!(record.input, r#"{"order":1}"#);
    assert_eq!((record.status, record.parking), (Status::Failed, None));
    assert_eq!(record.epoch, 1);
    assert_eq!(record.output.as_deref(), Some("[7]"));
    assert_eq!(record.error.as_deref(), Some("no stock"));
    assert_eq!(record.failure.as_deref(), Some(r#"{"NoStock":3}"#));
    assert_eq!(record.started_at, at);
    assert_eq!(handed_over(&record.steps), written);
    assert!(store.load(SagaId::generate()).await.unwrap().is_none());
}

pub(crate) async fn a_write_under_another_epoch_changes_nothing(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = came_to(&store, dead(4)).await;
    advance(&store, &saga, steps([step(0)])).await;
    let write = Advance {
        pivots: true,
        undone: Some(0),
        parking: Some(Parking::Stuck),
        output: Some("1".to_owned()),
        error: Some("late".to_owned()),
        failure: Some("2".to_owned()),
        dead_letter: Some(letter(1)),
        settles: SettledLetters::All,
        status: Some(Status::Completed),
        ..steps([step(1)])
    };
    for epoch in [0, 2, -1, i64::MAX, i64::MIN] {
        let written = store.advance(saga.clone(), epoch, write.clone()).await;
        assert_eq!(written.unwrap(), Written::Superseded);
    }
    let written = store.advance(SagaId::generate(), 1, write).await;
    assert_eq!(written.unwrap(), Written::Superseded);
    let record = loaded(&store, &saga).await;
    assert_eq!(record.status, Status::CompensationFailed);
    assert_eq!((record.parking, record.pivoted), (None, false));
    assert_eq!((record.output, record.failure), (None, None));
    assert_eq!(record.error.as_deref(), Some("no stock"));
    assert_eq!(handed_over(&record.steps), [step(0)]);
    assert_eq!(letter_of(&store, &saga).await.work, letter(4));
}

pub(crate) async fn a_write_sets_what_is_set_and_nothing_else(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    let write = Advance {
        pivots: true,
        output: Some("7".to_owned()),
        error: Some("no stock".to_owned()),
        failure: Some("8".to_owned()),
        status: Some(Status::Compensating),
        ..steps([step(0), step(1)])
    };
    advance(&store, &saga, write).await;
    advance(&store, &saga, Advance::default()).await;
    let undone = Advance {
        undone: Some(1),
        ..Advance::default()
    };
    advance(&store, &saga, undone).await;
    let record = loaded(&store, &saga).await;
    assert_eq!(record.status, Status::Compensating);
    assert_eq!(record.error.as_deref(), Some("no stock"));
    assert_eq!(record.output.as_deref(), Some("7"));
    assert_eq!(record.failure.as_deref(), Some("8"));
    assert!(record.pivoted);
    let undone: Vec<_> = record.steps.iter().map(|step| step.undone).collect();
    assert_eq!(undone, [false, true]);
    assert!(letters_of(&store, &saga).await.is_empty());
}

pub(crate) async fn a_saga_is_parked_for_as_long_as_its_status_says(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    for &parking in Parking::ALL {
        advance(&store, &saga, parked(parking)).await;
        let record = loaded(&store, &saga).await;
        assert_eq!(record.status, Status::Parked);
        assert_eq!(record.parking, Some(parking));
        // A write that says nothing of it leaves it.
        advance(&store, &saga, steps([step(0)])).await;
        assert_eq!(loaded(&store, &saga).await.parking, Some(parking));
    }
    for after in [Status::Running, Status::Compensating, Status::Resolved] {
        advance(&store, &saga, parked(Parking::Poison)).await;
        advance(&store, &saga, status(after)).await;
        let record = loaded(&store, &saga).await;
        assert_eq!((record.status, record.parking), (after, None));
    }
}

pub(crate) async fn every_status_is_read_as_it_was_written(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    for written in [
        Status::Running,
        Status::Compensating,
        Status::Completed,
        Status::Compensated,
        Status::Failed,
        Status::CompensationFailed,
        Status::Resolved,
    ] {
        let saga = came_to(&store, status(written)).await;
        assert_eq!(loaded(&other, &saga).await.status, written);
    }
}

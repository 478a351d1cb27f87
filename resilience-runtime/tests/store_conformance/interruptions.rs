//! How often in a row the process of a saga was gone.

use resilience_runtime::saga::journal::{
    Advance, Event, Journal, Parking, SagaId, SagaRecord, StepOutcome, StepRecord,
};

use super::{Store, Workers, advance_under, known, loaded, parked, started, step, steps};

/// Takes the one saga that is left behind.
async fn taken(store: &impl Store) -> SagaRecord {
    let mut taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken.remove(0)
}

/// Takes the one saga that is left behind, and crashes; how often it was interrupted.
async fn takes_and_crashes(fixture: &impl Workers) -> u32 {
    let store = fixture.worker().await;
    let record = taken(&store).await;
    fixture.crash(store).await;
    record.interruptions
}

/// A saga that is left behind for the first time.
async fn interrupted(fixture: &impl Workers) -> SagaId {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    fixture.crash(store).await;
    saga
}

pub(crate) async fn each_interruption_is_counted(fixture: impl Workers) {
    let watches = fixture.worker().await;
    let saga = interrupted(&fixture).await;
    assert_eq!(loaded(&watches, &saga).await.interruptions, 0);
    for expected in 1..4 {
        assert_eq!(takes_and_crashes(&fixture).await, expected);
        let record = loaded(&watches, &saga).await;
        assert_eq!(record.interruptions, expected);
        assert_eq!(record.epoch, i64::from(expected) + 1);
    }
}

pub(crate) async fn progress_ends_a_row_of_interruptions(fixture: impl Workers) {
    let saga = interrupted(&fixture).await;
    assert_eq!(takes_and_crashes(&fixture).await, 1);
    assert_eq!(takes_and_crashes(&fixture).await, 2);
    let undone = Advance {
        undone: Some(0),
        ..Advance::default()
    };
    let mut epoch = 3;
    for progress in [steps([step(0)]), undone] {
        let store = fixture.worker().await;
        taken(&store).await;
        epoch += 1;
        advance_under(&store, &saga, epoch, progress).await;
        fixture.crash(store).await;
        for expected in [1, 2] {
            assert_eq!(takes_and_crashes(&fixture).await, expected);
            epoch += 1;
        }
    }
    // What is no progress is none: a step that was given up came to nothing.
    let in_doubt = StepRecord {
        outcome: StepOutcome::InDoubt,
        output: None,
        ..step(1)
    };
    for (expected, nothing) in [(3, Advance::default()), (5, steps([in_doubt]))] {
        let store = fixture.worker().await;
        assert_eq!(taken(&store).await.interruptions, expected);
        advance_under(&store, &saga, epoch + 1, nothing).await;
        fixture.crash(store).await;
        assert_eq!(takes_and_crashes(&fixture).await, expected + 1);
        epoch += 2;
    }
}

pub(crate) async fn a_store_that_was_closed_in_order_interrupts_nothing(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    fixture.close(store).await;
    for _ in 0..3 {
        let store = fixture.worker().await;
        assert_eq!(taken(&store).await.interruptions, 0);
        fixture.close(store).await;
    }
    // It ends no row either.
    assert_eq!(takes_and_crashes(&fixture).await, 0);
    assert_eq!(takes_and_crashes(&fixture).await, 1);
    let store = fixture.worker().await;
    assert_eq!(taken(&store).await.interruptions, 2);
    fixture.close(store).await;
    let store = fixture.worker().await;
    assert_eq!(taken(&store).await.interruptions, 2);

    // Somebody who looked at it does.
    let epoch = loaded(&store, &saga).await.epoch;
    advance_under(&store, &saga, epoch, parked(Parking::Poison)).await;
    let revived = store.revive(saga.clone(), Event::Resumed, None).await;
    assert_eq!(revived.unwrap().unwrap().interruptions, 0);
    assert_eq!(loaded(&store, &saga).await.interruptions, 0);
    fixture.crash(store).await;
    assert_eq!(takes_and_crashes(&fixture).await, 1);
}

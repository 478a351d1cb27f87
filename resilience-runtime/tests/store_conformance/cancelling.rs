//! Requests to cancel a saga.

use std::slice::from_ref;

use resilience_runtime::saga::journal::{
    Advance, CancelOutcome, Journal, Parking, SagaId, Status, Written,
};

use super::{
    Workers, advance, came_to, dead, known, loaded, operator, parked, started, status, step, steps,
};

pub(crate) async fn a_request_to_cancel_reaches_the_owner(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let (saga, untouched) = (started(&store).await, started(&store).await);
    let others = started(&other).await;
    assert_eq!(store.cancelled().await.unwrap(), []);
    for by in [&other, &store, &other] {
        let cancel = by.cancel(saga.clone(), operator()).await.unwrap();
        assert_eq!(cancel, Some(CancelOutcome::Requested));
    }
    assert!(loaded(&store, &saga).await.cancelled);
    assert_eq!(store.cancelled().await.unwrap(), from_ref(&saga));
    assert_eq!(other.cancelled().await.unwrap(), []);
    let cancel = store.cancel(others.clone(), operator()).await.unwrap();
    assert_eq!(cancel, Some(CancelOutcome::Requested));
    assert_eq!(store.cancelled().await.unwrap(), from_ref(&saga));
    assert_eq!(other.cancelled().await.unwrap(), [others]);

    let written = store.advance(saga.clone(), 1, steps([step(0)])).await;
    assert_eq!(written.unwrap(), Written::Yes { cancelled: true });
    let written = store.advance(untouched.clone(), 1, steps([step(0)])).await;
    assert_eq!(written.unwrap(), Written::YES);
    assert!(!loaded(&store, &untouched).await.cancelled);

    // It is acted upon.
    let write = store.advance(saga.clone(), 1, status(Status::Compensating));
    assert!(matches!(write.await.unwrap(), Written::Yes { .. }));
    assert_eq!(store.cancelled().await.unwrap(), []);
    assert!(loaded(&store, &saga).await.cancelled);
    let missing = store.cancel(SagaId::generate(), operator()).await;
    assert_eq!(missing.unwrap(), None);
}

pub(crate) async fn a_saga_that_is_not_running_is_not_cancelled(fixture: impl Workers) {
    let store = fixture.worker().await;
    for end in [
        status(Status::Compensating),
        status(Status::Completed),
        status(Status::Compensated),
        status(Status::Failed),
        status(Status::Resolved),
        dead(0),
        parked(Parking::Stuck),
    ] {
        let found = end.status.unwrap();
        let saga = came_to(&store, end).await;
        let cancel = store.cancel(saga.clone(), operator()).await.unwrap();
        assert_eq!(cancel, Some(CancelOutcome::NotRunning(found)));
        assert!(!loaded(&store, &saga).await.cancelled);
    }
    assert_eq!(store.cancelled().await.unwrap(), []);
}

pub(crate) async fn a_saga_past_a_pivot_is_not_cancelled(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&store).await;
    advance(&store, &saga, steps([step(0)])).await;
    assert!(!loaded(&store, &saga).await.pivoted);
    let write = Advance {
        pivots: true,
        ..steps([step(1)])
    };
    advance(&store, &saga, write).await;
    advance(&store, &saga, steps([step(2)])).await;
    let cancel = other.cancel(saga.clone(), operator()).await.unwrap();
    assert_eq!(cancel, Some(CancelOutcome::Pivoted));
    let record = loaded(&other, &saga).await;
    assert!(record.pivoted && !record.cancelled);
    assert_eq!(store.cancelled().await.unwrap(), []);
    advance(&store, &saga, status(Status::Completed)).await;
    let cancel = other.cancel(saga, operator()).await.unwrap();
    assert_eq!(cancel, Some(CancelOutcome::NotRunning(Status::Completed)));
}

pub(crate) async fn a_request_to_cancel_outlives_the_owner(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let (before, after) = (started(&crashes).await, started(&crashes).await);
    let cancel = store.cancel(before.clone(), operator()).await.unwrap();
    assert_eq!(cancel, Some(CancelOutcome::Requested));
    fixture.crash(crashes).await;
    let cancel = store.cancel(after.clone(), operator()).await.unwrap();
    assert_eq!(cancel, Some(CancelOutcome::Requested));
    assert_eq!(store.cancelled().await.unwrap(), []);
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!(taken.len(), 2);
    assert!(taken.iter().all(|record| record.cancelled));
    let mut cancelled = store.cancelled().await.unwrap();
    cancelled.sort();
    let mut expected = [before, after];
    expected.sort();
    assert_eq!(cancelled, expected);
}

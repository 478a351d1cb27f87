//! What is counted of sagas and of the dead letter queue.

use std::time::Duration;

use tokio::time::Instant;

use super::{meter, names};
use crate::saga::journal::Status;
use crate::timestamp::Timestamp;

/// When a saga was started, by the clock of this process: `read` is now for the store.
pub(crate) fn started(started: Timestamp, read: Timestamp) -> Instant {
    let now = Instant::now();
    now.checked_sub(read.since(started)).unwrap_or(now)
}

/// A saga has come to this end.
pub(crate) fn ended(saga: &'static str, status: Status, started: Instant) {
    let Some(counter) = counter(status) else {
        return;
    };
    meter::count(counter, "saga", saga);
    meter::time(names::SAGA_DURATION, "saga", saga, started.elapsed());
}

fn counter(status: Status) -> Option<&'static str> {
    Some(match status {
        Status::Completed => names::SAGAS_COMPLETED,
        Status::Compensated => names::SAGAS_COMPENSATED,
        Status::Failed => names::SAGAS_FAILED,
        Status::CompensationFailed => names::SAGAS_COMPENSATION_FAILED,
        Status::Parked => names::SAGAS_PARKED,
        Status::Running | Status::Compensating | Status::Resolved => return None,
    })
}

/// A compensation was called.
pub(crate) fn compensated(step: &'static str, is_done: bool) {
    meter::count(names::SAGA_COMPENSATION_ATTEMPTS, "step", step);
    if !is_done {
        meter::count(names::SAGA_COMPENSATION_FAILURES, "step", step);
    }
}

/// A letter about this step, saga or work is written.
pub(crate) fn letter(operation: &'static str) {
    meter::count(names::DEAD_LETTERS, "operation", operation);
}

/// A saga of a process that is gone was taken over.
pub(crate) fn recovered(saga: &'static str) {
    meter::count(names::SAGAS_RECOVERED, "saga", saga);
}

/// A saga is run again instead of being undone.
pub(crate) fn run_again(saga: &'static str) {
    meter::count(names::SAGA_RUNS_AGAIN, "saga", saga);
}

/// So many sagas belong to nobody who could run them.
pub(crate) fn unknown(count: u64) {
    meter::set(names::SAGAS_UNKNOWN, count);
}

/// So many letters wait.
pub(crate) fn unresolved(count: u64) {
    meter::set(names::DEAD_LETTERS_UNRESOLVED, count);
}

/// There are more letters than there should be.
pub(crate) fn over_limit() {
    meter::increment(names::DEAD_LETTERS_OVER_LIMIT, 1);
}

/// So many sagas and letters that were over were deleted.
pub(crate) fn purged(count: u64) {
    meter::increment(names::SAGAS_PURGED, count);
}

/// How long one round of recovery took.
pub(crate) fn round(took: Duration) {
    meter::record(names::SAGA_RECOVERY_DURATION, took);
}

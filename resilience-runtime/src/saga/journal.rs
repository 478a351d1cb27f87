//! The records of a saga, and the store that keeps them.
//!
//! There are three kinds of record: the saga, its steps that have ended or are in doubt, and, if something could not be
//! undone, dead letters. A saga of `k` steps costs `k + 1` durable writes: the start, each step before the
//! next one begins, and the end together with the last step. After an interruption, a step that is to be undone in doubt
//! costs one more, before it begins again.

mod park;
mod query;
mod record;
mod status;
mod transaction;

use std::time::Duration;

use crate::BoxFuture;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::timestamp::Timestamp;

pub use super::id::SagaId;
pub use park::{Park, ParkOutcome};
pub use query::{Durations, OrphanedSagas, SagaCursor, SagaFilter, SagaStatistics, SagaSummary};
pub use record::{
    Advance, NewSaga, SagaRecord, SettledLetters, Started, StepOutcome, StepRecord, Written,
};
pub use status::{Event, Parking, Status};
pub use transaction::{StartConnection, StartedIn, StepConnection, StepTransaction};

/// A version of a saga function. A process takes over only sagas of the versions that it knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SagaVersion {
    /// The name of the saga.
    pub name: String,
    /// The version of the function.
    pub version: u32,
}

/// The store of the saga journal.
///
/// Every method does all of its work or nothing, and the result is durable when it answers `Ok`. Dropping a future does
/// not undo a write that was already handed over. The sagas of a process that is killed are taken by
/// [`Journal::take_over`] in another process, or in the same one after a restart. A store that is shut down in order
/// releases its unfinished sagas: they have no owner, can be taken at once, and no interruption is counted.
///
/// Any other unfinished saga has an owner, which is the process that started it or took it over last. The store decides how
/// it notices that an owner is gone, but it must never take a saga from a live owner, nor from the process that asks. Every
/// new owner raises the epoch by one.
///
/// All times are by the store's clock.
///
/// If a method fails, [`StoreError::effect`] says whether the write may have happened. The runtime looks for such a write
/// with [`Journal::load`], and repeats it if it is not there. Callers that wait for a saga of another process poll
/// [`Journal::load`] too, every 500 ms at most.
pub trait Journal: Send + Sync {
    /// Writes a new saga, or finds the existing one that has its id (if that is `given`) or its key.
    ///
    /// Which saga holds a key: an unfinished one and one that [is dead](Status::is_dead), whatever its age; a completed one
    /// until the `ttl` of the *new* saga's key has passed since its end; never one that is compensated, failed or resolved. A
    /// completed saga that no longer holds its key loses it in the commit that writes the new saga, and is otherwise kept as it
    /// is. An id that is `given` belongs to its saga for as long as the journal has that saga, however it ended.
    ///
    /// A saga that has the nonce of the new one, and is still as this process began it, is the new one.
    ///
    /// If the saga that is found is unfinished and its owner is gone, or it has none, it is taken over. Its interruptions are
    /// counted as in [`Journal::take_over`]. One of another function or version is left as it is, and is [`Started::Busy`]:
    /// who asks for it may not have its code.
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>>;

    /// Writes all of `advance` if `epoch` is still the epoch of `saga`. If the saga has another epoch or does not exist, writes
    /// nothing and answers [`Written::Superseded`].
    ///
    /// - A field that is `None` leaves the stored value as it is. The status is written as given; the caller has checked it with
    ///   [`Status::after`]. Any status but [`Status::Parked`] clears the parking; [`Status::Completed`] clears the error.
    /// - A step with the position, name and occurrence of a stored one is a repetition of the same write. Any other step at
    ///   that position is an error, and nothing is written. The exception is a stored step in doubt, which is replaced by its
    ///   outcome.
    /// - A step has at most one open dead letter, and so has the saga itself. A new letter replaces the open one, and includes
    ///   its attempts if kind, operation and arguments are the same. Letters whose retry was requested count as open here. If
    ///   they are neither settled nor replaced, they are open again when the saga is dead again.
    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>>;

    /// Takes over up to `limit` sagas that need work and that no process works on, oldest first, each with its steps and under
    /// a new epoch:
    ///
    /// - Unfinished sagas without an owner, or whose owner is gone. If the owner is gone without having released the saga,
    ///   this is an interruption. It is counted in the same commit; the count begins at 1 again if steps have ended or were
    ///   undone since the last interruption.
    /// - Dead sagas for which a retry was requested ([`Queue::request_retry`](crate::dlq::Queue::request_retry)). They become
    ///   [`Status::Running`] or [`Status::Compensating`], as requested, and their interruptions are reset. Their letters stay
    ///   open until they are settled or replaced.
    ///
    /// Sagas whose name and version are not in `known` are left for a process that knows them. Rows that cannot be read
    /// are skipped and reported in the log. If nothing is left, the answer is empty: the caller repeats the call until then,
    /// and again after [`RuntimeBuilder::poll_interval`](crate::runtime::RuntimeBuilder::poll_interval).
    fn take_over(
        &self,
        known: Vec<SagaVersion>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>>;

    /// Resolves when there may be something to take over or to cancel: a process was shut down in order, a saga was started in
    /// a caller's transaction, or an operator made a request. If the store cannot notice this, it never resolves; the caller
    /// polls anyway.
    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Takes over up to `limit` sagas that were parked for [`Parking::Mismatch`] before `parked_before`. They become
    /// [`Status::Running`] under a new epoch.
    fn take_parked(
        &self,
        known: Vec<SagaVersion>,
        parked_before: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>>;

    /// Takes over `saga` and moves it to the status that [`Status::after`] gives for `event` ([`Event::Resumed`] or
    /// [`Event::Compensate`]), under a new epoch and with its interruptions reset.
    ///
    /// Answers `None` if its status does not allow `event`, or if somebody else was first. Its open dead letters stay open until
    /// an [`Advance`] settles or replaces them. If `by` is given, the action is written to the audit.
    fn revive(
        &self,
        saga: SagaId,
        event: Event,
        by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>>;

    /// Records a request to cancel a saga, whichever process works on it, and writes it to the audit with `by`.
    ///
    /// The request is recorded only if the saga is [`Status::Running`] and not past a pivot. Answers `None` if there is no saga
    /// with this id.
    fn cancel(
        &self,
        saga: SagaId,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<CancelOutcome>, StoreError>>;

    /// Parks an unfinished saga that no live process has, under a new epoch: writes what [`Park::advance`] says, and the action
    /// with `by` to the audit.
    ///
    /// Answers `None`, and does nothing, if the saga is no longer as `park` says: it has another epoch or status, the step of
    /// the letter is undone, or there is no letter although `park` has none either. The caller reads it again. A saga of a live
    /// process, this one included, is left alone.
    fn park(
        &self,
        saga: SagaId,
        park: Park,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<ParkOutcome>, StoreError>>;

    /// Returns those running sagas of this process for which a cancellation was requested.
    fn cancelled(&self) -> BoxFuture<'_, Result<Vec<SagaId>, StoreError>>;

    /// Returns a saga with its steps, or `None`.
    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>>;

    /// Returns a page of at most `limit` sagas after the place `after`, in the order of the filter. Rows that cannot be read are
    /// left out and reported in the log.
    fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaSummary>, StoreError>>;

    /// Returns the current time by the store's clock. The default is the clock of this machine, for stores without a clock of
    /// their own.
    fn now(&self) -> BoxFuture<'_, Result<Timestamp, StoreError>> {
        Box::pin(async { Ok(Timestamp::of_this_machine()) })
    }

    /// Counts the sagas of each name, in the order of the names. Sagas that are over are counted without reading their rows.
    fn statistics(&self) -> BoxFuture<'_, Result<Vec<SagaStatistics>, StoreError>>;

    /// Counts the unfinished sagas that belong to no live process and are not in `known`, by function.
    fn orphaned(
        &self,
        known: Vec<SagaVersion>,
    ) -> BoxFuture<'_, Result<Vec<OrphanedSagas>, StoreError>>;

    /// Deletes up to `limit` sagas that have been [over](Status::is_over) for `retention`, oldest first, with their steps, their
    /// letters and the sagas that they called. Answers how many were deleted.
    ///
    /// A saga that another one called is deleted together with its caller, and the caller is kept as long as one of the sagas
    /// that it called is not over. If there is nothing to delete, nothing is written.
    fn purge(&self, retention: Duration, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// The outcome of a request to cancel a saga. Later versions may have more outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// The saga was running. The request is recorded; it need not be the first one.
    Requested,
    /// The saga is past a pivot and can only go forward.
    Pivoted,
    /// The saga is no longer running, and has this status.
    NotRunning(Status),
}

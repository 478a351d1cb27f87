//! What a saga writes down, and the store that it writes to.
//!
//! Three kinds of record: the saga, its steps that came out, and, when something could not be undone, a
//! dead letter. A saga of `k` steps costs `k + 1` durable writes: the start, each step before the
//! next one begins, and the end together with the last step.

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
pub use query::{Durations, OrphanedSagas, SagaCursor, SagaFilter, SagaStatistics, SagaSummary};
pub use record::{
    Advance, NewSaga, SagaRecord, SettledLetters, Started, StepOutcome, StepRecord, Written,
};
pub use status::{Event, Parking, Status};
pub use transaction::{StartConnection, StartedIn, StepConnection, StepTransaction};

/// A saga function in one version: what a process knows, and takes over sagas of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SagaVersion {
    /// The name.
    pub name: String,
    /// The version.
    pub version: u32,
}

/// The store of the saga journal.
///
/// Every method is all or nothing, and durable when it answers `Ok`. A dropped future does not
/// undo a write that was handed over. A process that is killed leaves its sagas to
/// [`Journal::take_over`] of another one, or of itself after a restart. A store that is closed in order leaves
/// those that are unfinished to nobody: they can be taken at once, and count no interruption.
///
/// Every unfinished saga has an owner, the process that started it or took it over last. How a store
/// sees that an owner is gone is its own affair: it must never take a saga from a live one, nor
/// from the process that asks. Whoever becomes the owner raises the epoch by one.
///
/// All times are by the store's clock.
///
/// An error says by [`StoreError::effect`] whether the write may have happened. A write in doubt is
/// looked for with [`Journal::load`], and made again if it is not there. Ends are seen by other
/// processes with [`Journal::load`] too, which waiting callers repeat every 500 ms at most.
pub trait Journal: Send + Sync {
    /// Writes a new saga, or finds the one that has its id (where that is `given`) or its key.
    ///
    /// A saga that was completed and ended `ttl` ago or longer, with the
    /// `ttl` of the *new* saga's key, does not count for the key: it loses its key in the commit that writes
    /// the new one, and is kept otherwise as it is. A saga that [is dead](Status::is_dead) keeps its key whatever its
    /// age, and so does one that is unfinished; one that is compensated, failed or resolved has given it up. An id that
    /// is `given` belongs to its saga for as long as that is in the journal, however it ended.
    ///
    /// A saga that has the nonce of the new one, and is as this process has begun it, is the new one.
    ///
    /// A saga that is found unfinished and whose owner is gone, or nobody, is taken over, with the count of its
    /// interruptions as in [`Journal::take_over`].
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>>;

    /// Writes what happened to `saga`, if `epoch` is still its epoch: all of `advance`, or, where the
    /// saga has another epoch or does not exist, nothing and [`Written::Superseded`].
    ///
    /// What is `None` leaves what is there. The status is written as it is given;
    /// [`Status::after`] was asked before. With a status other than [`Status::Parked`] the saga is not parked; with [`Status::Completed`]
    /// its error is none, whatever it was before. A step with
    /// the position, name and occurrence of one that is there is the same write made again; another step at that
    /// position is an error, and then nothing is written: except that a step that is there in doubt is replaced by what it
    /// came to. A step has at most one open dead letter, and a saga one that is of no step: a new one replaces it,
    /// and takes its attempts along if kind, operation and arguments are the same. Letters whose retry was requested count as
    /// open ones here; those that are neither settled nor replaced are open again when the saga is dead again.
    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>>;

    /// Takes up to `limit` sagas that somebody has to work on and nobody does, each under a new epoch, with their
    /// steps; oldest first:
    ///
    /// - unfinished ones whose owner is gone, or nobody. Where the owner is gone and did not leave, this is an
    ///   interruption: it is counted in the same commit, from 1 again if steps came out or were undone since the last
    ///   one was counted;
    /// - dead ones for which a retry was requested ([`Queue::request_retry`](crate::dlq::Queue::request_retry)). They
    ///   become [`Status::Running`] or [`Status::Compensating`] as it was requested, without interruptions. Their letters
    ///   stay open until they are settled or replaced.
    ///
    /// Sagas whose name and version are not in `known` are left for a process that knows them. Rows that cannot be read
    /// are left and reported, and do not stop the others. Nothing left is an empty answer: the caller asks until it gets
    /// one, and again after [`RuntimeBuilder::poll_interval`](crate::runtime::RuntimeBuilder::poll_interval).
    fn take_over(
        &self,
        known: Vec<SagaVersion>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>>;

    /// Resolves when there may be something to take over or to cancel: a process left in order, a saga was started in
    /// somebody's transaction, or an operator asked for something. Never, where a store cannot tell: the caller asks again
    /// by itself.
    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Takes up to `limit` sagas that are parked for [`Parking::Mismatch`] since before `parked_before`, as
    /// [`Status::Running`] under a new epoch.
    fn take_parked(
        &self,
        known: Vec<SagaVersion>,
        parked_before: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>>;

    /// Takes `saga` from one of the statuses that [`Status::after`] allows with `event`
    /// ([`Event::Resumed`] or [`Event::Compensate`]) into that status, under a new epoch, without interruptions; `None`
    /// when it is in no such status, or somebody else was first. Its open dead letters stay open until an [`Advance`]
    /// settles or replaces them. Written to the audit with `by`, where somebody asked.
    fn revive(
        &self,
        saga: SagaId,
        event: Event,
        by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>>;

    /// Asks to cancel a saga: durable when it answers, whoever works on the saga. The status in which the saga was
    /// found; the request stands if that is [`Status::Running`] and the saga is not past a pivot. Written to the audit with `by`.
    fn cancel(
        &self,
        saga: SagaId,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<CancelOutcome>, StoreError>>;

    /// Those sagas of this process that are running and that somebody has asked to cancel.
    fn cancelled(&self) -> BoxFuture<'_, Result<Vec<SagaId>, StoreError>>;

    /// The saga with its steps, or `None`.
    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>>;

    /// A page of at most `limit` sagas, in the order of the filter, from after `after`. Rows that cannot be read are left
    /// out and reported.
    fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaSummary>, StoreError>>;

    /// What time it is, by the clock of the store. Unless a store has a clock of its own: that of this machine.
    fn now(&self) -> BoxFuture<'_, Result<Timestamp, StoreError>> {
        Box::pin(async { Ok(Timestamp::of_this_machine()) })
    }

    /// What there is of each name, in the order of the names. What is over is counted without a look at its rows.
    fn statistics(&self) -> BoxFuture<'_, Result<Vec<SagaStatistics>, StoreError>>;

    /// The sagas that are unfinished, belong to nobody who lives, and are not in `known`.
    fn orphaned(
        &self,
        known: Vec<SagaVersion>,
    ) -> BoxFuture<'_, Result<Vec<OrphanedSagas>, StoreError>>;

    /// Deletes up to `limit` sagas that [are over](Status::is_over) since `retention`, oldest first, with their steps, their
    /// letters and those that they called; how many. One that another saga called goes with that one, which stays for as
    /// long as one of those that it called is not over. Writes nothing
    /// when there is nothing to delete.
    fn purge(&self, retention: Duration, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// What [`Journal::cancel`] found. A later version may tell more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// It was running: the request stands, and was the first one or not.
    Requested,
    /// It is past a pivot, and can only go forward.
    Pivoted,
    /// It is not running any more; this is where it stands.
    NotRunning(Status),
}

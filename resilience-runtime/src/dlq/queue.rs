//! The store of the dead letter queue.

use std::time::Duration;

use serde::Serialize;

use super::{
    AuditEntry, DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority,
};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::order::Order;
use crate::saga::id::SagaId;
use crate::timestamp::Timestamp;
use crate::words::words;

/// Selects dead letters. An empty filter selects all of them.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    /// Only letters in one of these statuses; all if empty.
    pub statuses: Vec<DeadLetterStatus>,
    /// Only letters of this kind.
    pub kind: Option<DeadLetterKind>,
    /// Only letters of this operation.
    pub operation: Option<String>,
    /// Only letters of this dependency.
    pub dependency: Option<String>,
    /// Only letters of this saga.
    pub saga: Option<SagaId>,
    /// Only letters of this priority or a higher one.
    pub priority: Option<Priority>,
    /// Only letters written at this time or later.
    pub since: Option<Timestamp>,
    /// Only letters written before this time.
    pub before: Option<Timestamp>,
    /// The order by id; oldest first by default.
    pub order: Order,
}

impl DeadLetterFilter {
    /// Selects the letters that [still have to be dealt with](DeadLetterStatus::is_unresolved).
    #[must_use]
    pub fn unresolved() -> Self {
        Self {
            statuses: vec![DeadLetterStatus::Open, DeadLetterStatus::Retrying],
            ..Self::default()
        }
    }
}

impl From<DeadLetterStatus> for DeadLetterFilter {
    /// Selects the letters in this status.
    fn from(status: DeadLetterStatus) -> Self {
        Self {
            statuses: vec![status],
            ..Self::default()
        }
    }
}

/// What a retry of a letter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetryAs {
    /// What failed is done again: a parked saga is resumed, an unfinished compensation continues, and the program's own
    /// work is passed to its handler again.
    Itself,
    /// The saga is undone, even if it is parked.
    Compensation,
}

words!(RetryAs: Itself = "itself", Compensation = "compensation");

/// How an operator closes a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// The work was done by hand, and this note says how.
    Resolve(String),
    /// The work is given up.
    Discard,
}

/// The numbers of letters in the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeadLetterStatistics {
    /// The number of letters in each status; statuses without letters are left out.
    pub counts: Vec<(DeadLetterStatus, u64)>,
    /// The numbers of unresolved letters by operation, largest first, at most 100 operations.
    pub by_operation: Vec<(String, u64)>,
    /// The numbers of unresolved letters by dependency, largest first, at most 100 dependencies.
    pub by_dependency: Vec<(String, u64)>,
    /// The numbers of unresolved letters by priority.
    pub by_priority: Vec<(Priority, u64)>,
    /// When the oldest unresolved letter was written; `None` if there is none.
    pub oldest: Option<Timestamp>,
}

/// The store of the dead letter queue.
///
/// Letters of sagas are *written* by the journal, in the commit that ends their saga ([`crate::saga::journal::Advance`]).
/// This trait reads and closes them, and adds other letters. Each method is one transaction, and durable when it answers
/// `Ok`. An operator's action is written to the audit in the same transaction, and only if it takes effect. If two
/// operators close a letter at the same time, exactly one of them gets `true`.
pub trait Queue: Send + Sync {
    /// Adds a letter of the program's own work. `nonce` is a UUID chosen by the caller: a second call with the same one
    /// answers with the letter that the first call has written.
    fn add(
        &self,
        letter: NewDeadLetter,
        nonce: String,
        by: Operator,
    ) -> BoxFuture<'_, Result<DeadLetterId, StoreError>>;

    /// Returns a page of at most `limit` letters after the letter `after`, by id, in the order of the filter. Rows that cannot
    /// be read are left out and reported in the log.
    fn list(
        &self,
        filter: DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>>;

    /// Returns one letter, or `None`.
    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>>;

    /// Closes a letter that is open, or [retrying](DeadLetterStatus::Retrying) as long as nobody has taken up the retry: its
    /// saga is still dead, or no live process has taken the work.
    ///
    /// If it was the last unresolved letter of a dead saga, the same commit makes the saga
    /// [resolved](crate::saga::journal::Status::Resolved), under a new epoch, and withdraws the request for a retry. Answers
    /// `false` if the letter is closed or settled, or if somebody is retrying it: its saga is not dead, or a live process has
    /// taken the work.
    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Makes a letter that could be [closed](Queue::close) [`DeadLetterStatus::Retrying`], so that a process that has the code
    /// takes it up.
    ///
    /// The other open letters of its saga become retrying too. Of several requests that nobody has taken up, the latest one
    /// counts; each is in the audit. Answers `false` where [`Queue::close`] does.
    fn request_retry(
        &self,
        id: DeadLetterId,
        how: RetryAs,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Takes for this process up to `limit` letters of [`DeadLetterKind::Work`], oldest first: letters of these operations for
    /// which a retry is requested and on which no live process is working.
    fn take_work(
        &self,
        operations: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>>;

    /// Ends the retry of a letter that this process took: the letter is settled, or open again with this error and one more
    /// attempt. Answers `false` if the letter no longer belongs to this process.
    fn end_work(
        &self,
        id: DeadLetterId,
        failed: Option<String>,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Counts the letters. Reads every unresolved letter.
    fn statistics(&self) -> BoxFuture<'_, Result<DeadLetterStatistics, StoreError>>;

    /// Counts the unresolved letters. This is cheap.
    fn unresolved(&self) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Returns what was done to this letter or to its saga, oldest first.
    fn audit(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>>;

    /// Returns what was done to this saga and to its letters, oldest first.
    fn audit_of_saga(&self, saga: SagaId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>>;

    /// Deletes up to `limit` letters of [`DeadLetterKind::Work`] that were closed or settled `retention` ago or earlier, with
    /// their audit. Answers how many were deleted.
    fn purge_letters(
        &self,
        retention: Duration,
        limit: u32,
    ) -> BoxFuture<'_, Result<u64, StoreError>>;
}

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

/// Which dead letters to list. Empty: all.
#[derive(Debug, Clone, Default)]
pub struct LetterFilter {
    /// Only in one of these; all when empty.
    pub statuses: Vec<DeadLetterStatus>,
    /// Only of this kind.
    pub kind: Option<DeadLetterKind>,
    /// Only of this operation.
    pub operation: Option<String>,
    /// Only of this dependency.
    pub dependency: Option<String>,
    /// Only of this saga.
    pub saga: Option<SagaId>,
    /// Only of this priority or a higher one.
    pub priority: Option<Priority>,
    /// Only written at this moment or later.
    pub since: Option<Timestamp>,
    /// Only written before this moment.
    pub before: Option<Timestamp>,
    /// By their ids: the oldest first unless set.
    pub order: Order,
}

impl LetterFilter {
    /// The letters that are [still to be dealt with](DeadLetterStatus::is_unresolved).
    #[must_use]
    pub fn unresolved() -> Self {
        Self {
            statuses: vec![DeadLetterStatus::Open, DeadLetterStatus::Retrying],
            ..Self::default()
        }
    }
}

impl From<DeadLetterStatus> for LetterFilter {
    /// The letters in this status.
    fn from(status: DeadLetterStatus) -> Self {
        Self {
            statuses: vec![status],
            ..Self::default()
        }
    }
}

/// How a saga is to go on when its letter is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAs {
    /// What failed is done again: a parked saga is resumed, an undoing goes on, a work is handled again.
    Itself,
    /// The saga is undone, also where it is parked.
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

/// What there is in the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LetterStatistics {
    /// How many letters are in each status that at least one is in.
    pub counts: Vec<(DeadLetterStatus, u64)>,
    /// The unresolved ones by operation, the most first, at most 100.
    pub by_operation: Vec<(String, u64)>,
    /// The unresolved ones by dependency, the most first, at most 100.
    pub by_dependency: Vec<(String, u64)>,
    /// The unresolved ones by priority.
    pub by_priority: Vec<(Priority, u64)>,
    /// When the oldest unresolved one was written.
    pub oldest: Option<Timestamp>,
}

/// The store of the dead letter queue. Entries about sagas are *written* by the journal, in the commit that
/// ends their saga ([`crate::saga::journal::Advance`]); this is how they are read and closed, and how others are added. Each
/// method is one transaction, and durable when it answers `Ok`. What an operator does is written to the audit in the same
/// transaction, and only if it is done. Of two operators who close a letter at once one gets `true`.
pub trait Queue: Send + Sync {
    /// Adds work of the author's own. `nonce` is a UUID of the caller's: asked again with the same one, the letter that is
    /// there is the answer.
    fn add(
        &self,
        letter: NewDeadLetter,
        nonce: String,
        by: Operator,
    ) -> BoxFuture<'_, Result<DeadLetterId, StoreError>>;

    /// A page of at most `limit` letters, in the order of the filter, by their ids, from after `after`. Rows that cannot be
    /// read are left out and reported.
    fn list(
        &self,
        filter: LetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>>;

    /// One entry, or `None`.
    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>>;

    /// Closes a letter that is open, or [retrying](DeadLetterStatus::Retrying) where nobody has taken that up: its saga is still
    /// dead, or nobody who lives has taken the work. Where it was the last one that was unresolved of a saga that is dead, the saga is
    /// [resolved](crate::saga::journal::Status::Resolved) under a new epoch, in the same commit, and its request is
    /// withdrawn. False when the letter is closed or settled, or its saga is not dead, or its work is somebody's: somebody is
    /// retrying it.
    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Makes a letter that could be [closed](Queue::close) [`DeadLetterStatus::Retrying`]: a process that has the code takes it
    /// up. The other open letters of its saga do the same. Of requests that nobody has taken up, the latest one counts, each
    /// is in the audit. False when the letter is closed or settled, or its saga is not dead, or its work is somebody's.
    fn request_retry(
        &self,
        id: DeadLetterId,
        how: RetryAs,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Takes up to `limit` letters of [`DeadLetterKind::Work`] of these operations for which a retry is requested and nobody who lives
    /// works on, oldest first. They are this process's then.
    fn take_work(
        &self,
        operations: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>>;

    /// Ends the retry of a work that this process took: settled, or open again with this error and one attempt more.
    /// False when it is not this process's any more.
    fn end_work(
        &self,
        id: DeadLetterId,
        failed: Option<String>,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// What there is. Looks at every letter that is unresolved.
    fn statistics(&self) -> BoxFuture<'_, Result<LetterStatistics, StoreError>>;

    /// How many letters are unresolved; cheap.
    fn unresolved(&self) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// What was done to this letter, or to its saga, in its order.
    fn audit(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>>;

    /// What was done to this saga and its letters, in its order.
    fn audit_of_saga(&self, saga: SagaId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>>;

    /// Deletes up to `limit` letters of [`DeadLetterKind::Work`] that are not unresolved since `retention`, with their audit; how many.
    fn purge_letters(
        &self,
        retention: Duration,
        limit: u32,
    ) -> BoxFuture<'_, Result<u64, StoreError>>;
}

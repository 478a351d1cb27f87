//! What a dead letter is.

use serde::Serialize;

use crate::saga::id::SagaId;
use crate::timestamp::Timestamp;
use crate::words::words;

/// The identity of a dead letter.
pub type DeadLetterId = i64;

/// Work that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewDeadLetter {
    /// What kind of work.
    pub kind: DeadLetterKind,
    /// What to do again: the name of the step whose compensation failed, of the saga that is parked, or the name that
    /// [`RuntimeBuilder::dead_letter_handler`](crate::runtime::RuntimeBuilder::dead_letter_handler) was given.
    pub operation: String,
    /// Whom it failed at: the name of the breaker of the operation, or another name that operators group by.
    pub dependency: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// The position of the step in its saga.
    pub position: Option<u32>,
    /// The arguments, as JSON; for people, where the letter is of a saga: what is done again is in the journal. May have
    /// been redacted or cut (see `payload_limit` of the builder).
    pub arguments: String,
    /// The output of the step, as JSON, where there is one. The same holds.
    pub output: Option<String>,
    /// The last error.
    pub error: String,
    /// How often it was tried. A letter that replaces an open one about the same work takes its attempts along.
    pub attempts: u32,
}

/// What kind of work a dead letter is. There may be more kinds in a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadLetterKind {
    /// A step of a saga that could not be undone.
    Compensation,
    /// A saga that is parked.
    Saga,
    /// Work of the author's own, added with [`DeadLetters::add`](super::DeadLetters::add) or from SQL.
    Work,
}

/// How urgent a dead letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Can wait. Stored as 0.
    Low,
    /// Stored as 1.
    Normal,
    /// Something is half done: what could not be undone, and sagas that are parked. Stored as 2.
    High,
    /// Stored as 3.
    Critical,
}

/// Where a dead letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterStatus {
    /// Waits for an operator.
    Open,
    /// A retry was requested, and waits for a process that has the code, or is under way.
    Retrying,
    /// Its work was done after all.
    Settled,
    /// An operator closed it with a note.
    Resolved,
    /// An operator gave it up.
    Discarded,
}

words!(DeadLetterKind: Compensation = "compensation", Saga = "saga", Work = "work");
words!(Priority: Low = "low", Normal = "normal", High = "high", Critical = "critical");
words!(DeadLetterStatus: Open = "open", Retrying = "retrying", Settled = "settled", Resolved = "resolved",
    Discarded = "discarded");

impl Priority {
    /// As the stores keep it, so that they can order by it.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
            Self::Critical => 3,
        }
    }

    /// What a store read back.
    #[must_use]
    pub fn from_rank(rank: i64) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|priority| priority.rank() == rank)
    }
}

impl DeadLetterStatus {
    /// Whether it is still to be dealt with.
    #[must_use]
    pub fn is_unresolved(self) -> bool {
        matches!(self, Self::Open | Self::Retrying)
    }
}

/// An entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its identity.
    pub id: DeadLetterId,
    /// The saga that it belongs to; `None` for [`DeadLetterKind::Work`].
    pub saga: Option<SagaId>,
    /// The name of that saga.
    pub saga_name: Option<String>,
    /// The work.
    pub work: NewDeadLetter,
    /// Where it stands.
    pub status: DeadLetterStatus,
    /// When it was written, by the store's clock.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What the operator wrote when closing it.
    pub note: Option<String>,
}

/// Something that was done to a dead letter or a saga, by whom, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When, by the store's clock.
    pub at: Timestamp,
    /// Who.
    pub operator: String,
    /// What: `add`, `retry`, `resolve`, `discard`, `cancel`, `compensate`.
    pub action: String,
    /// Why.
    pub reason: Option<String>,
    /// The letter that it was done to.
    pub letter: Option<DeadLetterId>,
    /// The saga that it was done to.
    pub saga: Option<SagaId>,
}

//! What a dead letter is.

use serde::Serialize;

use crate::saga::id::SagaId;
use crate::timestamp::Timestamp;
use crate::words::words;

/// The identity of a dead letter.
pub type DeadLetterId = i64;

/// Work that failed for good: the content of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewDeadLetter {
    /// The kind of work.
    pub kind: DeadLetterKind,
    /// What to do again: the name of the step whose compensation failed, the name of the parked saga, or the name under which
    /// [`RuntimeBuilder::dead_letter_handler`](crate::runtime::RuntimeBuilder::dead_letter_handler) registered a handler.
    pub operation: String,
    /// The dependency that it failed at: the name of the operation's circuit breaker, or another name that operators group by.
    pub dependency: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// The position of the step in its saga; `None` if the letter is not about a step.
    pub position: Option<u32>,
    /// The arguments, as JSON. In the letter of a saga they are only for people to read, and may have been redacted or
    /// truncated (see `redact` and `payload_limit` of the builder): a retry takes them from the journal.
    pub arguments: String,
    /// The output of the step, as JSON, if there is one. It may have been redacted or truncated as well.
    pub output: Option<String>,
    /// The last error.
    pub error: String,
    /// How many times the work was tried. A letter that replaces an open one about the same work includes the attempts of that
    /// letter.
    pub attempts: u32,
}

/// What kind of work a dead letter is. There may be more kinds in a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadLetterKind {
    /// The compensation of a step that could not be undone.
    Compensation,
    /// A saga that is parked.
    Saga,
    /// The program's own work, added with [`DeadLetters::add`](super::DeadLetters::add) or from SQL.
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
    /// Something is half done: a step that could not be undone, or a parked saga. Stored as 2.
    High,
    /// Stored as 3.
    Critical,
}

/// The status of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadLetterStatus {
    /// The letter waits for an operator.
    Open,
    /// A retry was requested. It waits for a process that has the code, or is under way.
    Retrying,
    /// The work was done after all.
    Settled,
    /// An operator closed the letter with a note.
    Resolved,
    /// An operator gave the work up.
    Discarded,
}

words!(DeadLetterKind: Compensation = "compensation", Saga = "saga", Work = "work");
words!(Priority: Low = "low", Normal = "normal", High = "high", Critical = "critical");
words!(DeadLetterStatus: Open = "open", Retrying = "retrying", Settled = "settled", Resolved = "resolved",
    Discarded = "discarded");

impl Priority {
    /// The number that the stores keep, so that they can order by it.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
            Self::Critical => 3,
        }
    }

    /// The priority that a store has kept as this number.
    #[must_use]
    pub fn from_rank(rank: i64) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|priority| priority.rank() == rank)
    }
}

impl DeadLetterStatus {
    /// Whether the letter still has to be dealt with: whether it is open or being retried.
    #[must_use]
    pub fn is_unresolved(self) -> bool {
        matches!(self, Self::Open | Self::Retrying)
    }
}

/// A dead letter: an entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its id.
    pub id: DeadLetterId,
    /// The saga that it belongs to; `None` for [`DeadLetterKind::Work`].
    pub saga: Option<SagaId>,
    /// The name of that saga.
    pub saga_name: Option<String>,
    /// The work.
    pub work: NewDeadLetter,
    /// Its status.
    pub status: DeadLetterStatus,
    /// When it was written, by the store's clock.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The note that the operator wrote when closing it.
    pub note: Option<String>,
}

/// An entry of the audit: what was done to a dead letter or a saga, by whom, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When it was done, by the store's clock.
    pub at: Timestamp,
    /// Who did it.
    pub operator: String,
    /// What was done: `add`, `retry`, `resolve`, `discard`, `cancel`, `compensate` or `park`.
    pub action: String,
    /// The reason, if one was given.
    pub reason: Option<String>,
    /// The letter that it was done to, if any.
    pub letter: Option<DeadLetterId>,
    /// The saga that it was done to, if any.
    pub saga: Option<SagaId>,
}

//! The records of a saga.

use std::time::Duration;

use serde::Serialize;

use super::{Parking, SagaId, Status};
use crate::dlq::NewDeadLetter;
use crate::idempotency::key::SagaKey;
use crate::key::Digest;
use crate::timestamp::Timestamp;
use crate::words::words;

/// A new saga.
#[derive(Debug, Clone)]
pub struct NewSaga {
    /// Its id.
    pub id: SagaId,
    /// Whether its author chose the id. If so, an existing saga with this id is the answer, and not an error.
    pub given: bool,
    /// The name that its function is registered under.
    pub name: String,
    /// The version that its function is registered under; 1 where the author gave none.
    pub version: u32,
    /// The key of the `#[idempotent]` above the saga. At most one saga holds a key at a time: see
    /// [`Journal::start`](super::Journal::start), also for the `ttl` of the key.
    pub key: Option<SagaKey>,
    /// The arguments, as a JSON object.
    pub input: String,
    /// How long it may run, counted from now by the store's clock, before it is undone.
    pub timeout: Option<Duration>,
    /// The saga that calls it, if one does. It is kept for as long as its caller.
    pub parent: Option<SagaId>,
    /// Distinguishes this start from every other one. If the call is repeated because its answer was lost, it finds what it
    /// has written, and answers [`Started::New`].
    pub nonce: u128,
}

impl NewSaga {
    /// Whether whoever starts it has the code of `other`, too.
    pub(crate) fn has_code_of(&self, other: &SagaRecord) -> bool {
        (self.name.as_str(), self.version) == (other.name.as_str(), other.version)
    }
}

/// The answer to [`Journal::start`](super::Journal::start).
#[derive(Debug)]
pub enum Started {
    /// The saga was written at this time. It has epoch 1 and is owned by this process.
    New(Timestamp),
    /// There is a saga with this id or key that has ended or is dead; this is its record. See
    /// [`Journal::start`](super::Journal::start) for how long a saga holds its key.
    Ended(SagaRecord),
    /// There is an unfinished saga with this id or key whose process is gone. It now belongs to this process, under
    /// the epoch in the record.
    TakenOver(SagaRecord),
    /// There is a saga with this id or key that this or another live process is working on, or that waits for a process with
    /// its function in its version.
    Busy(SagaId),
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepOutcome {
    /// It returned a value, which is its output.
    Done,
    /// It returned an error that has a JSON form, which is its output. There is nothing to undo, and it returns the same error
    /// when the body is run again.
    Failed,
    /// It was cut off, or it failed and may have had its effect; or it was about to begin again after its process was gone, and
    /// has not ended since. There is no output. If it has a compensation it is undone, and it is run again when the body is run
    /// again.
    InDoubt,
}

words!(StepOutcome: Done = "done", Failed = "failed", InDoubt = "in_doubt");

/// A step that has ended, or is in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepRecord {
    /// The position in the order in which steps ended, from 0. A step that was recorded as in doubt before it began again keeps
    /// the position of that record. Compensation goes backwards.
    pub position: u32,
    /// The name under which the step is registered. Names that begin with `saga::` do not belong to steps of the program:
    /// `saga::now` and `saga::sleep` are helpers, and `saga::call <name>` is a saga that the body called.
    pub step: String,
    /// The number of steps of this name that the saga had begun before this one.
    pub occurrence: u32,
    /// The arguments without `#[state]`, as a JSON object. The compensation gets them, too.
    pub arguments: String,
    /// How it ended.
    pub outcome: StepOutcome,
    /// The value or the error as JSON; `None` for a step in doubt.
    pub output: Option<String>,
    /// The path of its compensation, for people to read; `None` if there is nothing to undo.
    pub compensation: Option<String>,
    /// Whether it has been undone.
    pub undone: bool,
    /// When it was written, by the store's clock; `None` in a record that was not read from the store.
    pub written_at: Option<Timestamp>,
}

/// A saga with its steps, in the order in which they ended.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SagaRecord {
    /// Its id.
    pub id: SagaId,
    /// The name that its function is registered under.
    pub name: String,
    /// The version that its function is registered under.
    pub version: u32,
    /// The idempotency key that it runs under, or ran under until a later saga took the key.
    #[serde(skip)]
    pub key: Option<Digest>,
    /// The arguments, as a JSON object.
    pub input: String,
    /// Its status.
    pub status: Status,
    /// Why it is [`Status::Parked`], if it is.
    pub parking: Option<Parking>,
    /// A number that grows with every new owner. A write under an older epoch is refused.
    pub epoch: i64,
    /// How many times in a row it was taken over from a process that was gone, without progress in between.
    pub interruptions: u32,
    /// Whether it is past a pivot, so that there is no way back.
    pub pivoted: bool,
    /// Whether its cancellation was requested.
    pub cancelled: bool,
    /// The result as JSON, if it is [`Status::Completed`].
    pub output: Option<String>,
    /// Why it has to be undone, once that is decided, or why it is parked.
    pub error: Option<String>,
    /// The error of its function as JSON, if the error has a JSON form.
    pub failure: Option<String>,
    /// The saga that called it, if one did.
    pub parent: Option<SagaId>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When its status or owner last changed; for a saga that is over, when it ended.
    pub updated_at: Timestamp,
    /// When its `timeout` is over, and it is undone.
    pub deadline: Option<Timestamp>,
    /// When this record was read. All times in a record are by the store's clock.
    pub read_at: Timestamp,
    /// Its steps.
    pub steps: Vec<StepRecord>,
}

impl SagaRecord {
    /// A record without history, for a store to fill in.
    #[must_use]
    pub fn new(id: SagaId, name: String, input: String, at: Timestamp) -> Self {
        Self {
            id,
            name,
            version: 1,
            key: None,
            input,
            status: Status::Running,
            parking: None,
            epoch: 1,
            interruptions: 0,
            pivoted: false,
            cancelled: false,
            output: None,
            error: None,
            failure: None,
            parent: None,
            started_at: at,
            updated_at: at,
            deadline: None,
            read_at: at,
            steps: Vec::new(),
        }
    }
}

/// One write to a saga. Everything that is set is written in one commit, or nothing is written if the
/// epoch is no longer the saga's.
#[derive(Debug, Clone, Default)]
pub struct Advance {
    /// The steps that have ended since the last write.
    pub steps: Vec<StepRecord>,
    /// Whether a pivot is among them: from this commit on the saga cannot be cancelled.
    pub pivots: bool,
    /// The position of a step that has now been undone.
    pub undone: Option<u32>,
    /// The new status of the saga.
    pub status: Option<Status>,
    /// Why the saga is parked, with [`Status::Parked`].
    pub parking: Option<Parking>,
    /// The result as JSON, with [`Status::Completed`].
    pub output: Option<String>,
    /// The cause, with [`Status::Compensating`], [`Status::Failed`] and [`Status::Parked`]. Cleared with [`Status::Completed`].
    pub error: Option<String>,
    /// The error of the function as JSON, if the error has a JSON form.
    pub failure: Option<String>,
    /// A dead letter about what an operator has to finish.
    pub dead_letter: Option<NewDeadLetter>,
    /// The open dead letters of this saga whose work is done with this write.
    pub settles: SettledLetters,
}

/// The open dead letters of a saga that a write settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SettledLetters {
    /// None.
    #[default]
    Nothing,
    /// The one about the step at this position, if there is one.
    Step(u32),
    /// All.
    All,
}

/// The answer to a write under an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The write is durable.
    Yes {
        /// Whether a cancellation was requested on which the saga has not acted yet: see [`Journal::cancel`](super::Journal::cancel).
        cancelled: bool,
    },
    /// Nothing was written, because the saga has another owner, under a newer epoch.
    Superseded,
}

impl Written {
    /// The write is durable, and no cancellation was requested.
    pub const YES: Self = Self::Yes { cancelled: false };
}

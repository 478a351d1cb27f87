//! What is written down of a saga.

use std::time::Duration;

use serde::Serialize;

use super::{Parking, SagaId, Status};
use crate::dlq::NewDeadLetter;
use crate::idempotency::key::SagaKey;
use crate::key::Digest;
use crate::timestamp::Timestamp;
use crate::words::words;

/// A saga that begins.
#[derive(Debug, Clone)]
pub struct NewSaga {
    /// Its identity.
    pub id: SagaId,
    /// Whether its author chose the identity: another saga that has it already is the answer then, and not an error.
    pub given: bool,
    /// The name that its function is registered under.
    pub name: String,
    /// The version that its function is registered under; 1 where the author gave none.
    pub version: u32,
    /// Set under `#[idempotent]`: at most one saga that still [`answers`](SagaRecord) for it has its
    /// digest. See [`Journal::start`](super::Journal::start) for what its `ttl` does.
    pub key: Option<SagaKey>,
    /// The arguments, as a JSON object.
    pub input: String,
    /// How long it may run, from now on by the clock of the store, before it is undone.
    pub timeout: Option<Duration>,
    /// The saga that calls it, if one does: it is kept for as long as that one.
    pub parent: Option<SagaId>,
    /// Tells this start from every other one: made again, because its answer was lost, it finds what it has written and is
    /// [`Started::New`].
    pub nonce: u128,
}

/// The answer to [`Journal::start`](super::Journal::start).
#[derive(Debug)]
pub enum Started {
    /// The saga is in the journal, with epoch 1, owned by this process, since this moment.
    New(Timestamp),
    /// A saga with this id or key is at an end, or dead: this is how. With a key a completed one counts for less than
    /// the `ttl`, and one that is over otherwise not at all; with an id each does.
    Ended(SagaRecord),
    /// A saga with this id or key is unfinished and its process is gone; it is this process's now, under
    /// the epoch in the record.
    TakenOver(SagaRecord),
    /// A saga with this id or key is being worked on, by this process or another live one.
    Busy(SagaId),
}

/// How a step came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It returned a value: the output.
    Done,
    /// It returned an error that has a JSON form: the output. It is no work to undo, and answers the same when the body is
    /// run again.
    Failed,
    /// It was cut off, or failed and may have had its effect: there is no output. It is undone like a step that is done,
    /// and run again when the body is.
    InDoubt,
}

words!(StepOutcome: Done = "done", Failed = "failed", InDoubt = "in_doubt");

/// A step that came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepRecord {
    /// The order in which steps came out, from 0. Compensation goes backwards.
    pub position: u32,
    /// The name that the step is registered under. Names that begin with `saga::` are not functions of the author's: the
    /// helpers (`saga::now`, `saga::sleep`), and `saga::call <name>` for a saga that the body called.
    pub step: String,
    /// How many steps of this name the saga had begun before this one.
    pub occurrence: u32,
    /// The arguments without `#[state]`, as a JSON object: the compensation gets them too.
    pub arguments: String,
    /// How it came out.
    pub outcome: StepOutcome,
    /// The value or the error as JSON; `None` for a step in doubt.
    pub output: Option<String>,
    /// The path of the function that undoes it, for people. `None`: there is nothing to undo.
    pub compensation: Option<String>,
    /// Whether its compensation is done.
    pub undone: bool,
    /// When it was written, by the store's clock; `None` until it was read back.
    pub written_at: Option<Timestamp>,
}

/// A saga with its steps, in the order in which they came out.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SagaRecord {
    /// Its identity.
    pub id: SagaId,
    /// The name that its function is registered under.
    pub name: String,
    /// The version that its function is registered under.
    pub version: u32,
    /// The idempotency key that it runs under, or ran under until the key was given to a later
    /// saga.
    #[serde(skip)]
    pub key: Option<Digest>,
    /// The arguments, as a JSON object.
    pub input: String,
    /// Where it stands.
    pub status: Status,
    /// Why it is [`Status::Parked`].
    pub parking: Option<Parking>,
    /// Counts the owners. A write under an older epoch is refused.
    pub epoch: i64,
    /// How often in a row it was taken over from a process that was gone without getting any further in between.
    pub interruptions: u32,
    /// Whether it has gone past a pivot: there is no way back.
    pub pivoted: bool,
    /// Whether somebody asked to cancel it.
    pub cancelled: bool,
    /// The result as JSON, once [`Status::Completed`].
    pub output: Option<String>,
    /// Why it has to be undone, once decided, or is parked.
    pub error: Option<String>,
    /// The error of its function as JSON, where it has a JSON form.
    pub failure: Option<String>,
    /// The saga that called it.
    pub parent: Option<SagaId>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it last changed its status or its owner: for one that is over, when it ended.
    pub updated_at: Timestamp,
    /// By when it must have ended, or is undone.
    pub deadline: Option<Timestamp>,
    /// When this was read. All moments of a record are by the clock of the store.
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

/// One write: whatever is set happens in one commit, or, when the epoch is not the saga's any
/// more, nothing does.
#[derive(Debug, Clone, Default)]
pub struct Advance {
    /// Steps that came out since the last write.
    pub steps: Vec<StepRecord>,
    /// A pivot is among them: from this commit on the saga cannot be cancelled.
    pub pivots: bool,
    /// The position of a step that is undone now.
    pub undone: Option<u32>,
    /// Where the saga stands now.
    pub status: Option<Status>,
    /// Why, with [`Status::Parked`].
    pub parking: Option<Parking>,
    /// The result as JSON, with [`Status::Completed`].
    pub output: Option<String>,
    /// Why, with [`Status::Compensating`], [`Status::Failed`] and [`Status::Parked`]. Cleared with [`Status::Completed`].
    pub error: Option<String>,
    /// The error of the function as JSON, where it has a JSON form.
    pub failure: Option<String>,
    /// What an operator has to finish.
    pub dead_letter: Option<NewDeadLetter>,
    /// Open dead letters of this saga whose work is done by this write.
    pub settles: SettledLetters,
}

/// Which open dead letters of a saga a write settles.
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
    /// It is durable. `cancelled`: somebody has asked to cancel the saga, which it does not yet act upon.
    Yes {
        /// See [`Journal::cancel`](super::Journal::cancel).
        cancelled: bool,
    },
    /// Nothing was written: another owner has the saga, under a newer epoch.
    Superseded,
}

impl Written {
    /// It is durable, and nobody has asked to cancel the saga.
    pub const YES: Self = Self::Yes { cancelled: false };
}

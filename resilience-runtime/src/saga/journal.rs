//! What a saga writes down, and the store that it writes to.
//!
//! Three kinds of record: the saga, its finished steps, and, when something could not be undone, a
//! dead letter. A saga of `k` steps costs `k + 1` durable writes: the start, each step before the
//! next one begins, and the end together with the last step.

use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::dlq::NewDeadLetter;
use crate::error::StoreError;
use crate::idempotency::key::SagaKey;
use crate::key::Digest;

pub use super::id::SagaId;

/// Where a saga stands.
///
/// ```text
///             every step done
///   Running ───────────────────▶ Completed
///      │
///      │ a step failed: the decision to undo, durable and final
///      ▼
///   Compensating ──────────────▶ Compensated
///      │    ▲       all undone
///      │    │ an operator retries
///      ▼    │
///     Dead ─┴──────────────────▶ Compensated
///                an operator resolves
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Steps are being taken.
    Running,
    /// The decision to undo is made; finished steps are being undone, newest first.
    Compensating,
    /// Every step is done.
    Completed,
    /// Every step that was done is undone.
    Compensated,
    /// Something could not be undone, or the journal does not match the code: a dead letter waits
    /// for an operator.
    Dead,
}

/// What can happen to a saga as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The saga function returned `Ok`.
    Succeeded,
    /// The saga function returned `Err`, panicked or does not match its journal.
    Failed,
    /// The last step that had to be undone is undone.
    Undone,
    /// A compensation failed for good.
    Stuck,
    /// An operator asked to try the compensation again.
    Retried,
    /// An operator settled the rest by hand.
    Resolved,
}

impl Status {
    /// The status after `event`, or `None` where `event` cannot happen. The one place that decides
    /// it, for a saga that is running and for one that is recovered.
    #[must_use]
    pub fn after(self, event: Event) -> Option<Self> {
        match (self, event) {
            (Self::Running, Event::Succeeded) => Some(Self::Completed),
            (Self::Running, Event::Failed) => Some(Self::Compensating),
            (Self::Running | Self::Compensating, Event::Stuck) => Some(Self::Dead),
            (Self::Compensating, Event::Undone) => Some(Self::Compensated),
            (Self::Dead, Event::Retried) => Some(Self::Compensating),
            (Self::Dead, Event::Resolved) => Some(Self::Compensated),
            _ => None,
        }
    }

    /// Whether somebody still has to work on the saga.
    #[must_use]
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Running | Self::Compensating)
    }

    /// As the stores spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::Dead => "dead",
        }
    }

    /// What a store read back, or `None` for a word that no version of this crate has written.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [
            Self::Running,
            Self::Compensating,
            Self::Completed,
            Self::Compensated,
            Self::Dead,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }
}

/// A saga that begins.
#[derive(Debug, Clone)]
pub struct NewSaga {
    /// Its identity.
    pub id: SagaId,
    /// The name that its function is registered under.
    pub name: String,
    /// Set under `#[idempotent]`: at most one saga that is not [`Status::Compensated`] has its
    /// digest. See [`Journal::start`] for what its `ttl` does.
    pub key: Option<SagaKey>,
    /// The arguments, as a JSON object.
    pub input: String,
}

/// The answer to [`Journal::start`].
#[derive(Debug)]
pub enum Started {
    /// The saga is in the journal, with epoch 1, owned by this process.
    New,
    /// A saga with this key is [`Status::Dead`], or [`Status::Completed`] for less than the `ttl`:
    /// this is how it ended.
    Ended(SagaRecord),
    /// A saga with this key is unfinished and its process is gone; it is this process's now, under
    /// the epoch in the record.
    TakenOver(SagaRecord),
    /// A saga with this key is being worked on, by this process or another live one.
    Busy(SagaId),
}

/// A finished step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// The order in which steps finished, from 0. Compensation goes backwards.
    pub position: u32,
    /// The name that the step is registered under.
    pub step: String,
    /// How many steps of this name the saga had begun before this one.
    pub occurrence: u32,
    /// The arguments without `#[state]`, as a JSON object: the compensation gets them too.
    pub arguments: String,
    /// The output as JSON; `None` for a step that failed and may have had its effect.
    pub output: Option<String>,
    /// Whether its compensation is done.
    pub undone: bool,
}

/// A saga with its finished steps, in the order in which they finished.
#[derive(Debug, Clone)]
pub struct SagaRecord {
    /// Its identity.
    pub id: SagaId,
    /// The name that its function is registered under.
    pub name: String,
    /// The idempotency key that it runs under, or ran under until the key was given to a later
    /// saga.
    pub key: Option<Digest>,
    /// The arguments, as a JSON object.
    pub input: String,
    /// Where it stands.
    pub status: Status,
    /// Counts the owners. A write under an older epoch is refused.
    pub epoch: i64,
    /// The result as JSON, once [`Status::Completed`].
    pub output: Option<String>,
    /// Why it has to be undone, once decided.
    pub error: Option<String>,
    /// The finished steps.
    pub steps: Vec<StepRecord>,
}

/// One write: whatever is set happens in one commit, or, when the epoch is not the saga's any
/// more, nothing does.
#[derive(Debug, Clone, Default)]
pub struct Advance {
    /// Steps that finished (or failed in doubt) since the last write.
    pub steps: Vec<StepRecord>,
    /// The position of a step that is undone now.
    pub undone: Option<u32>,
    /// Where the saga stands now.
    pub status: Option<Status>,
    /// The result as JSON, with [`Status::Completed`].
    pub output: Option<String>,
    /// Why, with [`Status::Compensating`] and [`Status::Dead`].
    pub error: Option<String>,
    /// What an operator has to finish, with [`Status::Dead`].
    pub dead_letter: Option<NewDeadLetter>,
    /// The open dead letter of this saga is settled by this write.
    pub settles_dead_letter: bool,
}

/// The answer to a write under an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is durable.
    Yes,
    /// Nothing was written: another owner has the saga, under a newer epoch.
    Superseded,
}

/// The store of the saga journal.
///
/// Every method is all or nothing, and durable when it answers `Ok`. A dropped future does not
/// undo a write that was handed over. A process that is killed leaves its sagas to
/// [`Journal::take_over`] of another one, or of itself after a restart.
///
/// Every unfinished saga has an owner, the process that started it or took it over last. How a store
/// sees that an owner is gone is its own affair: it must never take a saga from a live one, nor
/// from the process that asks. Whoever becomes the owner raises the epoch by one.
///
/// An error says by [`StoreError::effect`] whether the write may have happened. A write in doubt is
/// looked for with [`Journal::load`], and made again if it is not there. Ends are seen by other
/// processes with [`Journal::load`] too, which waiting callers repeat every 500 ms at most.
pub trait Journal: Send + Sync {
    /// Writes a new saga, or finds the one that has its key.
    ///
    /// A saga that was completed and ended `ttl` ago or longer, by the store's clock and with the
    /// `ttl` of the *new* saga's key, does not count: it loses its key in the commit that writes
    /// the new one, and is kept otherwise as it is. A saga that is dead keeps its key whatever its
    /// age, and so does one that is unfinished.
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>>;

    /// Writes what happened to `saga`, if `epoch` is still its epoch: all of `advance`, or, where the
    /// saga has another epoch or does not exist, nothing and [`Written::Superseded`].
    ///
    /// What is `None` leaves what is there. The status is written as it is given;
    /// [`Status::after`] was asked before. A step with the position, name and occurrence of one that
    /// is there is the same write made again; another step at that position is an error, and then
    /// nothing is written. A saga has at most one open dead letter: a new one replaces it, and
    /// takes its attempts along if kind, operation and arguments are the same.
    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>>;

    /// Takes up to `limit` unfinished sagas whose owner is gone, each under a new epoch, with their
    /// steps; oldest first. Sagas whose name is not in `known` are left for a process that knows
    /// them. Rows that cannot be read are left and reported, and do not stop the others. Nothing
    /// left is an empty answer: the caller asks until it gets one, and again five seconds later.
    fn take_over(
        &self,
        known: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>>;

    /// Takes `saga` out of [`Status::Dead`] into [`Status::Compensating`] under a new epoch; `None`
    /// when it is not dead, or another operator was first. Its open dead letter stays open until
    /// an [`Advance`] settles or replaces it.
    fn revive(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>>;

    /// The saga with its steps, or `None`.
    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>>;

    /// How many sagas there are in each status.
    fn counts(&self) -> BoxFuture<'_, Result<Vec<(Status, u64)>, StoreError>>;
}

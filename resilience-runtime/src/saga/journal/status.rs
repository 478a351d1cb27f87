//! Where a saga stands, and what can happen to it.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// Where a saga stands.
///
/// ```text
///              every step done
///   Running ────────────────────▶ Completed
///    │  │ ▲                        │ the saga that called it is undone
///    │  │ │ retried, or            ▼
///    │  │ │ compatible code    Compensating ──────────▶ Compensated
///    │  ▼ │                     ▲  │     ▲  all undone
///    │ Parked ──────────────────┘  │     │ retried
///    │       undone by an operator ▼     │
///    │                    CompensationFailed
///    │ a step failed: the decision to undo, durable and final
///    ├──▶ Compensating
///    └──▶ Failed          where there was nothing to undo
///
///   Parked, CompensationFailed ──▶ Resolved: an operator says that it is settled
/// ```
///
/// These are all: another one would change what every store and every reader of a journal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Steps are being taken.
    Running,
    /// The decision to undo is made; finished steps are being undone, newest first.
    Compensating,
    /// Every step is done.
    Completed,
    /// It failed, and every step that was done is undone.
    Compensated,
    /// It failed before there was anything to undo.
    Failed,
    /// A step could not be undone: a dead letter waits for an operator.
    CompensationFailed,
    /// It cannot go on, and nothing is decided: see [`Parking`]. A dead letter waits for an operator.
    Parked,
    /// An operator has closed its dead letters: what was left was done by hand, or is given up.
    Resolved,
}

/// Why a saga is [`Status::Parked`]. There may be more reasons in a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Parking {
    /// The journal and the code differ. It is tried again, without effects before the journal has been replayed,
    /// by every process that is started later.
    Mismatch,
    /// It was interrupted again and again without getting any further: it may be what kills its processes.
    Poison,
    /// There is no way back, behind a pivot or from a `retriable` step, and going forward failed too often.
    Stuck,
}

/// What can happen to a saga as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The saga function returned `Ok`.
    Succeeded,
    /// The saga failed, was cancelled or ran out of time, and there is something to undo.
    Failed,
    /// The same, and there is nothing to undo.
    FailedEmpty,
    /// The last step that had to be undone is undone.
    Undone,
    /// A compensation failed for good.
    CompensationFailed,
    /// It cannot go on, and nothing is decided.
    Parked,
    /// Somebody asked to go on with it, forward.
    Resumed,
    /// Somebody asked to undo it, or to go on undoing it.
    Compensate,
    /// An operator settled the rest by hand, or gave it up.
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
            (Self::Running, Event::FailedEmpty) => Some(Self::Failed),
            (Self::Running, Event::Parked) => Some(Self::Parked),
            (Self::Compensating, Event::Undone) => Some(Self::Compensated),
            (Self::Compensating, Event::CompensationFailed) => Some(Self::CompensationFailed),
            (Self::Parked, Event::Resumed) => Some(Self::Running),
            // A saga that another one called is completed first and undone with its caller.
            (Self::Completed | Self::Parked | Self::CompensationFailed, Event::Compensate) => {
                Some(Self::Compensating)
            }
            (Self::Parked | Self::CompensationFailed, Event::Resolved) => Some(Self::Resolved),
            _ => None,
        }
    }

    /// Whether somebody still has to work on the saga.
    #[must_use]
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Running | Self::Compensating)
    }

    /// Whether it waits for an operator.
    #[must_use]
    pub fn is_dead(self) -> bool {
        matches!(self, Self::CompensationFailed | Self::Parked)
    }

    /// Whether it is over: nothing will happen to it any more. (A completed saga that another one called can still be
    /// undone, while that one is not over.)
    #[must_use]
    pub fn is_over(self) -> bool {
        !self.is_unfinished() && !self.is_dead()
    }
}

words!(Status: Running = "running", Compensating = "compensating", Completed = "completed",
    Compensated = "compensated", Failed = "failed", CompensationFailed = "compensation_failed",
    Parked = "parked", Resolved = "resolved");
words!(Parking: Mismatch = "mismatch", Poison = "poison", Stuck = "stuck");

//! The status of a saga, and what can happen to it.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// The status of a saga.
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
/// Later versions may have more statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// Its steps are being run.
    Running,
    /// The decision to undo it has been made, and its finished steps are being undone, newest first.
    Compensating,
    /// Every step is done.
    Completed,
    /// It failed, and every step that was done has been undone.
    Compensated,
    /// It failed before there was anything to undo.
    Failed,
    /// A step could not be undone: a dead letter waits for an operator.
    CompensationFailed,
    /// It cannot go on, and whether it will complete or be undone is still open: see [`Parking`]. A dead letter waits for an
    /// operator.
    Parked,
    /// An operator has closed its dead letters: what was left to do was done by hand, or given up.
    Resolved,
}

/// Why a saga is [`Status::Parked`]. Later versions may have more reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Parking {
    /// The journal and the code do not match. Every process that is started later tries it again, and has no effects before
    /// it has replayed the journal.
    Mismatch,
    /// It was interrupted again and again without making progress, so it may be what kills its processes.
    Poison,
    /// It can only go forward, because of a pivot or a `retriable` step, and failed too often.
    Stuck,
    /// An operator has parked it, because no process runs it. No process resumes it by itself.
    Operator,
}

/// What can happen to a saga as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The saga function returned `Ok`.
    Succeeded,
    /// The saga failed, was cancelled or ran out of time, and there is something to undo.
    Failed,
    /// The saga failed, was cancelled or ran out of time, and there is nothing to undo.
    FailedEmpty,
    /// The last step that had to be undone has been undone.
    Undone,
    /// A compensation failed for good.
    CompensationFailed,
    /// It cannot go on, and whether it will complete or be undone is still open.
    Parked,
    /// Somebody asked for it to continue forward.
    Resumed,
    /// Somebody asked for it to be undone, or for its undoing to continue.
    Compensate,
    /// An operator did the rest by hand, or gave it up.
    Resolved,
}

impl Status {
    /// The status after `event`, or `None` if `event` cannot happen in this status. Every transition is decided here, for
    /// running and for recovered sagas.
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

    /// Whether the saga waits for an operator.
    #[must_use]
    pub fn is_dead(self) -> bool {
        matches!(self, Self::CompensationFailed | Self::Parked)
    }

    /// Whether the saga is over, so that nothing will happen to it any more. (A completed saga that another one called can
    /// still be undone as long as its caller is not over.)
    #[must_use]
    pub fn is_over(self) -> bool {
        !self.is_unfinished() && !self.is_dead()
    }
}

words!(Status: Running = "running", Compensating = "compensating", Completed = "completed",
    Compensated = "compensated", Failed = "failed", CompensationFailed = "compensation_failed",
    Parked = "parked", Resolved = "resolved");
words!(Parking: Mismatch = "mismatch", Poison = "poison", Stuck = "stuck",
    Operator = "operator");

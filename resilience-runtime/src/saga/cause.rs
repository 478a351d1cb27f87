//! Why a saga is undone, where it is not the error of its body, in the words of the journal.

use std::time::Duration;

use super::execution::{Execution, Halt};
use super::journal::SagaRecord;

/// Why the body of a saga is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Somebody asked to cancel it.
    Cancelled,
    /// It had this long, and did not end within.
    TimedOut(Duration),
    /// Its process was gone, and its author wants it undone then.
    Interrupted,
}

const CANCELLED: &str = "it was cancelled";
const TIMED_OUT: &str = "it did not end within ";
const INTERRUPTED: &str = "its process was gone (`recover = compensate`)";

impl Cut {
    /// Why a run takes no more steps.
    pub(super) fn by(halt: Halt, execution: &Execution) -> Self {
        match halt {
            Halt::Cancelled => Self::Cancelled,
            Halt::TimedOut => Self::TimedOut(execution.options.timeout.unwrap_or_default()),
            Halt::Interrupted => Self::Interrupted,
        }
    }

    /// What of it applies to a saga that is running, by what the journal says: its pivots are asked by the caller.
    pub(super) fn due(record: &SagaRecord) -> Option<Self> {
        if record.cancelled {
            return Some(Self::Cancelled);
        }
        let deadline = record.deadline?;
        (record.read_at >= deadline).then(|| Self::TimedOut(deadline.since(record.started_at)))
    }

    /// The cause, as the journal has it.
    pub(super) fn words(self) -> String {
        match self {
            Self::Cancelled => CANCELLED.to_owned(),
            Self::TimedOut(after) => format!("{TIMED_OUT}{after:?}"),
            Self::Interrupted => INTERRUPTED.to_owned(),
        }
    }

    /// Why a saga that is over was cut off, if it was.
    pub(super) fn of(record: &SagaRecord) -> Option<Self> {
        let error = record.error.as_deref().unwrap_or_default();
        if record.failure.is_some() {
            return None;
        }
        if error == CANCELLED && record.cancelled {
            return Some(Self::Cancelled);
        }
        let deadline = record.deadline?;
        error
            .starts_with(TIMED_OUT)
            .then(|| Self::TimedOut(deadline.since(record.started_at)))
    }
}

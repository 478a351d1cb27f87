//! Why a saga is undone, where it is not the error of its body, in the words of the journal.

use super::execution::Halt;
use super::journal::SagaRecord;

const CANCELLED: &str = "it was cancelled";
const TIMED_OUT: &str = "it was not done within its timeout";

impl Halt {
    /// What the journal says of it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Cancelled => CANCELLED,
            Self::TimedOut => TIMED_OUT,
        }
    }

    /// Why a saga that is over was cut off, if it was.
    pub(super) fn of(record: &SagaRecord) -> Option<Self> {
        if record.failure.is_some() {
            return None;
        }
        match record.error.as_deref()? {
            CANCELLED if record.cancelled => Some(Self::Cancelled),
            TIMED_OUT if record.deadline.is_some() => Some(Self::TimedOut),
            _ => None,
        }
    }
}

//! Parking a saga because an operator says so.

use super::{Advance, Event, Parking, Status};
use crate::dlq::{DeadLetterId, NewDeadLetter};

/// What is written when an operator parks a saga, and as what the saga was looked at.
#[derive(Debug, Clone)]
pub struct Park {
    /// The epoch of the saga.
    pub epoch: i64,
    /// The status of the saga, an unfinished one.
    pub status: Status,
    /// Why it is parked, for people. It becomes the error of a saga that was running. One that was being undone keeps the
    /// reason why.
    pub reason: String,
    /// The dead letter; `None` if the saga has an unresolved one that says what is left to do.
    pub dead_letter: Option<NewDeadLetter>,
}

impl Park {
    /// The write that parks a saga in this status, which is an unfinished one. A saga that was being undone must be undone, and is
    /// parked as one that could not be.
    #[must_use]
    pub fn advance(self) -> Advance {
        let (event, parking, error) = match self.status {
            Status::Running => (Event::Parked, Some(Parking::Operator), Some(self.reason)),
            _ => (Event::CompensationFailed, None, None),
        };
        Advance {
            status: self.status.after(event),
            parking,
            error,
            dead_letter: self.dead_letter,
            ..Advance::default()
        }
    }
}

/// The outcome of a request to park a saga. Later versions may have more outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParkOutcome {
    /// The saga is parked, and this dead letter says what is left to do.
    Parked(DeadLetterId),
    /// A live process has the saga, so nothing was done: cancel the saga instead. With the name under which the store knows the
    /// process, if it has one.
    Owned(Option<String>),
    /// The saga has this status: it is over, or it waits for an operator already.
    NotUnfinished(Status),
    /// There is no saga with this id.
    NotFound,
}

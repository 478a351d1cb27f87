//! Parking a saga by hand.

use super::{Advance, Event, Parking, Status};
use crate::dlq::{DeadLetterId, NewDeadLetter};

/// The write that parks a saga by hand, and how the saga was when it was read: the write is made only if it still is so.
#[derive(Debug, Clone)]
pub struct Park {
    /// The epoch of the saga.
    pub epoch: i64,
    /// The status of the saga, an unfinished one.
    pub status: Status,
    /// Why it is parked, for people. It becomes the error of a saga that was running. A saga that was being undone keeps the
    /// error for which it is undone.
    pub reason: String,
    /// The dead letter; `None` if the saga has an unresolved one, which says what is left to do.
    pub dead_letter: Option<NewDeadLetter>,
}

impl Park {
    /// The write. A saga that was being undone still has to be undone: it becomes one that could not be.
    #[must_use]
    pub fn advance(self) -> Advance {
        let (parking, error) = match self.status {
            Status::Running => (Some(Parking::Operator), Some(self.reason)),
            _ => (None, None),
        };
        Advance {
            status: Self::status_after(self.status),
            parking,
            error,
            dead_letter: self.dead_letter,
            ..Advance::default()
        }
    }

    /// What a saga in this status becomes; `None` if it is not an unfinished one.
    pub(crate) fn status_after(status: Status) -> Option<Status> {
        status.after(match status {
            Status::Running => Event::Parked,
            _ => Event::CompensationFailed,
        })
    }
}

/// The outcome of a request to park a saga. Later versions may have more outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParkOutcome {
    /// The saga is parked, and this dead letter says what is left to do.
    Parked(DeadLetterId),
    /// A live process has the saga, so nothing was done: cancel the saga instead. With the id of the process in the store, if it
    /// has one.
    Owned(Option<String>),
    /// The saga has this status: it is over, or it waits for an operator already.
    NotUnfinished(Status),
    /// There is no saga with this id.
    NotFound,
}

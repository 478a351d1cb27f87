//! What a saga came to, as the journal has it, told to those who ask for it later.

use std::fmt;

use super::cause::Cut;
use super::journal::{Parking, SagaRecord, Status};
use crate::core::Core;
use crate::dlq::{self, DeadLetterStatus, LetterFilter};
use crate::error::Error;
use crate::outcome::{Answer, Function, Kept, Origin, Refusal, Stored};

/// What a saga came to.
pub(super) enum Ended {
    /// Its result, as JSON.
    Completed(String),
    /// Its own error, as JSON; and what is told where that cannot be read.
    Failed(String, Error),
    /// An error about it.
    Refused(Error),
}

/// How the answer of a saga function is told in its types.
pub(super) struct Types<T, E> {
    pub(super) function: Function<Result<T, E>>,
    pub(super) stored: Stored<T>,
    pub(super) kept: Kept<E>,
}

impl<T, E> Clone for Types<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for Types<T, E> {}

impl<T, E> fmt::Debug for Types<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Types").finish_non_exhaustive()
    }
}

impl<T, E> Types<T, E> {
    /// The answer of a saga that ended before, or elsewhere.
    pub(super) fn answer(&self, ended: Ended) -> Answer<T, E> {
        match ended {
            Ended::Completed(output) => self.output(&output),
            Ended::Failed(failure, otherwise) => {
                let forms = self.kept.0.as_ref();
                match forms.and_then(|forms| (forms.decode)(&failure).ok()) {
                    Some(error) => Answer {
                        result: Err(error),
                        origin: Origin::RECORD,
                    },
                    None => self.refused(otherwise),
                }
            }
            Ended::Refused(error) => self.refused(error),
        }
    }

    fn output(&self, output: &str) -> Answer<T, E> {
        match (self.stored.decode)(output) {
            Ok(value) => Answer {
                result: Ok(value),
                origin: Origin::RECORD,
            },
            Err(source) => self.refused(Error::Decode {
                function: self.function.name,
                what: "the result of the saga".to_owned(),
                source,
            }),
        }
    }

    pub(super) fn refused(&self, error: Error) -> Answer<T, E> {
        Answer::refused(error, Refusal::Final, &self.function)
    }
}

/// What `record`, which is over or waits for an operator, came to. `saga` is the name of its function.
pub(super) async fn ended(core: &Core, saga: &'static str, record: SagaRecord) -> Ended {
    let id = record.id.to_string();
    let compensated = record.status == Status::Compensated;
    let cause = || record.error.clone().unwrap_or_default();
    let failed = |cause| Error::SagaFailed {
        saga,
        id: id.clone(),
        cause,
        compensated,
    };
    let error = match record.status {
        Status::Completed => {
            return Ended::Completed(record.output.unwrap_or_else(|| "null".to_owned()));
        }
        Status::CompensationFailed => stuck(core, saga, &record).await,
        Status::Parked => {
            let reason = record.parking.unwrap_or(Parking::Mismatch);
            let dead_letter = dlq::name_of(&*core.stores.queue, &record.id).await;
            Error::SagaParked {
                saga,
                id,
                reason,
                cause: cause(),
                dead_letter,
            }
        }
        Status::Resolved => failed(format!(
            "{}; an operator has settled what was left",
            cause()
        )),
        // Not reached by one that is unfinished.
        Status::Compensated | Status::Failed | Status::Running | Status::Compensating => {
            match (Cut::of(&record), record.failure) {
                (Some(cut), _) => cut_off(cut, saga, id, compensated),
                (None, Some(failure)) => {
                    return Ended::Failed(failure, failed(record.error.unwrap_or_default()));
                }
                (None, None) => failed(cause()),
            }
        }
    };
    Ended::Refused(error)
}

/// The error of a saga that was cut off.
pub(super) fn cut_off(cut: Cut, saga: &'static str, id: String, compensated: bool) -> Error {
    match cut {
        Cut::Cancelled => Error::SagaCancelled {
            saga,
            id,
            compensated,
        },
        Cut::TimedOut(after) => Error::SagaTimedOut {
            saga,
            id,
            after,
            compensated,
        },
        Cut::Interrupted => Error::SagaFailed {
            saga,
            id,
            cause: cut.words(),
            compensated,
        },
    }
}

/// The error of a saga that could not be undone.
pub(super) async fn stuck(core: &Core, saga: &'static str, record: &SagaRecord) -> Error {
    let filter = LetterFilter {
        statuses: vec![DeadLetterStatus::Open, DeadLetterStatus::Retrying],
        saga: Some(record.id.clone()),
        ..LetterFilter::default()
    };
    let (step, dead_letter) = match core.stores.queue.list(filter, None, 1).await.as_deref() {
        Ok([letter, ..]) => (letter.work.operation.clone(), letter.id.to_string()),
        _ => ("?".to_owned(), format!("of saga {}", record.id)),
    };
    Error::CompensationFailed {
        saga,
        id: record.id.to_string(),
        step,
        cause: record.error.clone().unwrap_or_default(),
        dead_letter,
    }
}

/// The name of the function of a saga, as this program has it.
pub(super) fn name(core: &Core, record: &SagaRecord) -> &'static str {
    let same = core.catalog.saga(&record.name, record.version);
    let other = || {
        let mut names = core.catalog.sagas.keys();
        names.find_map(|(name, _)| (*name == record.name).then_some(*name))
    };
    let name = same.map(|entry| entry.saga.name).or_else(other);
    name.unwrap_or("(not in this program)")
}

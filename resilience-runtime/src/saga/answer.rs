//! What a saga came to, as the journal has it, told to those who ask for it later.

use super::cause::Cut;
use super::codec::Codec;
use super::journal::{Parking, SagaRecord, Status};
use crate::core::Core;
use crate::dlq::{self, DeadLetterFilter};
use crate::error::Error;
use crate::outcome::Answer;

/// What a saga came to.
pub(super) enum Ended {
    /// Its result, as JSON.
    Completed(String),
    /// Its own error, as JSON; and what is told where that cannot be read.
    Failed(String, Error),
    /// An error about it.
    Refused(Error),
}

impl<T, E> Codec<T, E> {
    /// The answer of a saga that ended before, or elsewhere.
    pub(super) fn answer(&self, ended: Ended) -> Answer<T, E> {
        match ended {
            Ended::Completed(output) => match self.decode_output(&output) {
                Ok(value) => self.recorded(Ok(value)),
                Err(source) => self.refused(Error::Decode {
                    function: self.function.name,
                    what: "the result of the saga".to_owned(),
                    source,
                }),
            },
            Ended::Failed(failure, otherwise) => match self.decode_error(&failure) {
                Some(Ok(error)) => self.recorded(Err(error)),
                Some(Err(_)) | None => self.refused(otherwise),
            },
            Ended::Refused(error) => self.refused(error),
        }
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
async fn stuck(core: &Core, saga: &'static str, record: &SagaRecord) -> Error {
    let queue = &*core.stores.queue;
    let letter = dlq::first_of(queue, &record.id, DeadLetterFilter::unresolved()).await;
    let (step, dead_letter) = match letter {
        Ok(Some(letter)) => (letter.work.operation, letter.id.to_string()),
        Ok(None) | Err(_) => ("?".to_owned(), format!("of saga {}", record.id)),
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

//! Waiting for what a request comes to.

use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterFilter, DeadLetterId, DeadLetterStatus};
use resilience_runtime::error::StoreError;
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{SagaId, SagaRecord, Status};
use tokio::time::{Instant, sleep};

use crate::failure::{Failure, FailureKind};

const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LONGEST: Duration = Duration::from_secs(1);

/// What became of it.
pub(crate) enum Ended {
    Done,
    FailedAgain(String),
    /// Somebody closed the letter by hand.
    Closed(DeadLetterStatus),
    /// Not yet: nobody has taken it up.
    NotTaken,
    /// Not yet: somebody works on it.
    UnderWay,
}

/// Waits until a letter for which a retry is requested has come to something.
pub(crate) async fn letter(
    runtime: &Runtime,
    id: DeadLetterId,
    timeout: Duration,
) -> Result<Ended, StoreError> {
    let waits = |ended: &Ended| matches!(ended, Ended::NotTaken | Ended::UnderWay);
    until(timeout, waits, async || look(runtime, id).await).await
}

/// Waits until a saga is at an end, or dead.
pub(crate) async fn saga(
    runtime: &Runtime,
    id: &SagaId,
    timeout: Duration,
) -> Result<Option<SagaRecord>, StoreError> {
    let waits =
        |record: &Option<SagaRecord>| record.as_ref().is_some_and(|it| it.status.is_unfinished());
    until(timeout, waits, async || runtime.sagas().get(id).await).await
}

/// Looks again as long as what is found `waits`, and answers with what was found last.
async fn until<T>(
    timeout: Duration,
    waits: impl Fn(&T) -> bool,
    mut look: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // None, where it is later than a clock can tell.
    let give_up = Instant::now().checked_add(timeout);
    let mut pause = PAUSE_FIRST;
    loop {
        let found = look().await?;
        if !waits(&found) || give_up.is_some_and(|at| Instant::now() >= at) {
            return Ok(found);
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_LONGEST);
    }
}

/// The letter is read before its saga: one that is open was taken up before, so that a saga that is dead after it is dead
/// again.
async fn look(runtime: &Runtime, id: DeadLetterId) -> Result<Ended, StoreError> {
    let Some(letter) = runtime.dead_letters().get(id).await? else {
        // Deleted with a saga that is over.
        return Ok(Ended::Done);
    };
    let status = letter.status;
    if matches!(
        status,
        DeadLetterStatus::Resolved | DeadLetterStatus::Discarded
    ) {
        return Ok(Ended::Closed(status));
    }
    let Some(saga) = letter.saga else {
        return Ok(match status {
            DeadLetterStatus::Settled => Ended::Done,
            DeadLetterStatus::Open => Ended::FailedAgain(letter.work.error),
            _ => Ended::NotTaken,
        });
    };
    let record = runtime.sagas().get(&saga).await?;
    Ok(match record.map(|it| it.status) {
        Some(Status::Running | Status::Compensating) => Ended::UnderWay,
        Some(Status::Parked | Status::CompensationFailed) => match status {
            DeadLetterStatus::Retrying => Ended::NotTaken,
            _ => Ended::FailedAgain(last_error(runtime, saga, letter.work.error).await?),
        },
        // The saga may also be over because somebody has closed the letter since it was read.
        _ => match runtime.dead_letters().get(id).await?.map(|it| it.status) {
            Some(status @ (DeadLetterStatus::Resolved | DeadLetterStatus::Discarded)) => {
                Ended::Closed(status)
            }
            _ => Ended::Done,
        },
    })
}

/// The error of the saga's open letter, which may be another one than before.
async fn last_error(
    runtime: &Runtime,
    saga: SagaId,
    otherwise: String,
) -> Result<String, StoreError> {
    let open = DeadLetterFilter {
        saga: Some(saga),
        ..DeadLetterFilter::from(DeadLetterStatus::Open)
    };
    let letters = runtime.dead_letters().list(open, None, 1).await?;
    let letter = letters.into_iter().next();
    Ok(letter.map_or(otherwise, |it| it.work.error))
}

/// What is said of something that has not ended well; `what` is `letter 7`, `code` what a worker has to know.
pub(crate) fn failure(ended: &Ended, what: &str, code: &str, timeout: Duration) -> Option<Failure> {
    let (kind, message) = match ended {
        Ended::Done => return None,
        Ended::FailedAgain(error) => (FailureKind::Failed, format!("{what} failed again: {error}")),
        Ended::Closed(status) => (
            FailureKind::Conflict,
            format!("{what} was closed meanwhile: it is {}", status.as_str()),
        ),
        Ended::NotTaken => (
            FailureKind::Failed,
            format!(
                "nobody has taken up {what} within {}: no program that runs now seems to know {code}; the request stands, \
                 and is taken up when one is started",
                humantime::format_duration(timeout)
            ),
        ),
        Ended::UnderWay => (
            FailureKind::Failed,
            format!(
                "{what} is being worked on, and has not ended within {}; look at it again",
                humantime::format_duration(timeout)
            ),
        ),
    };
    Some(Failure::new(kind, message))
}

/// For programs.
pub(crate) fn word(ended: &Ended) -> &'static str {
    match ended {
        Ended::Done => "done",
        Ended::FailedAgain(_) => "failed_again",
        Ended::Closed(_) => "closed",
        Ended::NotTaken => "not_taken",
        Ended::UnderWay => "under_way",
    }
}

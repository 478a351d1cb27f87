//! Doing the work of one letter again, in this process.

use std::sync::Arc;
use std::time::Duration;

use super::{DeadLetter, DeadLetterError, DeadLetterId, DeadLetterStatus, RetryAs, first_of};
use crate::core::{Core, Permit};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::pauses::Pauses;
use crate::saga::journal::{Event, SagaId, SagaRecord, Status};
use crate::saga::recovery::work;
use crate::saga::{FinishOnDrop, revived};

/// The outcome of a retry. Later versions may have more outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryOutcome {
    /// The work is done, together with everything else that was left of its saga. The letter is settled.
    Settled,
    /// The work failed for good again. There is an open letter with this error.
    FailedAgain {
        /// The operation that failed, as in its letter: the step whose compensation failed (it need not be the same step as
        /// before), the saga, or the name of the handler.
        operation: String,
        /// The text of its error.
        error: String,
    },
}

/// How many works are taken at once.
const BATCH: u32 = 16;
/// Between two looks at work that another task or process has taken up.
const LOOKS: Pauses = Pauses::new(Duration::from_millis(50), Duration::from_secs(1));

pub(super) async fn retry(
    core: &Arc<Core>,
    id: DeadLetterId,
    how: RetryAs,
    by: Operator,
) -> Result<RetryOutcome, DeadLetterError> {
    let permit = core.enter().ok_or(DeadLetterError::ShuttingDown)?;
    let queue = &core.stores.queue;
    let letter = queue.get(id).await?.ok_or(DeadLetterError::NotFound(id))?;
    // A request that nobody has taken up is no hindrance: who is first does it.
    if !letter.status.is_unresolved() {
        return Err(DeadLetterError::NotOpen(id, letter.status));
    }
    let core = Arc::clone(core);
    match letter.saga.clone() {
        Some(saga) => FinishOnDrop::new(revive(core, permit, letter, saga, how, by)).await,
        None => FinishOnDrop::new(handle(core, permit, letter, by)).await,
    }
}

async fn revive(
    core: Arc<Core>,
    permit: Permit,
    letter: DeadLetter,
    saga: SagaId,
    how: RetryAs,
    by: Operator,
) -> Result<RetryOutcome, DeadLetterError> {
    let id = letter.id;
    let journal = &core.stores.journal;
    let found = journal.load(saga.clone()).await?;
    // By the status of the saga, not by the kind of the letter: the letter of a parked saga stays as it is when undoing fails.
    let event = match (found.as_ref().map(|record| record.status), how) {
        (Some(Status::Parked), RetryAs::Itself) => Event::Resumed,
        _ => Event::Compensate,
    };
    let missing = |record: &SagaRecord| revived::missing(&core, record, event);
    if let Some(missing) = found.as_ref().and_then(missing) {
        return Err(DeadLetterError::NoCode { id, missing });
    }
    let revived = journal.revive(saga.clone(), event, Some(by)).await?;
    let Some(record) = revived else {
        return Err(not_open(&core, id).await?);
    };
    tracing::info!(target: "resilience", letter = id, saga = record.name, saga_id = %saga, status = record.status.as_str(),
        "an operator retries a dead letter");
    revived::finish(&core, record, permit).await;
    match journal.load(saga.clone()).await? {
        Some(record) if record.status.is_unfinished() => Err(DeadLetterError::LeftBehind(id)),
        Some(record) if record.status.is_dead() => again(&core, record).await,
        // Or deleted since, which only happens to one that is over.
        _ => Ok(RetryOutcome::Settled),
    }
}

/// Why the store did nothing with the letter.
pub(super) async fn not_open(core: &Core, id: DeadLetterId) -> Result<DeadLetterError, StoreError> {
    let letter = core.stores.queue.get(id).await?;
    Ok(letter.map_or(DeadLetterError::NotFound(id), |letter| {
        DeadLetterError::NotOpen(id, letter.status)
    }))
}

/// Why the saga is dead again.
async fn again(core: &Core, record: SagaRecord) -> Result<RetryOutcome, DeadLetterError> {
    let open = first_of(&*core.stores.queue, &record.id, DeadLetterStatus::Open).await?;
    Ok(match open {
        Some(letter) => RetryOutcome::FailedAgain {
            operation: letter.work.operation,
            error: letter.work.error,
        },
        None => RetryOutcome::FailedAgain {
            operation: record.name,
            error: record.error.unwrap_or_default(),
        },
    })
}

/// The store hands out works by their operation: those that came first are done first.
async fn handle(
    core: Arc<Core>,
    _permit: Permit,
    letter: DeadLetter,
    by: Operator,
) -> Result<RetryOutcome, DeadLetterError> {
    let (id, operation) = (letter.id, letter.work.operation);
    if !core.settings.handlers.contains_key(operation.as_str()) {
        let missing = format!(
            "its runtime was given no handler for `{operation}` (`RuntimeBuilder::dead_letter_handler`)"
        );
        return Err(DeadLetterError::NoCode { id, missing });
    }
    let queue = &core.stores.queue;
    if !queue.request_retry(id, RetryAs::Itself, by).await? {
        return Err(not_open(&core, id).await?);
    }
    let mut looks = LOOKS;
    loop {
        for taken in queue.take_work(vec![operation.clone()], BATCH).await? {
            work::handle(&core, taken).await;
        }
        let Some(letter) = queue.get(id).await? else {
            return Ok(RetryOutcome::Settled);
        };
        match letter.status {
            DeadLetterStatus::Settled => return Ok(RetryOutcome::Settled),
            DeadLetterStatus::Open => {
                return Ok(RetryOutcome::FailedAgain {
                    operation,
                    error: letter.work.error,
                });
            }
            DeadLetterStatus::Resolved | DeadLetterStatus::Discarded => {
                return Err(DeadLetterError::NotOpen(id, letter.status));
            }
            // Recovery was faster, here or elsewhere.
            DeadLetterStatus::Retrying => {}
        }
        tokio::select! {
            () = core.gate.stopped() => return Err(DeadLetterError::LeftBehind(id)),
            () = tokio::time::sleep(looks.next()) => {}
        }
    }
}

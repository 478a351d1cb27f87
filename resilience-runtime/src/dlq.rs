//! The dead letter queue: work that failed for good, with everything that is needed to finish it.

mod add;
mod error;
mod letter;
mod letters;
mod payload;
mod queue;
mod retry;
mod retry_all;

pub use add::AddDeadLetter;
pub use error::{DeadLetterError, RetryAllError};
pub use letter::{
    AuditEntry, DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority,
};
pub use letters::DeadLetters;
pub(crate) use payload::shown;
pub use queue::{Closing, DeadLetterFilter, DeadLetterStatistics, Queue, RetryAs};
pub use retry::RetryOutcome;
pub use retry_all::{RetryAll, RetryProgress};

use crate::error::StoreError;
use crate::saga::id::SagaId;

/// The first letter of `saga` that `filter` lets through.
pub(crate) async fn first_of(
    queue: &dyn Queue,
    saga: &SagaId,
    filter: impl Into<DeadLetterFilter>,
) -> Result<Option<DeadLetter>, StoreError> {
    let filter = DeadLetterFilter {
        saga: Some(saga.clone()),
        ..filter.into()
    };
    Ok(queue.list(filter, None, 1).await?.into_iter().next())
}

/// The open letter of `saga`, for a message.
pub(crate) async fn name_of(queue: &dyn Queue, saga: &SagaId) -> String {
    match first_of(queue, saga, DeadLetterStatus::Open).await {
        Ok(Some(letter)) => letter.id.to_string(),
        Ok(None) | Err(_) => format!("of saga {saga}"),
    }
}

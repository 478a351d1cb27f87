//! The dead letter queue: work that failed for good, with everything that is needed to finish it.

mod add;
mod error;
mod letter;
mod letters;
mod payload;
mod queue;
mod retry;
mod retry_all;

pub use add::AddLetter;
pub use error::{DeadLetterError, RetryAllError};
pub use letter::{
    AuditEntry, DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority,
};
pub use letters::DeadLetters;
pub(crate) use payload::shown;
pub use queue::{Closing, LetterFilter, LetterStatistics, Queue, RetryAs};
pub use retry::RetryOutcome;
pub use retry_all::{RetryAll, RetryProgress};

use crate::saga::id::SagaId;

/// The open entry of `saga`, for a message.
pub(crate) async fn name_of(queue: &dyn Queue, saga: &SagaId) -> String {
    let filter = LetterFilter {
        statuses: vec![DeadLetterStatus::Open],
        saga: Some(saga.clone()),
        ..LetterFilter::default()
    };
    match queue.list(filter, None, 1).await.as_deref() {
        Ok([letter, ..]) => letter.id.to_string(),
        _ => format!("of saga {saga}"),
    }
}

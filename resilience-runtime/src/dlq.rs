//! The dead letter queue: work that failed for good, with everything that is needed to finish it.

mod letter;
mod letters;
mod payload;
mod queue;

pub use letter::{
    AuditEntry, DeadLetter, DeadLetterId, DeadLetterStatus, Kind, NewDeadLetter, Priority,
};
pub use letters::{DeadLetterError, DeadLetters, Retried};
pub(crate) use payload::shown;
pub use queue::{Closing, LetterFilter, LetterStatistics, Queue, RetryAs};

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

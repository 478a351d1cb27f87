//! What programs and operators do with dead letters.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::{
    AddDeadLetter, AuditEntry, Closing, DeadLetter, DeadLetterError, DeadLetterFilter,
    DeadLetterId, DeadLetterStatistics, RetryAll, RetryAllError, RetryAs, RetryOutcome,
    RetryProgress, retry, retry_all,
};
use crate::core::Core;
use crate::error::StoreError;
use crate::operator::Operator;

/// The dead letter queue, from
/// [`Runtime::dead_letters`](crate::runtime::Runtime::dead_letters).
///
/// Every action names who takes it: a name (`"ada"`), or an [`Operator`] with a reason. Both appear in the letter's audit.
/// If two operators close one letter at the same time, one succeeds, and the other one gets [`DeadLetterError::NotOpen`]. As
/// long as no process has taken up a requested retry, the request can be replaced by another one, the retry can be done
/// here, and the letter can be closed.
pub struct DeadLetters {
    core: Arc<Core>,
}

impl DeadLetters {
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Adds a dead letter for work of your own that failed for good, with its arguments as JSON and its error.
    ///
    /// `operation` is the name under which
    /// [`RuntimeBuilder::dead_letter_handler`](crate::runtime::RuntimeBuilder::dead_letter_handler) registers a handler in the
    /// processes that can do the work again. The methods of [`AddDeadLetter`] set the rest and state its defaults. Awaiting the
    /// [`AddDeadLetter`] writes the letter and returns its id.
    ///
    /// Arguments are kept as they are; redaction is only for letters of sagas. Arguments that are longer than
    /// [`RuntimeBuilder::payload_limit`](crate::runtime::RuntimeBuilder::payload_limit) are refused.
    ///
    /// ```
    /// use resilience_runtime::dlq::{DeadLetterStatus, Priority};
    /// # use resilience_runtime::runtime::Runtime;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runtime = Runtime::builder("memory:")
    ///     .dead_letter_handler("send-invoice", |arguments: serde_json::Value| async move {
    ///         println!("sending invoice {}", arguments["invoice"]);
    ///         Ok::<(), String>(())
    ///     })
    ///     .scoped()
    ///     .open()
    ///     .await?;
    /// let letters = runtime.dead_letters();
    /// let arguments = serde_json::json!({ "invoice": 7 });
    /// let id = letters
    ///     .add("send-invoice", &arguments, "the mailbox is full")
    ///     .dependency("smtp")
    ///     .priority(Priority::High)
    ///     .await?;
    ///
    /// // Later, when the mailbox has room again:
    /// letters.retry(id, "ada").await?;
    /// let letter = letters.get(id).await?.ok_or("it is there")?;
    /// assert_eq!(letter.status, DeadLetterStatus::Settled);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// From the future: [`DeadLetterError::TooLarge`], [`DeadLetterError::Encode`] and [`DeadLetterError::Store`].
    pub fn add(
        &self,
        operation: impl Into<String>,
        arguments: &(impl Serialize + ?Sized),
        error: impl fmt::Display,
    ) -> AddDeadLetter {
        AddDeadLetter::new(
            Arc::clone(&self.core),
            operation.into(),
            serde_json::to_string(arguments),
            error.to_string(),
        )
    }

    /// Returns a page of at most `limit` letters, oldest first unless the filter has another [order](DeadLetterFilter::order).
    ///
    /// `after` is the last letter of the previous page. No letter is skipped or repeated if others are added or closed between
    /// two pages. A [`DeadLetterStatus`](super::DeadLetterStatus) can be used as the filter.
    ///
    /// ```
    /// # use resilience_runtime::runtime::Runtime;
    /// use resilience_runtime::dlq::{DeadLetterStatus, DeadLetterFilter};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let runtime = Runtime::builder("memory:").scoped().open().await?;
    /// let of_the_bank = DeadLetterFilter {
    ///     dependency: Some("bank".to_owned()),
    ///     ..DeadLetterFilter::from(DeadLetterStatus::Open)
    /// };
    /// let mut last = None;
    /// loop {
    ///     let page = runtime.dead_letters().list(of_the_bank.clone(), last, 100).await?;
    ///     let Some(letter) = page.last() else { break };
    ///     last = Some(letter.id);
    ///     // …
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        filter: impl Into<DeadLetterFilter>,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let queue = &self.core.stores.queue;
        queue.list(filter.into(), after, limit).await
    }

    /// Returns one letter, or `None` if there is none with this id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError> {
        self.core.stores.queue.get(id).await
    }

    /// Counts the letters by status, and the unresolved ones by operation, dependency and priority too. Reads every
    /// unresolved letter.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn statistics(&self) -> Result<DeadLetterStatistics, StoreError> {
        self.core.stores.queue.statistics().await
    }

    /// Counts the letters that are open or being retried. This is cheap.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unresolved(&self) -> Result<u64, StoreError> {
        self.core.stores.queue.unresolved().await
    }

    /// Returns what was done to this letter or to its saga, by whom, when and why.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit(&self, id: DeadLetterId) -> Result<Vec<AuditEntry>, StoreError> {
        self.core.stores.queue.audit(id).await
    }

    /// Retries the work of a letter in this process, and waits for the outcome:
    ///
    /// - a step that could not be undone is undone now, together with whatever else is left to undo in its saga;
    /// - a parked saga continues forward from its journal;
    /// - work of your own is passed to its handler.
    ///
    /// The letter of a saga is settled in the commit that ends the saga. Dropping the future does not stop the work, and after
    /// a crash the next process finishes it. This process must have the code and the states that the work needs; a process
    /// without them can use [`DeadLetters::request_retry`].
    ///
    /// # Errors
    /// See [`DeadLetterError`]. Work that fails again is not an error but [`RetryOutcome::FailedAgain`].
    pub async fn retry(
        &self,
        id: DeadLetterId,
        by: impl Into<Operator>,
    ) -> Result<RetryOutcome, DeadLetterError> {
        self.retry_as(id, RetryAs::Itself, by).await
    }

    /// Retries like [`DeadLetters::retry`], or, with [`RetryAs::Compensation`], undoes a parked saga.
    ///
    /// # Errors
    /// As [`DeadLetters::retry`].
    pub async fn retry_as(
        &self,
        id: DeadLetterId,
        how: RetryAs,
        by: impl Into<Operator>,
    ) -> Result<RetryOutcome, DeadLetterError> {
        retry::retry(&self.core, id, how, by.into()).await
    }

    /// Requests a retry durably. A process that has the code takes it up, within its
    /// [`poll_interval`](crate::runtime::RuntimeBuilder::poll_interval) at the latest.
    ///
    /// The other open letters of the same saga are retried with it. The status of the letter shows the outcome: settled, or open
    /// again. Until a process takes the request up, a later request replaces it; so [`RetryAs::Compensation`] can still replace
    /// [`RetryAs::Itself`].
    ///
    /// # Errors
    /// [`DeadLetterError::NotFound`], [`DeadLetterError::NotOpen`] and [`DeadLetterError::Store`].
    pub async fn request_retry(
        &self,
        id: DeadLetterId,
        how: RetryAs,
        by: impl Into<Operator>,
    ) -> Result<(), DeadLetterError> {
        let queue = &self.core.stores.queue;
        let requested = queue.request_retry(id, how, by.into()).await?;
        self.found(id, requested).await
    }

    /// Requests a retry of every open letter that matches `filter`, in the filter's order and at the rate of `all`.
    ///
    /// Each request is like one of [`DeadLetters::request_retry`]. The answer says how far the call got; another call with
    /// [`RetryAll::after`] continues from there. Letters on which somebody else has acted in the meantime are skipped.
    ///
    /// # Cancellation
    /// Dropping the future stops it. Retries that were already requested stay requested.
    ///
    /// ```
    /// # use resilience_runtime::runtime::Runtime;
    /// use resilience_runtime::dlq::{DeadLetterFilter, RetryAll};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let runtime = Runtime::builder("memory:").scoped().open().await?;
    /// let letters = runtime.dead_letters();
    /// let mut a_hundred = RetryAll::new().per_second(20).limit(100);
    /// loop {
    ///     let progress = letters.retry_all(DeadLetterFilter::default(), a_hundred, "ada").await?;
    ///     println!("{} more", progress.requested);
    ///     if progress.finished {
    ///         break;
    ///     }
    ///     a_hundred = a_hundred.after(progress.last);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the store fails. The error says what was done until then.
    pub async fn retry_all(
        &self,
        filter: impl Into<DeadLetterFilter>,
        all: RetryAll,
        by: impl Into<Operator>,
    ) -> Result<RetryProgress, RetryAllError> {
        retry_all::retry_all(&self.core, filter.into(), all, by.into()).await
    }

    /// Closes a letter because its work was done by hand; `note` says how. Nothing is run.
    ///
    /// The letter must be open, or no process may have taken up its retry yet. If it was the last unresolved letter of its
    /// saga, the saga becomes [resolved](crate::saga::journal::Status::Resolved).
    ///
    /// # Errors
    /// [`DeadLetterError::NotFound`], [`DeadLetterError::NotOpen`] and [`DeadLetterError::Store`].
    pub async fn resolve(
        &self,
        id: DeadLetterId,
        note: impl Into<String>,
        by: impl Into<Operator>,
    ) -> Result<(), DeadLetterError> {
        self.close(id, Closing::Resolve(note.into()), by.into())
            .await
    }

    /// Closes a letter because its work is given up. Otherwise like [`DeadLetters::resolve`].
    ///
    /// # Errors
    /// As [`DeadLetters::resolve`].
    pub async fn discard(
        &self,
        id: DeadLetterId,
        by: impl Into<Operator>,
    ) -> Result<(), DeadLetterError> {
        self.close(id, Closing::Discard, by.into()).await
    }

    async fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        by: Operator,
    ) -> Result<(), DeadLetterError> {
        let closed = self.core.stores.queue.close(id, closing, by).await?;
        self.found(id, closed).await
    }

    /// Why the store did nothing.
    async fn found(&self, id: DeadLetterId, done: bool) -> Result<(), DeadLetterError> {
        match done {
            true => Ok(()),
            false => Err(retry::not_open(&self.core, id).await?),
        }
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").finish_non_exhaustive()
    }
}

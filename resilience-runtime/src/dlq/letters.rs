//! What the author and operators do with dead letters.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::{
    AddLetter, AuditEntry, Closing, DeadLetter, DeadLetterError, DeadLetterId, LetterFilter,
    LetterStatistics, RetryAll, RetryAllError, RetryAs, RetryOutcome, RetryProgress, retry,
    retry_all,
};
use crate::core::Core;
use crate::error::StoreError;
use crate::operator::Operator;

/// The dead letter queue, from
/// [`Runtime::dead_letters`](crate::runtime::Runtime::dead_letters).
///
/// Whoever acts is named, and stands in the audit of the letter: a name (`"ada"`), or an [`Operator`] who says why.
/// Of two who close one letter at once, one does it, and the other one is told [`DeadLetterError::NotOpen`]. A retry that
/// was requested and that nobody has taken up yet can still be requested otherwise, done here, or given up by closing the
/// letter.
pub struct DeadLetters {
    core: Arc<Core>,
}

impl DeadLetters {
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Adds work of the author's own that failed for good, with its arguments as JSON and the error. `operation` is the name
    /// that [`RuntimeBuilder::dead_letter_handler`](crate::runtime::RuntimeBuilder::dead_letter_handler) was given in the
    /// processes that can do it again; what is not said with the methods of [`AddLetter`] is as said there.
    /// Awaiting it writes the letter, and answers with its id.
    ///
    /// Arguments are kept as they are: redaction is for letters of sagas. Those that are longer than
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
    /// Of the future: [`DeadLetterError::TooLarge`], [`DeadLetterError::Encode`], [`DeadLetterError::Store`].
    pub fn add(
        &self,
        operation: impl Into<String>,
        arguments: &(impl Serialize + ?Sized),
        error: impl fmt::Display,
    ) -> AddLetter {
        AddLetter::new(
            Arc::clone(&self.core),
            operation.into(),
            serde_json::to_string(arguments),
            error.to_string(),
        )
    }

    /// A page of the letters, oldest first unless the filter has another [order](LetterFilter::order): at most `limit`, from
    /// after the letter `after`, which is the last one of the page before. Pages stay right whatever is added or closed
    /// between them. A [`DeadLetterStatus`](super::DeadLetterStatus) will do as the filter.
    ///
    /// ```
    /// # use resilience_runtime::runtime::Runtime;
    /// use resilience_runtime::dlq::{DeadLetterStatus, LetterFilter};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let runtime = Runtime::builder("memory:").scoped().open().await?;
    /// let of_the_bank = LetterFilter {
    ///     dependency: Some("bank".to_owned()),
    ///     ..LetterFilter::from(DeadLetterStatus::Open)
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
    /// When the store cannot be asked.
    pub async fn list(
        &self,
        filter: impl Into<LetterFilter>,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let queue = &self.core.stores.queue;
        queue.list(filter.into(), after, limit).await
    }

    /// One letter, or `None`.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn get(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError> {
        self.core.stores.queue.get(id).await
    }

    /// How many letters there are, by status, and the unresolved ones by operation, dependency and priority. Looks at every
    /// letter that is unresolved.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn statistics(&self) -> Result<LetterStatistics, StoreError> {
        self.core.stores.queue.statistics().await
    }

    /// How many letters are open or being retried; cheap.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn unresolved(&self) -> Result<u64, StoreError> {
        self.core.stores.queue.unresolved().await
    }

    /// What was done to this letter, or to its saga, by whom, when and why.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn audit(&self, id: DeadLetterId) -> Result<Vec<AuditEntry>, StoreError> {
        self.core.stores.queue.audit(id).await
    }

    /// Does what failed again, in this process, and waits for what it comes to:
    ///
    /// - what could not be undone is undone now, and what is left of its saga with it;
    /// - a saga that is parked goes on from its journal, forward;
    /// - work of the author's own is handed to its handler.
    ///
    /// The letter is settled in the commit that ends the saga. Dropping the future does not stop the work, and after a crash
    /// the next process finishes it. This process has to have the code and the states that are needed;
    /// [`DeadLetters::request_retry`] is for those that have not.
    ///
    /// # Errors
    /// See [`DeadLetterError`]. Work that fails again is no error, but [`RetryOutcome::FailedAgain`].
    pub async fn retry(
        &self,
        id: DeadLetterId,
        by: impl Into<Operator>,
    ) -> Result<RetryOutcome, DeadLetterError> {
        self.retry_as(id, RetryAs::Itself, by).await
    }

    /// The same, or with [`RetryAs::Compensation`] undoing a saga that is parked.
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

    /// Asks for a retry, durably: a process that has the code takes it up, within its
    /// [`poll_interval`](crate::runtime::RuntimeBuilder::poll_interval) at the latest. The other open letters of the
    /// same saga go along. What it comes to shows in the status of the letter: settled, or open again. Of requests that nobody
    /// has taken up, the latest one counts: also [`RetryAs::Compensation`] in the place of [`RetryAs::Itself`].
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

    /// Asks for a retry of every open letter that `filter` lets through, in its order, at the rate of `all`: as
    /// [`DeadLetters::request_retry`] does for one. The answer says how far it came; another call with
    /// [`RetryAll::after`] goes on from there. Letters that somebody else was faster with are left to him.
    ///
    /// Dropping the future ends it between two letters; what was requested stands.
    ///
    /// ```
    /// # use resilience_runtime::runtime::Runtime;
    /// use resilience_runtime::dlq::{LetterFilter, RetryAll};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let runtime = Runtime::builder("memory:").scoped().open().await?;
    /// let letters = runtime.dead_letters();
    /// let mut a_hundred = RetryAll::new().per_second(20).limit(100);
    /// loop {
    ///     let progress = letters.retry_all(LetterFilter::default(), a_hundred, "ada").await?;
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
    /// When the store cannot be asked, with what was done until then.
    pub async fn retry_all(
        &self,
        filter: impl Into<LetterFilter>,
        all: RetryAll,
        by: impl Into<Operator>,
    ) -> Result<RetryProgress, RetryAllError> {
        retry_all::retry_all(&self.core, filter.into(), all, by.into()).await
    }

    /// Closes a letter that is open, or whose retry nobody has taken up: its work was done by hand, and `note` says how. Where it was the last unresolved one of its
    /// saga, the saga is [resolved](crate::saga::journal::Status::Resolved). Nothing is run.
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

    /// Closes such a letter, whose work is given up. Else as [`DeadLetters::resolve`].
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

//! Dead letters: what is done to them.

use std::time::Duration;

use super::operation::Operation;
use super::rows::column;
use super::statements::Part;
use super::{HandedOver, SqliteStore};
use crate::BoxFuture;
use crate::dlq::{
    AuditEntry, Closing, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatistics,
    NewDeadLetter, Queue, RetryAs,
};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::SagaId;
use crate::store::rows::{Columns, Unreadable, text};

const ADDING: &str = "adding a dead letter";
const CLOSING: &str = "closing a dead letter";
const RETRYING: &str = "requesting the retry of a dead letter";
const TAKING: &str = "taking up the work of dead letters";
const ENDING: &str = "ending the retry of a dead letter";
const PURGING: &str = "deleting old dead letters";

impl Queue for SqliteStore {
    fn add(
        &self,
        letter: NewDeadLetter,
        nonce: String,
        by: Operator,
    ) -> BoxFuture<'_, Result<DeadLetterId, StoreError>> {
        Box::pin(async move {
            let rows = self.write(adding(&letter, &nonce, &by)).await?;
            let row = rows.first().ok_or_else(Unreadable::missing);
            row.and_then(|row| column(row, 2))
                .map_err(|it| it.in_doubt(ADDING))
        })
    }

    fn list(
        &self,
        filter: DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move { self.list_letters(&filter, after, limit).await })
    }

    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(self.find_letter(id))
    }

    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let (status, note, action) = match &closing {
                Closing::Resolve(note) => ("resolved", Some(text(note)), "resolve"),
                Closing::Discard => ("discarded", None, "discard"),
            };
            let reason = by.reason.as_deref().map(text);
            let gone = self.gone_from(id).await?;
            let change = (id, status, note, action, text(&by.name), reason, gone);
            let operation = on_letter(CLOSING, Part::Close, id).with(Part::Close, &change);
            Ok(!self.write(operation).await?.is_empty())
        })
    }

    fn request_retry(
        &self,
        id: DeadLetterId,
        how: RetryAs,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let (undone, action) = match how {
                RetryAs::Itself => (0, "retry"),
                RetryAs::Compensation => (1, "compensate"),
            };
            let reason = by.reason.as_deref().map(text);
            let gone = self.gone_from(id).await?;
            let change = (id, undone, action, text(&by.name), reason, gone);
            // The other letters of its saga are retried with it, whichever those are.
            let operation = on_letter(RETRYING, Part::Retry, id)
                .touching("retries", "of any saga")
                .with(Part::Retry, &change);
            Ok(!self.write(operation).await?.is_empty())
        })
    }

    fn take_work(
        &self,
        operations: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(self.take_letters(operations, limit))
    }

    fn end_work(
        &self,
        id: DeadLetterId,
        failed: Option<String>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let change = (id, self.shared.worker.id(), failed.as_deref().map(text));
            let operation = on_letter(ENDING, Part::EndWork, id).with(Part::EndWork, &change);
            Ok(!self.write(operation).await?.is_empty())
        })
    }

    fn statistics(&self) -> BoxFuture<'_, Result<DeadLetterStatistics, StoreError>> {
        Box::pin(self.statistics_of_letters())
    }

    fn unresolved(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.unresolved_letters())
    }

    fn audit(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        Box::pin(self.audit_of_letter(id))
    }

    fn audit_of_saga(&self, saga: SagaId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        Box::pin(self.audit_of(saga))
    }

    fn purge_letters(
        &self,
        retention: Duration,
        limit: u32,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.purge_of(PURGING, Part::PurgeLetters, "letters", retention, limit))
    }
}

impl SqliteStore {
    /// Who worked on a letter and is gone.
    async fn gone_from(&self, id: DeadLetterId) -> Result<Option<String>, StoreError> {
        match self.owner_of_letter(id).await? {
            Some(owner) if self.is_gone(owner.clone()).await? => Ok(Some(owner)),
            _ => Ok(None),
        }
    }

    async fn take_letters(
        &self,
        operations: Vec<String>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut taken = Vec::new();
        let mut seen: Vec<DeadLetterId> = Vec::new();
        while taken.len() < limit {
            let wanted = self
                .wanted_letters(&operations, &mut seen, limit - taken.len())
                .await?;
            if wanted.is_empty() {
                break;
            }
            // All are handed over before the first answer is awaited, so that they share a commit.
            let mut handed_over = Vec::new();
            for (letter, owner) in wanted {
                if let Some(answer) = self.hand_over_work(letter.id, owner).await? {
                    handed_over.push((letter, answer));
                }
            }
            for (mut letter, answer) in handed_over {
                let answer = match answer.answer().await {
                    Ok(answer) => answer,
                    // Those that were taken are this store's now: they must reach the caller.
                    Err(error) if !taken.is_empty() => {
                        tracing::warn!(target: "resilience", %error, "not all works could be taken up");
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                if let Some(row) = answer.first() {
                    letter.updated_at = row.moment(2).unwrap_or(letter.updated_at);
                    taken.push(letter);
                }
            }
        }
        Ok(taken)
    }

    /// Hands over the taking of one work, unless its owner lives.
    async fn hand_over_work(
        &self,
        id: DeadLetterId,
        owner: Option<String>,
    ) -> Result<Option<HandedOver>, StoreError> {
        if let Some(owner) = owner.clone()
            && !self.is_gone(owner).await?
        {
            return Ok(None);
        }
        let change = (id, owner, self.shared.worker.id());
        let operation = on_letter(TAKING, Part::TakeWork, id).with(Part::TakeWork, &change);
        self.hand_over(operation).await.map(Some)
    }
}

fn on_letter(doing: &'static str, part: Part, id: DeadLetterId) -> Operation {
    let subject = id.to_string();
    Operation::new(doing, part, &*subject).touching("letter", &subject)
}

fn adding(letter: &NewDeadLetter, nonce: &str, by: &Operator) -> Operation {
    let nonce = text(nonce);
    let change = (
        &nonce,
        letter.kind.as_str(),
        text(&letter.operation),
        letter.dependency.as_deref().map(text),
        letter.priority.rank(),
        letter.position,
        text(&letter.arguments),
        letter.output.as_deref().map(text),
        text(&letter.error),
        letter.attempts,
        text(&by.name),
        by.reason.as_deref().map(text),
    );
    Operation::new(ADDING, Part::Add, &*nonce)
        .touching("nonce", &nonce)
        .with(Part::Add, &change)
}

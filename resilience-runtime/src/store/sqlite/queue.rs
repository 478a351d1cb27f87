//! Dead letters.

use sqlx::AssertSqlSafe;

use super::operation::{Operation, text};
use super::rows::{LETTER_COLUMNS, column, dead_letter, word};
use super::statements::Part;
use super::{SqliteStore, failure};
use crate::BoxFuture;
use crate::dlq::{Closing, DeadLetter, DeadLetterId, LetterFilter, Queue};
use crate::error::StoreError;
use crate::operator::Operator;

const READING: &str = "reading the dead letter queue";

impl Queue for SqliteStore {
    fn list(
        &self,
        filter: LetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LETTER_COLUMNS} FROM resilience_dead_letters \
                 WHERE status = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
            );
            let rows = sqlx::query(AssertSqlSafe(text))
                .bind(
                    filter
                        .statuses
                        .first()
                        .map_or("open", |status| status.as_str()),
                )
                .bind(after.unwrap_or(i64::MIN))
                .bind(limit)
                .fetch_all(&self.shared.readers)
                .await
                .map_err(|error| failure::reading(READING, error))?;
            let letters: Result<_, _> = rows.iter().map(dead_letter).collect();
            letters.map_err(|unreadable| unreadable.refused(READING))
        })
    }

    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let text =
                format!("SELECT {LETTER_COLUMNS} FROM resilience_dead_letters WHERE id = ?1");
            let row = sqlx::query(AssertSqlSafe(text))
                .bind(id)
                .fetch_optional(&self.shared.readers)
                .await
                .map_err(|error| failure::reading(READING, error))?;
            let letter = row.as_ref().map(dead_letter).transpose();
            letter.map_err(|unreadable| unreadable.refused(READING))
        })
    }

    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        _by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let note = note(closing);
            let subject = id.to_string();
            let operation = Operation::new("resolving a dead letter", Part::Resolve, &subject)
                .touching("letter", &subject)
                .with(Part::Resolve, &(id, text(&note)));
            Ok(!self.write(operation).await?.is_empty())
        })
    }
}

fn note(closing: Closing) -> String {
    match closing {
        Closing::Resolve(note) => note,
        Closing::Discard => String::new(),
    }
}

//! Dead letters.

use sqlx::AssertSqlSafe;

use super::operation::{Operation, text};
use super::rows::{LETTER_COLUMNS, column, dead_letter, word};
use super::statements::Part;
use super::{SqliteStore, failure};
use crate::BoxFuture;
use crate::dlq::{DeadLetter, DeadLetterId, DeadLetterStatus, Queue};
use crate::error::StoreError;

const READING: &str = "reading the dead letter queue";

impl Queue for SqliteStore {
    fn list(
        &self,
        status: DeadLetterStatus,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let text = format!(
                "SELECT {LETTER_COLUMNS} FROM resilience_dead_letters \
                 WHERE status = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
            );
            let rows = sqlx::query(AssertSqlSafe(text))
                .bind(status.as_str())
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

    fn resolve(&self, id: DeadLetterId, note: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let subject = id.to_string();
            let operation = Operation::new("resolving a dead letter", Part::Resolve, &subject)
                .touching("letter", &subject)
                .with(Part::Resolve, &(id, text(&note)));
            Ok(!self.write(operation).await?.is_empty())
        })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<(DeadLetterStatus, u64)>, StoreError>> {
        Box::pin(async move {
            let rows =
                sqlx::query("SELECT status, count(*) FROM resilience_dead_letters GROUP BY status")
                    .fetch_all(&self.shared.readers)
                    .await
                    .map_err(|error| failure::reading(READING, error))?;
            let counts: Result<_, _> = rows
                .iter()
                .map(|row| {
                    let count: i64 = column(row, 1)?;
                    let status = word(row, 0, DeadLetterStatus::from_stored)?;
                    Ok((status, u64::try_from(count).unwrap_or(0)))
                })
                .collect();
            counts.map_err(|unreadable: super::rows::Unreadable| unreadable.refused(READING))
        })
    }
}

//! From rows to records, and what may be written into them.

use std::borrow::Cow;
use std::fmt;

use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row};
use uuid::Uuid;

use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::saga::journal::{SagaId, SagaRecord, Status, StepOutcome, StepRecord};
use crate::timestamp::Timestamp;

/// A row that no version of this crate can have written.
#[derive(Debug)]
pub(crate) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a row cannot be read: {}", self.0)
    }
}

impl Unreadable {
    /// As the error of a call that only reads.
    pub(crate) fn refused(self, doing: &'static str) -> StoreError {
        StoreError::refused(doing, self.to_string())
    }

    /// As the error of a write that was committed.
    pub(crate) fn in_doubt(self, doing: &'static str) -> StoreError {
        StoreError::in_doubt(doing, self.to_string())
    }
}

/// Text as PostgreSQL takes it: it has no NUL characters, so one becomes the visible `␀`. JSON texts have none,
/// they spell it `\u0000`.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The value of a column.
pub(crate) fn column<'r, T>(row: &'r PgRow, index: usize) -> Result<T, Unreadable>
where
    T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    row.try_get(index)
        .map_err(|error| Unreadable(error.to_string()))
}

/// The value of a column that counts something.
pub(crate) fn number(row: &PgRow, index: usize) -> Result<u32, Unreadable> {
    let number: i64 = column(row, index)?;
    u32::try_from(number).map_err(|_| Unreadable(format!("{number} is out of range")))
}

/// The value of a column that holds one of a few words.
pub(crate) fn word<T>(
    row: &PgRow,
    index: usize,
    read: fn(&str) -> Option<T>,
) -> Result<T, Unreadable> {
    let word: String = column(row, index)?;
    read(&word).ok_or_else(|| Unreadable(format!("unknown word {word:?}")))
}

/// The value of a column that names a worker.
pub(crate) fn worker(row: &PgRow, index: usize) -> Result<Uuid, Unreadable> {
    let text: String = column(row, index)?;
    Uuid::try_parse(&text).map_err(|error| Unreadable(format!("{text:?}: {error}")))
}

/// A saga from its first columns: id, name, key, input, status, epoch, output, error, steps.
pub(crate) fn saga(row: &PgRow) -> Result<SagaRecord, Unreadable> {
    let key: Option<Vec<u8>> = column(row, 2)?;
    let key = key.map(|bytes| {
        let bytes: Result<[u8; 32], _> = bytes.try_into();
        bytes.map_err(|bytes| Unreadable(format!("a key of {} bytes", bytes.len())))
    });
    let steps: String = column(row, 8)?;
    let steps: Vec<Step> =
        serde_json::from_str(&steps).map_err(|error| Unreadable(error.to_string()))?;
    let id = SagaId::from_stored(column(row, 0)?);
    let now = Timestamp::of_this_machine();
    let mut record = SagaRecord::new(id, column(row, 1)?, column(row, 3)?, now);
    record.key = key.transpose()?.map(Digest::from_bytes);
    record.status = word(row, 4, Status::from_stored)?;
    record.epoch = column(row, 5)?;
    record.output = column(row, 6)?;
    record.error = column(row, 7)?;
    record.steps = steps.into_iter().map(step).collect();
    Ok(record)
}

/// Position, name, occurrence, arguments, output, and whether it is undone.
type Step = (u32, String, u32, String, Option<String>, bool);

fn step((position, step, occurrence, arguments, output, undone): Step) -> StepRecord {
    StepRecord {
        position,
        step,
        occurrence,
        arguments,
        outcome: StepOutcome::Done,
        output,
        compensation: None,
        undone,
        written_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_nul_character_becomes_visible_and_nothing_else_changes() {
        assert_eq!(text("a\0🦀\0"), "a\u{2400}🦀\u{2400}");
        assert_eq!(text("\\u0000 ␀ '🦀\n"), "\\u0000 ␀ '🦀\n");
    }
}

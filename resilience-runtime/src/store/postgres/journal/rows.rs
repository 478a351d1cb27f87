//! From rows to records, and what may be written into them.

use std::borrow::Cow;
use std::fmt;

use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row};
use uuid::Uuid;

use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::saga::journal::{Parking, SagaId, SagaRecord, Status, StepOutcome, StepRecord};
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
    pub(crate) fn of(what: &str) -> Self {
        Self(what.to_owned())
    }

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

/// The value of a column that names a worker, or nobody.
pub(crate) fn worker(row: &PgRow, index: usize) -> Result<Option<Uuid>, Unreadable> {
    let text: Option<&str> = column(row, index)?;
    let read =
        |text| Uuid::try_parse(text).map_err(|error| Unreadable(format!("{text:?}: {error}")));
    text.map(read).transpose()
}

/// The value of a column that holds one of a few words, or nothing.
pub(crate) fn maybe_word<T>(
    row: &PgRow,
    index: usize,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, Unreadable> {
    let word: Option<String> = column(row, index)?;
    let unknown = |word: String| Unreadable(format!("unknown word {word:?}"));
    word.map(|word| read(&word).ok_or_else(|| unknown(word)))
        .transpose()
}

/// The value of a column that holds a moment.
pub(crate) fn moment(row: &PgRow, index: usize) -> Result<Timestamp, Unreadable> {
    column(row, index).map(Timestamp::from_micros)
}

/// Where `columns!` has the owner; what a statement adds comes behind it.
pub(crate) const OWNER: usize = 20;

/// A saga from the columns of `columns!`.
pub(crate) fn saga(row: &PgRow) -> Result<SagaRecord, Unreadable> {
    let key: Option<Vec<u8>> = column(row, 3)?;
    let key = key.map(|bytes| {
        let bytes: Result<[u8; 32], _> = bytes.try_into();
        bytes.map_err(|bytes| Unreadable(format!("a key of {} bytes", bytes.len())))
    });
    let steps: &str = column(row, 19)?;
    let steps: Vec<Step> =
        serde_json::from_str(steps).map_err(|error| Unreadable(error.to_string()))?;
    let id = SagaId::from_stored(column(row, 0)?);
    let mut record = SagaRecord::new(id, column(row, 1)?, column(row, 4)?, moment(row, 15)?);
    record.version = number(row, 2)?;
    record.key = key.transpose()?.map(Digest::from_bytes);
    record.status = word(row, 5, Status::from_stored)?;
    record.parking = maybe_word(row, 6, Parking::from_stored)?;
    record.epoch = column(row, 7)?;
    record.interruptions = number(row, 8)?;
    record.pivoted = column(row, 9)?;
    record.cancelled = column(row, 10)?;
    record.output = column(row, 11)?;
    record.error = column(row, 12)?;
    record.failure = column(row, 13)?;
    record.parent = column::<Option<String>>(row, 14)?.map(SagaId::from_stored);
    record.updated_at = moment(row, 16)?;
    record.deadline = column::<Option<i64>>(row, 17)?.map(Timestamp::from_micros);
    record.read_at = moment(row, 18)?;
    record.steps = steps.into_iter().map(step).collect::<Result<_, _>>()?;
    Ok(record)
}

/// Position, name, occurrence, arguments, outcome, output, compensation, whether it is undone, and when it was written.
type Step = (
    u32,
    String,
    u32,
    String,
    String,
    Option<String>,
    Option<String>,
    bool,
    i64,
);

fn step(row: Step) -> Result<StepRecord, Unreadable> {
    let (position, step, occurrence, arguments, outcome, output, compensation, undone, at) = row;
    let outcome = StepOutcome::from_stored(&outcome)
        .ok_or_else(|| Unreadable(format!("unknown word {outcome:?}")))?;
    Ok(StepRecord {
        position,
        step,
        occurrence,
        arguments,
        outcome,
        output,
        compensation,
        undone,
        written_at: Some(Timestamp::from_micros(at)),
    })
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

//! From rows to records.

use std::fmt;

use sqlx::Row;
use sqlx::sqlite::{Sqlite, SqliteRow};

use crate::dlq::{DeadLetter, DeadLetterStatus, Kind, NewDeadLetter, Priority};
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::saga::journal::{SagaId, SagaRecord, Status, StepOutcome, StepRecord};
use crate::timestamp::Timestamp;

/// A row that no version of this crate can have written.
#[derive(Debug)]
pub(super) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a row cannot be read: {}", self.0)
    }
}

impl Unreadable {
    /// A row that must be there is not.
    pub(super) fn missing() -> Self {
        Self("it is not there".to_owned())
    }

    /// A number that cannot be.
    pub(super) fn out_of_range(number: i64) -> Self {
        Self(format!("{number} is out of range"))
    }

    /// As the error of a call that only reads.
    pub(super) fn refused(self, doing: &'static str) -> StoreError {
        StoreError::refused(doing, self.to_string())
    }

    /// As the error of a write that was committed.
    pub(super) fn in_doubt(self, doing: &'static str) -> StoreError {
        StoreError::in_doubt(doing, self.to_string())
    }
}

/// The value of a column.
pub(super) fn column<'r, T>(row: &'r SqliteRow, index: usize) -> Result<T, Unreadable>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    row.try_get(index)
        .map_err(|error| Unreadable(error.to_string()))
}

/// The value of a column with a text that may be kept as its bytes.
pub(super) fn string(row: &SqliteRow, index: usize) -> Result<&str, Unreadable> {
    let bytes: &[u8] = column(row, index)?;
    std::str::from_utf8(bytes).map_err(|error| Unreadable(error.to_string()))
}

/// The value of a column that counts something.
pub(super) fn number(row: &SqliteRow, index: usize) -> Result<u32, Unreadable> {
    let number: i64 = column(row, index)?;
    u32::try_from(number).map_err(|_| Unreadable::out_of_range(number))
}

/// The value of a column that holds one of a few words.
pub(super) fn word<T>(
    row: &SqliteRow,
    index: usize,
    read: fn(&str) -> Option<T>,
) -> Result<T, Unreadable> {
    let word: String = column(row, index)?;
    read(&word).ok_or_else(|| Unreadable(format!("unknown word {word:?}")))
}

/// A saga, and the worker that has it.
pub(super) struct OwnedSaga {
    pub(super) record: SagaRecord,
    pub(super) owner: String,
}

/// The saga whose rows [`LOAD_SAGA`] found.
pub(super) fn saga(id: &SagaId, rows: &[SqliteRow]) -> Result<Option<OwnedSaga>, Unreadable> {
    let mut record = None;
    let mut steps = Vec::new();
    for row in rows {
        if column::<i64>(row, 0)? == 0 {
            record = Some(row);
        } else {
            steps.push(step(row)?);
        }
    }
    let Some(row) = record else {
        return Ok(None);
    };
    let key: Option<String> = column(row, 7)?;
    let key = match key {
        None => None,
        Some(text) => match Digest::from_hex(&text) {
            Some(key) => Some(key),
            None => return Err(Unreadable(format!("{text:?} is not a digest"))),
        },
    };
    let now = Timestamp::of_this_machine();
    let mut record = SagaRecord::new(id.clone(), column(row, 2)?, column(row, 3)?, now);
    record.key = key;
    record.status = word(row, 4, Status::from_stored)?;
    record.epoch = column(row, 1)?;
    record.output = column(row, 5)?;
    record.error = column(row, 6)?;
    record.steps = steps;
    let owner = column(row, 8)?;
    Ok(Some(OwnedSaga { record, owner }))
}

/// A saga and its steps, as of one moment, because it is one statement.
pub(super) const LOAD_SAGA: &str = "
SELECT 0, epoch, name, input, status, output, error, key, owner, NULL
FROM resilience_sagas WHERE id = ?1
UNION ALL
SELECT 1, position, step, arguments, NULL, output, NULL, NULL, occurrence, undone
FROM resilience_saga_steps WHERE saga_id = ?1
ORDER BY 1, 2";

fn step(row: &SqliteRow) -> Result<StepRecord, Unreadable> {
    Ok(StepRecord {
        position: number(row, 1)?,
        step: column(row, 2)?,
        occurrence: number(row, 8)?,
        arguments: column(row, 3)?,
        outcome: StepOutcome::Done,
        output: column(row, 5)?,
        compensation: None,
        written_at: None,
        undone: column::<i64>(row, 9)? != 0,
    })
}

/// The columns of a dead letter, for [`dead_letter`].
pub(super) const LETTER_COLUMNS: &str = "id, saga_id, saga_name, kind, operation, arguments, \
     output, error, attempts, status, CAST(created_at AS INTEGER), note";

/// A dead letter.
pub(super) fn dead_letter(row: &SqliteRow) -> Result<DeadLetter, Unreadable> {
    Ok(DeadLetter {
        id: column(row, 0)?,
        saga: Some(SagaId::from_stored(column(row, 1)?)),
        saga_name: Some(column(row, 2)?),
        work: NewDeadLetter {
            kind: word(row, 3, Kind::from_stored)?,
            operation: column(row, 4)?,
            dependency: None,
            priority: Priority::High,
            position: None,
            arguments: column(row, 5)?,
            output: column(row, 6)?,
            error: column(row, 7)?,
            attempts: number(row, 8)?,
        },
        status: word(row, 9, DeadLetterStatus::from_stored)?,
        created_at: Timestamp::from_micros(column::<i64>(row, 10)? * 1_000_000),
        updated_at: Timestamp::from_micros(column::<i64>(row, 10)? * 1_000_000),
        note: column(row, 11)?,
    })
}

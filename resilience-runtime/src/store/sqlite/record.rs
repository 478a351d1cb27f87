//! From rows to sagas.

use std::time::Duration;

use sqlx::sqlite::SqliteRow;

use super::rows::{column, flag};
use crate::idempotency::Digest;
use crate::saga::journal::{Parking, SagaId, SagaRecord, Status, StepOutcome, StepRecord};
use crate::store::rows::{Columns, Unreadable, number, saga_if_any, word, word_if_any};

/// A saga, and the worker that has it.
pub(super) struct OwnedSaga {
    pub(super) record: SagaRecord,
    pub(super) owner: String,
    /// The status that an operator wants it to have.
    pub(super) retry: Option<Status>,
}

/// A saga and its steps, as of one moment, because it is one statement.
pub(super) const LOAD_SAGA: &str = "
SELECT 0, epoch, name, input, output, status, owner, interruptions, pivoted, created_at,
       version, key, parking, cancelled, error, failure, parent, updated_at, timeout, retry,
       unixepoch('subsec')
FROM resilience_sagas WHERE id = ?1
UNION ALL
SELECT 1, position, step, arguments, output, outcome, compensation, occurrence, undone, finished_at,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM resilience_saga_steps WHERE saga_id = ?1
ORDER BY 1, 2";

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
    let started_at = row.moment(9)?;
    let mut record = SagaRecord::new(id.clone(), column(row, 2)?, column(row, 3)?, started_at);
    record.version = number(row, 10)?;
    record.key = column::<Option<String>>(row, 11)?
        .map(|text| digest(&text))
        .transpose()?;
    record.status = word(row, 5, Status::from_stored)?;
    record.parking = word_if_any(row, 12, Parking::from_stored)?;
    record.epoch = column(row, 1)?;
    record.interruptions = number(row, 7)?;
    record.pivoted = flag(row, 8)?;
    record.cancelled = flag(row, 13)?;
    record.output = column(row, 4)?;
    record.error = column(row, 14)?;
    record.failure = column(row, 15)?;
    record.parent = saga_if_any(row, 16)?;
    record.updated_at = row.moment(17)?;
    record.deadline = column::<Option<i64>>(row, 18)?.map(|micros| {
        let timeout = Duration::from_micros(micros.try_into().unwrap_or(0));
        started_at.after(timeout)
    });
    record.read_at = row.moment(20)?;
    record.steps = steps;
    Ok(Some(OwnedSaga {
        record,
        owner: column(row, 6)?,
        retry: word_if_any(row, 19, Status::from_stored)?,
    }))
}

fn digest(text: &str) -> Result<Digest, Unreadable> {
    Digest::from_hex(text).ok_or_else(|| Unreadable::because(format!("{text:?} is not a digest")))
}

fn step(row: &SqliteRow) -> Result<StepRecord, Unreadable> {
    Ok(StepRecord {
        position: number(row, 1)?,
        step: column(row, 2)?,
        occurrence: number(row, 7)?,
        arguments: column(row, 3)?,
        outcome: word(row, 5, StepOutcome::from_stored)?,
        output: column(row, 4)?,
        compensation: column(row, 6)?,
        undone: flag(row, 8)?,
        written_at: Some(row.moment(9)?),
    })
}

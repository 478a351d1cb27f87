//! From rows to sagas.

use sqlx::postgres::PgRow;

use crate::idempotency::Digest;
use crate::saga::journal::{Parking, SagaId, SagaRecord, Status, StepOutcome, StepRecord};
use crate::store::postgres::rows::column;
use crate::store::rows::{Columns, Unreadable, known, number, saga_if_any, word, word_if_any};
use crate::timestamp::Timestamp;

/// Where `columns!` has the owner; what a statement adds comes behind it.
pub(crate) const OWNER: usize = 20;

/// A saga from the columns of `columns!`.
pub(crate) fn saga(row: &PgRow) -> Result<SagaRecord, Unreadable> {
    let key: Option<Vec<u8>> = column(row, 3)?;
    let key = key.map(|bytes| {
        let bytes: Result<[u8; 32], _> = bytes.try_into();
        bytes.map_err(|bytes| Unreadable::because(format_args!("a key of {} bytes", bytes.len())))
    });
    let steps: &str = column(row, 19)?;
    let steps: Vec<Step> = serde_json::from_str(steps).map_err(Unreadable::because)?;
    let id = SagaId::from(column::<String>(row, 0)?);
    let mut record = SagaRecord::new(id, column(row, 1)?, column(row, 4)?, row.moment(15)?);
    record.version = number(row, 2)?;
    record.key = key.transpose()?.map(Digest::from_bytes);
    record.status = word(row, 5, Status::from_stored)?;
    record.parking = word_if_any(row, 6, Parking::from_stored)?;
    record.epoch = column(row, 7)?;
    record.interruptions = number(row, 8)?;
    record.pivoted = column(row, 9)?;
    record.cancelled = column(row, 10)?;
    record.output = column(row, 11)?;
    record.error = column(row, 12)?;
    record.failure = column(row, 13)?;
    record.parent = saga_if_any(row, 14)?;
    record.updated_at = row.moment(16)?;
    record.deadline = column::<Option<i64>>(row, 17)?.map(Timestamp::from_micros);
    record.read_at = row.moment(18)?;
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
    let outcome = known(&outcome, StepOutcome::from_stored)?;
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

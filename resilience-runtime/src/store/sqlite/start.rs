//! Sagas that begin.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::rows::column;
use crate::saga::journal::{NewSaga, SagaId, Status};
use crate::store::rows::{Columns, Unreadable, text, word};
use crate::timestamp::Timestamp;

/// What the start of `saga` writes, as [`Part::Start`](super::statements::Part::Start) reads it.
pub(super) fn change(saga: &NewSaga, owner: &str, epoch: i64) -> impl Serialize + use<> {
    (
        text(saga.id.as_str()).into_owned(),
        text(&saga.name).into_owned(),
        saga.key.map(|key| key.digest.to_string()),
        text(&saga.input).into_owned(),
        owner.to_owned(),
        saga.key.map(|key| key.ttl.as_secs_f64()),
        saga.version,
        saga.timeout
            .map(|timeout| i64::try_from(timeout.as_micros()).unwrap_or(i64::MAX)),
        saga.parent.as_ref().map(|id| id.as_str().to_owned()),
        epoch,
        nonce(saga),
    )
}

pub(super) fn nonce(saga: &NewSaga) -> String {
    format!("{:032x}", saga.nonce)
}

/// What the start of a saga finds under its key or its id.
pub(super) struct Present {
    pub(super) started_at: Timestamp,
    pub(super) id: SagaId,
    pub(super) status: Status,
    pub(super) epoch: i64,
    pub(super) owner: String,
    pub(super) nonce: Option<String>,
}

impl Present {
    /// When the saga was started, if it is new, and else what is there.
    pub(super) fn read(rows: &[SqliteRow]) -> Result<Result<Timestamp, Self>, Unreadable> {
        let row = rows.first().ok_or_else(Unreadable::missing)?;
        if rows.len() > 1 {
            return Ok(Ok(row.moment(2)?));
        }
        Ok(Err(Self {
            started_at: row.moment(2)?,
            id: SagaId::from(column::<String>(row, 3)?),
            status: word(row, 4, Status::from_stored)?,
            epoch: column(row, 5)?,
            owner: column(row, 6)?,
            nonce: column(row, 7)?,
        }))
    }
}

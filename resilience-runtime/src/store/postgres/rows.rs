//! From rows to values.

use std::fmt::Display;
use std::time::Duration;

use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, Row, Type};
use uuid::Uuid;

use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::lease::FencingToken;
use crate::store::rows::{Columns, Unreadable};
use crate::timestamp::Timestamp;

/// The value of a column.
pub(super) fn column<'r, T>(row: &'r PgRow, index: usize) -> Result<T, Unreadable>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(index).map_err(Unreadable::because)
}

/// The value of a column that names a worker, or nobody.
pub(super) fn worker(row: &PgRow, index: usize) -> Result<Option<Uuid>, Unreadable> {
    let text: Option<&str> = column(row, index)?;
    let read = |text| {
        Uuid::try_parse(text)
            .map_err(|error| Unreadable::because(format_args!("{text:?}: {error}")))
    };
    text.map(read).transpose()
}

impl Columns for PgRow {
    fn integer(&self, index: usize) -> Result<i64, Unreadable> {
        column(self, index)
    }

    fn integer_if_any(&self, index: usize) -> Result<Option<i64>, Unreadable> {
        column(self, index)
    }

    fn string(&self, index: usize) -> Result<String, Unreadable> {
        column(self, index)
    }

    fn string_if_any(&self, index: usize) -> Result<Option<String>, Unreadable> {
        column(self, index)
    }

    /// In microseconds since 1970.
    fn moment(&self, index: usize) -> Result<Timestamp, Unreadable> {
        column(self, index).map(Timestamp::from_micros)
    }

    /// In microseconds. Negative ones, after the clock was set back, are 0.
    fn duration_if_any(&self, index: usize) -> Result<Option<Duration>, Unreadable> {
        let micros: Option<i64> = column(self, index)?;
        Ok(micros.map(|it| Duration::from_micros(u64::try_from(it).unwrap_or(0))))
    }
}

/// Reads the rows of one answer. What cannot be read was committed all the same.
pub(super) struct Reader {
    pub(super) doing: &'static str,
}

impl Reader {
    /// The value of a column.
    pub(super) fn column<'r, T>(&self, row: &'r PgRow, index: usize) -> Result<T, StoreError>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
    {
        column(row, index).map_err(|unreadable| unreadable.in_doubt(self.doing))
    }

    /// A text that is stored as bytes.
    pub(super) fn content(&self, row: &PgRow, index: usize) -> Result<String, StoreError> {
        let bytes: Vec<u8> = self.column(row, index)?;
        String::from_utf8(bytes).map_err(|error| self.unreadable(error))
    }

    pub(super) fn digest(&self, row: &PgRow, index: usize) -> Result<Digest, StoreError> {
        let bytes: Vec<u8> = self.column(row, index)?;
        let bytes = <[u8; 32]>::try_from(bytes);
        let bytes = bytes.map_err(|_| self.unreadable("a digest has not 32 bytes"))?;
        Ok(Digest::from_bytes(bytes))
    }

    pub(super) fn token(&self, row: &PgRow, index: usize) -> Result<FencingToken, StoreError> {
        let number: i64 = self.column(row, index)?;
        let number = u64::try_from(number).map_err(|error| self.unreadable(error))?;
        Ok(FencingToken::new(number))
    }

    /// Microseconds that may be over.
    pub(super) fn remaining(
        &self,
        row: &PgRow,
        index: usize,
    ) -> Result<Option<Duration>, StoreError> {
        let remaining = row.duration_if_any(index);
        remaining.map_err(|unreadable| unreadable.in_doubt(self.doing))
    }

    pub(super) fn unreadable(&self, error: impl Display) -> StoreError {
        Unreadable::because(error).in_doubt(self.doing)
    }
}

/// As microseconds; what is too long for the server is cut to about 1,000 years.
pub(super) fn micros(duration: Duration) -> i64 {
    const MAX: i64 = 31_556_952_000_000_000;
    i64::try_from(duration.as_micros()).map_or(MAX, |it| it.min(MAX))
}

/// A moment as the server takes it; what is thousands of years away is a little nearer.
pub(super) fn at(moment: Timestamp) -> i64 {
    const FAR: i64 = 60_000_000_000_000_000;
    moment.as_micros().clamp(-FAR, FAR)
}

//! From rows to values.

use std::fmt;

use sqlx::Row;
use sqlx::sqlite::{Sqlite, SqliteRow};

use crate::error::StoreError;
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
    /// In these words.
    pub(super) fn because(text: String) -> Self {
        Self(text)
    }

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

/// The value of a column that counts many things.
pub(super) fn count(row: &SqliteRow, index: usize) -> Result<u64, Unreadable> {
    let number: i64 = column(row, index)?;
    u64::try_from(number).map_err(|_| Unreadable::out_of_range(number))
}

/// The value of a column that says yes or no.
pub(super) fn flag(row: &SqliteRow, index: usize) -> Result<bool, Unreadable> {
    Ok(column::<i64>(row, index)? != 0)
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

/// The same, or nothing.
pub(super) fn word_if_any<T>(
    row: &SqliteRow,
    index: usize,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, Unreadable> {
    match column::<Option<String>>(row, index)? {
        None => Ok(None),
        Some(_) => word(row, index, read).map(Some),
    }
}

/// The value of a column with seconds since 1970.
pub(super) fn moment(row: &SqliteRow, index: usize) -> Result<Timestamp, Unreadable> {
    let seconds: f64 = column(row, index)?;
    Ok(from_seconds(seconds))
}

/// As the tables keep it: until the year 2106 both ways come out the same.
#[expect(clippy::cast_precision_loss, reason = "there are 2^53 µs in 285 years")]
pub(super) fn in_seconds(moment: Timestamp) -> f64 {
    moment.as_micros() as f64 / 1e6
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what is too far away becomes the last moment there is"
)]
fn from_seconds(seconds: f64) -> Timestamp {
    Timestamp::from_micros((seconds * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_both_ways() {
        for millis in (0..4_294_967_295_000_i64).step_by(777_777_777) {
            let moment = Timestamp::from_micros(millis * 1000 + 999);
            assert_eq!(from_seconds(in_seconds(moment)), moment);
        }
        assert_eq!(from_seconds(1e300).as_micros(), i64::MAX);
    }
}

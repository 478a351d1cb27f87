//! From rows to values.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::{Sqlite, SqliteRow};

use crate::store::rows::{Columns, Unreadable};
use crate::timestamp::Timestamp;

/// The value of a column.
pub(super) fn column<'r, T>(row: &'r SqliteRow, index: usize) -> Result<T, Unreadable>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    row.try_get(index).map_err(Unreadable::because)
}

/// The value of a column with a text that may be kept as its bytes.
pub(super) fn string(row: &SqliteRow, index: usize) -> Result<&str, Unreadable> {
    let bytes: &[u8] = column(row, index)?;
    std::str::from_utf8(bytes).map_err(Unreadable::because)
}

/// The value of a column that says yes or no.
pub(super) fn flag(row: &SqliteRow, index: usize) -> Result<bool, Unreadable> {
    Ok(column::<i64>(row, index)? != 0)
}

impl Columns for SqliteRow {
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

    /// In seconds since 1970.
    fn moment(&self, index: usize) -> Result<Timestamp, Unreadable> {
        column(self, index).map(from_seconds)
    }

    /// In seconds. The moments are seconds since 1970: below a microsecond their difference is noise.
    fn duration_if_any(&self, index: usize) -> Result<Option<Duration>, Unreadable> {
        let seconds: Option<f64> = column(self, index)?;
        let micros = seconds.map(|it| Duration::try_from_secs_f64((it * 1e6).round()));
        Ok(micros.map(|it| it.map_or(Duration::MAX, |micros| micros / 1_000_000)))
    }
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

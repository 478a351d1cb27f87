//! From the rows of a database to values, for every database that keeps them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::dlq::{
    AuditEntry, DeadLetter, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority,
};
use crate::error::StoreError;
use crate::saga::journal::{Durations, SagaId};
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
    pub(super) fn because(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }

    /// A row that must be there is not.
    #[cfg(feature = "sqlite")]
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

/// A row, by the types that its columns have in every database.
pub(super) trait Columns {
    fn integer(&self, index: usize) -> Result<i64, Unreadable>;
    fn integer_if_any(&self, index: usize) -> Result<Option<i64>, Unreadable>;
    fn string(&self, index: usize) -> Result<String, Unreadable>;
    fn string_if_any(&self, index: usize) -> Result<Option<String>, Unreadable>;
    /// However the database keeps it.
    fn moment(&self, index: usize) -> Result<Timestamp, Unreadable>;
    /// The time between two moments, however the database keeps that.
    fn duration_if_any(&self, index: usize) -> Result<Option<Duration>, Unreadable>;
}

/// The value of a column that counts something.
pub(super) fn number(row: &impl Columns, index: usize) -> Result<u32, Unreadable> {
    in_range(row.integer(index)?)
}

/// The value of a column that counts many things.
pub(super) fn count(row: &impl Columns, index: usize) -> Result<u64, Unreadable> {
    in_range(row.integer(index)?)
}

fn in_range<N: TryFrom<i64>>(number: i64) -> Result<N, Unreadable> {
    N::try_from(number).map_err(|_| Unreadable::out_of_range(number))
}

/// The value of a column that holds one of a few words.
pub(super) fn word<T>(
    row: &impl Columns,
    index: usize,
    read: fn(&str) -> Option<T>,
) -> Result<T, Unreadable> {
    known(&row.string(index)?, read)
}

/// The same, or nothing.
pub(super) fn word_if_any<T>(
    row: &impl Columns,
    index: usize,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, Unreadable> {
    let word = row.string_if_any(index)?;
    word.map(|word| known(&word, read)).transpose()
}

/// One of a few words.
pub(super) fn known<T>(word: &str, read: fn(&str) -> Option<T>) -> Result<T, Unreadable> {
    read(word).ok_or_else(|| Unreadable::because(format_args!("unknown word {word:?}")))
}

/// The value of a column that holds a rank.
pub(super) fn priority(row: &impl Columns, index: usize) -> Result<Priority, Unreadable> {
    let rank = row.integer(index)?;
    Priority::from_rank(rank).ok_or_else(|| Unreadable::out_of_range(rank))
}

/// The value of a column that names a saga, or none.
pub(super) fn saga_if_any(row: &impl Columns, index: usize) -> Result<Option<SagaId>, Unreadable> {
    let id = row.string_if_any(index)?;
    Ok(id.map(SagaId::from))
}

/// How long sagas took, from four columns from `first` on: the shortest, the mean, the 95th percentile and the longest. `None`
/// if no saga has completed.
pub(super) fn durations(row: &impl Columns, first: usize) -> Result<Option<Durations>, Unreadable> {
    let columns = (
        row.duration_if_any(first)?,
        row.duration_if_any(first + 1)?,
        row.duration_if_any(first + 2)?,
        row.duration_if_any(first + 3)?,
    );
    Ok(match columns {
        (Some(min), Some(mean), Some(p95), Some(max)) => Some(Durations {
            min,
            mean,
            p95,
            max,
        }),
        _ => None,
    })
}

/// A letter from the columns id, saga, its name, kind, operation, dependency, priority, position, arguments, output, error,
/// attempts, status, when it was written and changed, and note.
pub(super) fn dead_letter(row: &impl Columns) -> Result<DeadLetter, Unreadable> {
    let position = row.integer_if_any(7)?;
    Ok(DeadLetter {
        id: row.integer(0)?,
        saga: saga_if_any(row, 1)?,
        saga_name: row.string_if_any(2)?,
        work: NewDeadLetter {
            kind: word(row, 3, DeadLetterKind::from_stored)?,
            operation: row.string(4)?,
            dependency: row.string_if_any(5)?,
            priority: priority(row, 6)?,
            position: position.map(in_range).transpose()?,
            arguments: row.string(8)?,
            output: row.string_if_any(9)?,
            error: row.string(10)?,
            attempts: number(row, 11)?,
        },
        status: word(row, 12, DeadLetterStatus::from_stored)?,
        created_at: row.moment(13)?,
        updated_at: row.moment(14)?,
        note: row.string_if_any(15)?,
    })
}

/// An entry of the audit from the columns moment, operator, action, reason, letter and saga.
pub(super) fn audit_entry(row: &impl Columns) -> Result<AuditEntry, Unreadable> {
    Ok(AuditEntry {
        at: row.moment(0)?,
        operator: row.string(1)?,
        action: row.string(2)?,
        reason: row.string_if_any(3)?,
        letter: row.integer_if_any(4)?,
        saga: saga_if_any(row, 5)?,
    })
}

/// What was read; else it is reported and left out.
pub(super) fn reported<T>(read: Result<T, Unreadable>, what: &'static str) -> Option<T> {
    read.inspect_err(|error| tracing::error!(target: "resilience", %error, "{what}"))
        .ok()
}

/// Text as every database keeps and shows it: PostgreSQL has no NUL characters, SQLite before 3.45 ends a JSON string at
/// one, and the shell of any version ends its output there. So one becomes the visible `␀`. JSON texts have none, they
/// spell it `\u0000`.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The first text behind all that begin with `prefix`, in the order of their bytes. `None` where there is none.
pub(super) fn behind(prefix: &str) -> Option<String> {
    let kept = prefix.trim_end_matches(char::MAX);
    let last = kept.chars().next_back()?;
    // Between these two no character is.
    let next = match last {
        '\u{D7FF}' => '\u{E000}',
        last => char::from_u32(u32::from(last) + 1)?,
    };
    let kept = &kept[..kept.len() - last.len_utf8()];
    Some(format!("{kept}{next}"))
}

#[cfg(test)]
mod tests {
    use super::{behind, text};

    #[test]
    fn a_nul_character_becomes_visible_and_nothing_else_changes() {
        assert_eq!(text("a\0🦀\0"), "a\u{2400}🦀\u{2400}");
        assert_eq!(text("\\u0000 ␀ '🦀\n"), "\\u0000 ␀ '🦀\n");
    }

    #[test]
    fn what_begins_alike_ends_before_what_is_behind_it() {
        for (prefix, expected) in [
            ("0191", Some("0192")),
            ("019", Some("01:")),
            ("a\u{D7FF}", Some("a\u{E000}")),
            ("a\u{10FFFF}\u{10FFFF}", Some("b")),
            ("\u{10FFFF}", None),
            ("", None),
        ] {
            assert_eq!(behind(prefix).as_deref(), expected);
            if let Some(end) = expected {
                let longest = format!("{prefix}\u{10FFFF}\u{10FFFF}");
                assert!(prefix < end && longest.as_str() < end);
            }
        }
    }
}

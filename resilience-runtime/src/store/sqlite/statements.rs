//! The SQL of the writer: one constant piece per kind of change, each for any number of them.
//!
//! A batch is the pieces that its operations need, in the order of [`Part`], between
//! `BEGIN IMMEDIATE` and `COMMIT`. Every piece reads its changes from one parameter of its own, a
//! JSON array with one array per change; nothing is ever spliced into the text. Rows that come back
//! start with the number of the piece and the subject (a key, a saga's id, a dead letter's id).
//!
//! Parameters are written `$1` and not `?1`: SQLite counts the latter from 1 in every statement, also
//! those that the statement does not mention, and the driver gives each of these an argument.
//!
//! `CROSS JOIN` fixes the order of the loops: over the few changes, looking each row up by its
//! key, whatever the planner believes about the size of a JSON array.

mod letters;
mod locks;
mod park;
mod records;
mod sagas;

use std::fmt::Write;

/// A piece of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Part {
    /// Takes running records whose owner is gone, and records that are not accepted.
    Inherit,
    /// Takes keys, and tells what is there.
    Claim,
    /// Stores results.
    Complete,
    /// Ends claims without a result.
    Release,
    /// Deletes some of what is over.
    Expire,
    /// Where sagas stand, their outputs and errors.
    Status,
    /// Steps that came out.
    Steps,
    /// Steps that are undone.
    Undone,
    /// Dead letters whose work is done.
    Settle,
    /// Dead letters whose retry has failed.
    Reopen,
    /// New dead letters of sagas.
    Letters,
    /// Tells which of the writes above had the right epoch.
    Fence,
    /// New sagas.
    Start,
    /// Sagas that change their owner.
    Acquire,
    /// Requests to cancel.
    Cancel,
    /// Dead letters that an operator closes.
    Close,
    /// Dead letters that an operator wants to be tried again.
    Retry,
    /// Dead letters of no saga.
    Add,
    /// Works that change their owner.
    TakeWork,
    /// Works that came out.
    EndWork,
    /// Deletes some of the sagas that are over.
    Purge,
    /// Deletes some of the works that are over.
    PurgeLetters,
    /// Takes locks, or places in their lines, and tells who has them.
    Lock,
    /// Gives locks and places back.
    Unlock,
    /// Parks sagas by hand.
    Park,
}

impl Part {
    const ALL: [Self; 25] = [
        Self::Inherit,
        Self::Claim,
        Self::Complete,
        Self::Release,
        Self::Expire,
        Self::Status,
        Self::Steps,
        Self::Undone,
        Self::Settle,
        Self::Reopen,
        Self::Letters,
        Self::Fence,
        Self::Start,
        Self::Acquire,
        Self::Cancel,
        Self::Close,
        Self::Retry,
        Self::Add,
        Self::TakeWork,
        Self::EndWork,
        Self::Purge,
        Self::PurgeLetters,
        Self::Lock,
        Self::Unlock,
        Self::Park,
    ];

    /// How many pieces there are, which is how many parameters a batch has.
    pub(super) const COUNT: usize = Self::ALL.len();

    /// The number in the rows that come back; the parameter has the next one.
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::Inherit => records::INHERIT,
            Self::Claim => records::CLAIM,
            Self::Complete => records::COMPLETE,
            Self::Release => records::RELEASE,
            Self::Expire => records::EXPIRE,
            Self::Status => sagas::STATUS,
            Self::Steps => sagas::STEPS,
            Self::Undone => sagas::UNDONE,
            Self::Settle => letters::SETTLE,
            Self::Reopen => letters::REOPEN,
            Self::Letters => letters::LETTERS,
            Self::Fence => sagas::FENCE,
            Self::Start => sagas::START,
            Self::Acquire => sagas::ACQUIRE,
            Self::Cancel => sagas::CANCEL,
            Self::Close => letters::CLOSE,
            Self::Retry => letters::RETRY,
            Self::Add => letters::ADD,
            Self::TakeWork => letters::TAKE_WORK,
            Self::EndWork => letters::END_WORK,
            Self::Purge => sagas::PURGE,
            Self::PurgeLetters => letters::PURGE_LETTERS,
            Self::Lock => locks::LOCK,
            Self::Unlock => locks::UNLOCK,
            Self::Park => park::PARK,
        }
    }
}

/// The first column of the row that follows `COMMIT`: without it, a batch did not reach its end.
pub(super) const COMMITTED: i64 = -1;

/// Whether the worker `$1` has unfinished sagas.
pub(super) const HAS_SAGAS: &str = "
SELECT EXISTS (
    SELECT 1 FROM resilience_sagas
    WHERE owner = $1
      AND status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                         'compensation_failed'))";

/// Makes them nobody's.
pub(super) const LEAVE_SAGAS: &str = "
UPDATE resilience_sagas SET owner = '', updated_at = unixepoch('subsec')
WHERE owner = $1
  AND status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                     'compensation_failed')";

/// Whether the worker `$1` does works of dead letters again.
pub(super) const HAS_WORKS: &str = "
SELECT EXISTS (
    SELECT 1 FROM resilience_dead_letters
    WHERE owner = $1 AND kind = 'work' AND status = 'retrying')";

/// Makes them nobody's.
pub(super) const LEAVE_WORKS: &str = "
UPDATE resilience_dead_letters SET owner = NULL, updated_at = unixepoch('subsec')
WHERE owner = $1 AND kind = 'work' AND status = 'retrying'";

/// The text of a batch with these parts.
pub(super) fn batch(includes: impl Fn(Part) -> bool) -> String {
    let mut text = String::from("BEGIN IMMEDIATE;\n");
    for part in Part::ALL.into_iter().filter(|part| includes(*part)) {
        text.push_str(part.sql());
    }
    let _ = write!(text, "COMMIT;\nSELECT {COMMITTED};");
    text
}

/// The text of these parts in a transaction that is there already. Their parameters are the first ones, in this order.
pub(super) fn within_transaction(parts: &[Part]) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        let (its, here) = (part.index() + 1, index + 1);
        let changes = format!("json_each(${its})");
        text.push_str(&part.sql().replace(&changes, &format!("json_each(${here})")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_statement_looks_through_a_whole_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut connection = super::super::connection::prepare(&path).await.unwrap();
        let mut plans = 0;
        for part in Part::ALL {
            for statement in part.sql().split(';').filter(|text| !text.trim().is_empty()) {
                let text = format!("EXPLAIN QUERY PLAN {statement}");
                let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
                for _ in 0..Part::COUNT {
                    query = query.bind("[]");
                }
                for row in query.fetch_all(&mut connection).await.unwrap() {
                    let detail: String = sqlx::Row::get(&row, 3);
                    let is_changes = detail.contains("VIRTUAL TABLE")
                        || detail == "SCAN family"
                        || detail == "SCAN change";
                    let scans = detail.contains("SCAN") && !is_changes;
                    assert!(!scans, "{part:?}: {detail}");
                    assert!(!detail.contains("by_status"), "{part:?}: {detail}");
                    plans += 1;
                }
            }
        }
        assert!(plans > 30, "{plans}");
    }

    #[test]
    fn parts_answer_and_read_under_their_own_number() {
        for part in Part::ALL {
            let parameter = format!("json_each(${})", part.index() + 1);
            let count = part.sql().matches("json_each(").count();
            assert_eq!(part.sql().matches(&parameter).count(), count, "{part:?}");
            for answer in part.sql().split("RETURNING ").skip(1) {
                assert!(
                    answer.starts_with(&format!("{}, ", part.index())),
                    "{part:?}"
                );
            }
        }
        assert!(Part::ALL.is_sorted());
    }
}

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

mod locks;
mod records;

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
    /// Tells which writes have the right epoch.
    Fence,
    /// Status, output and error of sagas.
    Status,
    /// Finished steps.
    Steps,
    /// Steps that are undone.
    Undone,
    /// Dead letters whose work is done.
    Settle,
    /// New dead letters.
    Letters,
    /// New sagas.
    Start,
    /// Sagas that change their owner.
    Acquire,
    /// Dead letters that an operator closes.
    Resolve,
    /// Takes locks, or places in their lines, and tells who has them.
    Lock,
    /// Gives locks and places back.
    Unlock,
}

impl Part {
    const ALL: [Self; 16] = [
        Self::Inherit,
        Self::Claim,
        Self::Complete,
        Self::Release,
        Self::Expire,
        Self::Fence,
        Self::Status,
        Self::Steps,
        Self::Undone,
        Self::Settle,
        Self::Letters,
        Self::Start,
        Self::Acquire,
        Self::Resolve,
        Self::Lock,
        Self::Unlock,
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
            Self::Fence => FENCE,
            Self::Status => STATUS,
            Self::Steps => STEPS,
            Self::Undone => UNDONE,
            Self::Settle => SETTLE,
            Self::Letters => LETTERS,
            Self::Start => START,
            Self::Acquire => ACQUIRE,
            Self::Resolve => RESOLVE,
            Self::Lock => locks::LOCK,
            Self::Unlock => locks::UNLOCK,
        }
    }
}

/// The first column of the row that follows `COMMIT`: without it, a batch did not reach its end.
pub(super) const COMMITTED: i64 = -1;

/// The text of a batch with these parts.
pub(super) fn batch(includes: impl Fn(Part) -> bool) -> String {
    let mut text = String::from("BEGIN IMMEDIATE;\n");
    for part in Part::ALL.into_iter().filter(|part| includes(*part)) {
        text.push_str(part.sql());
    }
    let _ = write!(text, "COMMIT;\nSELECT {COMMITTED};");
    text
}

// [saga, epoch]
const FENCE: &str = "
SELECT 5, saga.id
FROM json_each($6) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1;
";

// [saga, epoch, status, output, error]; null leaves what is there
const STATUS: &str = "
UPDATE resilience_sagas AS saga
SET status = coalesce(change.value ->> 2, saga.status),
    output = coalesce(change.value ->> 3, saga.output),
    error = coalesce(change.value ->> 4, saga.error),
    updated_at = unixepoch('subsec')
FROM json_each($7) AS change
WHERE saga.id = change.value ->> 0 AND saga.epoch = change.value ->> 1;
";

// [saga, epoch, position, step, occurrence, arguments, output, undone]
//
// The same step at the same position is the same write, made again because its first outcome was
// not known. Another step there would be lost without a trace: NULL in a column that must not be
// NULL makes the whole write fail.
const STEPS: &str = "
INSERT INTO resilience_saga_steps
    (saga_id, position, step, occurrence, arguments, output, undone, finished_at)
SELECT saga.id, change.value ->> 2, change.value ->> 3, change.value ->> 4, change.value ->> 5,
       change.value ->> 6, change.value ->> 7, unixepoch('subsec')
FROM json_each($8) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1
ON CONFLICT (saga_id, position) DO UPDATE SET
    step = CASE WHEN step = excluded.step AND occurrence = excluded.occurrence
                THEN step END,
    arguments = excluded.arguments, output = excluded.output, undone = excluded.undone;
";

// [saga, epoch, position]
const UNDONE: &str = "
UPDATE resilience_saga_steps AS step
SET undone = 1
FROM json_each($9) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1
  AND step.saga_id = change.value ->> 0
  AND step.position = change.value ->> 2;
";

// [saga, epoch]
const SETTLE: &str = "
UPDATE resilience_dead_letters
SET status = 'settled', updated_at = unixepoch('subsec')
WHERE id IN (
    SELECT letter.id
    FROM json_each($10) AS change
    CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
    CROSS JOIN resilience_dead_letters AS letter ON letter.saga_id = saga.id
    WHERE saga.epoch = change.value ->> 1 AND letter.status = 'open'
);
";

// [saga, epoch, kind, operation, arguments, output, error, attempts]
//
// A saga has at most one open letter. Attempts add up as long as it is about the same work.
const LETTERS: &str = "
INSERT INTO resilience_dead_letters
    (saga_id, saga_name, kind, operation, arguments, output, error, attempts, status,
     created_at, updated_at)
SELECT saga.id, saga.name, change.value ->> 2, change.value ->> 3, change.value ->> 4,
       change.value ->> 5, change.value ->> 6, change.value ->> 7, 'open',
       unixepoch('subsec'), unixepoch('subsec')
FROM json_each($11) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1
ON CONFLICT (saga_id) WHERE status = 'open' DO UPDATE SET
    attempts = excluded.attempts + CASE
        WHEN kind = excluded.kind AND operation = excluded.operation
             AND arguments = excluded.arguments
        THEN attempts ELSE 0 END,
    kind = excluded.kind, operation = excluded.operation, arguments = excluded.arguments,
    output = excluded.output, error = excluded.error, updated_at = excluded.updated_at;
";

// [saga, name, key, input, owner, seconds for which a completed saga keeps the key]
//
// Nothing is written to a saga after its end, so that `updated_at` of a completed one is when it
// ended. `<> 'compensated'` says nothing new; it is what lets SQLite use the index by key.
const START: &str = "
UPDATE resilience_sagas SET key = NULL WHERE id IN (
    SELECT other.id
    FROM json_each($12) AS change
    CROSS JOIN resilience_sagas AS other ON other.key = change.value ->> 2
    WHERE other.key IS NOT NULL AND other.status <> 'compensated'
      AND other.status = 'completed'
      AND other.id <> change.value ->> 0
      AND other.updated_at + (change.value ->> 5) <= unixepoch('subsec')
);
INSERT INTO resilience_sagas
    (id, name, key, input, status, epoch, owner, created_at, updated_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'running', 1, value ->> 4,
       unixepoch('subsec'), unixepoch('subsec')
FROM json_each($12) AS change
WHERE NOT EXISTS (
    SELECT 1 FROM resilience_sagas AS other
    WHERE other.key = change.value ->> 2 AND other.key IS NOT NULL
      AND other.status <> 'compensated'
)
ON CONFLICT (id) DO NOTHING;
SELECT 11, change.value ->> 0, saga.id, saga.status, saga.epoch, saga.owner
FROM json_each($12) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = coalesce(
    (SELECT other.id FROM resilience_sagas AS other
     WHERE other.key = change.value ->> 2 AND other.key IS NOT NULL
       AND other.status <> 'compensated'),
    change.value ->> 0
);
";

// [saga, epoch, status, new status, new owner]
const ACQUIRE: &str = "
UPDATE resilience_sagas AS saga
SET status = change.value ->> 3, epoch = saga.epoch + 1, owner = change.value ->> 4,
    updated_at = unixepoch('subsec')
FROM json_each($13) AS change
WHERE saga.id = change.value ->> 0
  AND saga.epoch = change.value ->> 1
  AND saga.status = change.value ->> 2
RETURNING 12, id;
";

// [dead letter, note]
//
// A letter whose saga is being undone again (an operator retried it) is not closed. The epoch of
// the saga moves on, so that nobody who had it once can write to it. The `+` keeps SQLite from
// looking through all open letters.
const RESOLVE: &str = "
UPDATE resilience_dead_letters AS letter
SET status = 'resolved', note = change.value ->> 1, updated_at = unixepoch('subsec')
FROM json_each($14) AS change
WHERE letter.id = change.value ->> 0
  AND +letter.status = 'open'
  AND EXISTS (SELECT 1 FROM resilience_sagas AS saga
              WHERE saga.id = letter.saga_id AND saga.status = 'dead')
RETURNING 13, CAST(id AS TEXT);
UPDATE resilience_sagas
SET status = 'compensated', epoch = epoch + 1, updated_at = unixepoch('subsec')
WHERE status = 'dead' AND id IN (
    SELECT letter.saga_id
    FROM json_each($14) AS change
    CROSS JOIN resilience_dead_letters AS letter ON letter.id = change.value ->> 0
    WHERE letter.status = 'resolved'
);
";

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
                    let is_changes = detail.contains("VIRTUAL TABLE");
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

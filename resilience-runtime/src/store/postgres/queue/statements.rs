//! The SQL of the dead letter queue. What operators do are functions of the migration.

use super::super::journal::statements::micros;

/// What is read of the row `letter`.
macro_rules! letter {
    () => {
        concat!(
            "letter.id, letter.saga_id, letter.saga_name, letter.kind, letter.operation, letter.dependency, \
             letter.priority::int8, letter.position, letter.arguments::text, letter.output::text, letter.error, \
             letter.attempts, letter.status, ",
            micros!("letter.created_at"),
            ", ",
            micros!("letter.updated_at"),
            ", letter.note"
        )
    };
}

/// `$1` statuses as a JSON array, `$2` kind, `$3` operation, `$4` dependency, `$5` saga, `$6` the lowest priority, `$7` since
/// and `$8` before when; NULL for all of them. `$9` the last id of the page before, `$10` at most how many. The oldest
/// first, and the newest first.
macro_rules! list {
    ($which:literal) => {
        [list!($which, ">", ""), list!($which, "<", " DESC")]
    };
    ($which:literal, $beyond:literal, $direction:literal) => {
        concat!(
            "SELECT ",
            letter!(),
            "
FROM resilience_dead_letters AS letter
WHERE ",
            $which,
            "
  AND ($1::text IS NULL OR status IN (SELECT json_array_elements_text($1::json)))
  AND ($2::text IS NULL OR kind = $2)
  AND ($3::text IS NULL OR operation = $3)
  AND ($4::text IS NULL OR dependency = $4)
  AND ($5::text IS NULL OR saga_id = $5)
  AND ($6::int8 IS NULL OR priority >= $6)
  AND created_at >= coalesce(timestamptz 'epoch' + $7::int8 * interval '1 microsecond', '-infinity')
  AND created_at < coalesce(timestamptz 'epoch' + $8::int8 * interval '1 microsecond', 'infinity')
  AND id ",
            $beyond,
            " $9
ORDER BY id",
            $direction,
            "
LIMIT $10"
        )
    };
}

pub(super) const LIST: [&str; 2] = list!("true");
/// The same where each has an index that is small.
pub(super) const LIST_UNRESOLVED: [&str; 2] = list!("status IN ('open', 'retrying')");
pub(super) const LIST_OF_SAGA: [&str; 2] = list!("saga_id = $5");

/// `$1` id.
pub(super) const GET: &str = concat!(
    "SELECT ",
    letter!(),
    " FROM resilience_dead_letters AS letter WHERE id = $1"
);

/// `$1` operation, `$2` arguments, `$3` error, `$4` dependency, `$5` priority, `$6` output, `$7` attempts, `$8` who, `$9`
/// why, `$10` the nonce of the caller.
pub(super) const ADD: &str =
    "SELECT resilience_dead_letter_add($1, $2::json, $3, $4, $5, $6::json, $7, $8, $9, $10)";

/// `$1` id, `$2` who, `$3` note, `$4` why, `$5` nonce.
pub(super) const RESOLVE: &str = "SELECT resilience_dead_letter_resolve($1, $2, $3, $4, $5::uuid)";

/// `$1` id, `$2` who, `$3` why, `$4` nonce.
pub(super) const DISCARD: &str = "SELECT resilience_dead_letter_discard($1, $2, $3, $4::uuid)";

/// `$1` id, `$2` who, `$3` why, `$4` whether as a compensation, `$5` nonce.
pub(super) const RETRY: &str = "SELECT resilience_dead_letter_retry($1, $2, $3, $4, $5::uuid)";

/// `$1` operations as a JSON array, `$2` at most how many, `$3` the worker that takes them, `$4` the nonce of this time,
/// `$5` nonces under which some may have been taken that nobody was told of, `$6` all ids of the worker.
pub(super) const TAKE_WORK: &str = concat!(
    "
WITH free AS (
    SELECT id FROM resilience_dead_letters AS letter
    WHERE status = 'retrying' AND kind = 'work'
      AND operation IN (SELECT json_array_elements_text($1::json))
      AND NOT EXISTS (SELECT FROM resilience_workers AS worker
                      WHERE worker.id = letter.owner AND worker.lease_end > clock_timestamp())
      AND (owner IS NULL OR owner NOT IN (SELECT json_array_elements_text($6::json)::uuid))
      AND nonce <> $4::uuid
    ORDER BY id
    LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE resilience_dead_letters AS letter
    SET owner = $3::uuid, nonce = $4::uuid, updated_at = clock_timestamp()
    FROM free
    WHERE letter.id = free.id
    RETURNING letter.*
)
SELECT ",
    letter!(),
    " FROM taken AS letter
UNION ALL
SELECT ",
    letter!(),
    "
FROM resilience_dead_letters AS letter
WHERE status = 'retrying' AND kind = 'work'
  AND nonce IN (SELECT json_array_elements_text($5::json)::uuid)
  AND id NOT IN (SELECT id FROM taken)"
);

/// `$1` id, `$2` the error, or NULL where it is done, `$3` all ids of the worker, `$4` nonce.
pub(super) const END_WORK: &str = "
WITH ended AS (
    UPDATE resilience_dead_letters AS letter
    SET status = CASE WHEN $2::text IS NULL THEN 'settled' ELSE 'open' END, error = coalesce($2, letter.error),
        attempts = CASE WHEN $2::text IS NULL THEN letter.attempts ELSE least(letter.attempts + 1, 4294967295) END,
        owner = NULL, nonce = $4::uuid, updated_at = clock_timestamp()
    WHERE id = $1 AND status = 'retrying' AND kind = 'work'
      AND owner IN (SELECT json_array_elements_text($3::json)::uuid)
    RETURNING letter.id
)
SELECT id FROM ended
UNION ALL
SELECT id FROM resilience_dead_letters WHERE id = $1 AND nonce = $4::uuid AND NOT EXISTS (SELECT FROM ended)";

pub(super) const STATISTICS: &str = concat!(
    "SELECT by, value, letters, ",
    micros!("oldest"),
    " FROM resilience_dead_letter_stats()"
);

pub(super) const UNRESOLVED: &str =
    "SELECT count(*) FROM resilience_dead_letters WHERE status IN ('open', 'retrying')";

/// What is read of the row `entry`.
macro_rules! entry {
    () => {
        concat!(
            "SELECT ",
            micros!("entry.at"),
            ", entry.operator, entry.action, entry.reason, entry.letter, entry.saga FROM resilience_audit AS entry "
        )
    };
}

/// `$1` letter.
pub(super) const AUDIT: &str = concat!(
    entry!(),
    "
WHERE entry.letter = $1
   OR entry.letter IS NULL AND entry.saga = (SELECT saga_id FROM resilience_dead_letters WHERE id = $1)
ORDER BY entry.id"
);

/// `$1` saga.
pub(super) const AUDIT_OF_SAGA: &str = concat!(entry!(), "WHERE entry.saga = $1 ORDER BY entry.id");

/// `$1` microseconds, `$2` at most how many. The audit goes with them, by the foreign key.
pub(super) const PURGE: &str = "
WITH old AS (
    SELECT id FROM resilience_dead_letters
    WHERE kind = 'work' AND status NOT IN ('open', 'retrying')
      AND updated_at <= statement_timestamp() - $1 * interval '1 microsecond'
    ORDER BY updated_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM resilience_dead_letters WHERE id IN (SELECT id FROM old) RETURNING id
)
SELECT count(*) FROM gone";

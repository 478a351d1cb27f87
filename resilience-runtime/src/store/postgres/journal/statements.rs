//! The SQL of the journal. Each text is one statement, and with that one round trip and one transaction.
//! Everything is a parameter; nothing is ever spliced into a text.
//!
//! What the parts of a statement see of other transactions is as of its begin, even where one of them has
//! waited for a row. Two rules keep that from doing harm:
//! - A write to a saga locks the row of the saga first (`fence`) and goes on only if the epoch is right in the
//!   newest version of the row. Whoever writes under an epoch is alone with it.
//! - Whether a saga is still the one that was looked at is decided by columns of its own row (`id`, `epoch`,
//!   `owner`), which PostgreSQL compares again in the newest version after it has waited.
//!
//! A step at a position that is taken by the same step is the same write, made again because its first outcome was not
//! known, or what a step in doubt came to. Another step there would be lost without a trace: NULL in a column that
//! must not be NULL makes the whole write fail.

/// The moment in a column, in microseconds since 1970.
macro_rules! micros {
    ($moment:literal) => {
        concat!("(extract(epoch FROM ", $moment, ") * 1000000)::int8")
    };
}

/// What [`saga`](super::rows::saga) reads of the row `saga`, and who has it.
macro_rules! columns {
    () => {
        concat!(
            "saga.id, saga.name, saga.version, saga.key, saga.input, saga.status, saga.parking, saga.epoch, ",
            "saga.interruptions, saga.pivoted, saga.cancelled, saga.output, saga.error, saga.failure, saga.parent, ",
            micros!("saga.created_at"),
            ", ",
            micros!("saga.updated_at"),
            ", ",
            micros!("saga.deadline"),
            ", ",
            micros!("clock_timestamp()"),
            ", coalesce((SELECT json_agg(json_build_array(position, step, occurrence, arguments, outcome, output, \
             compensation, undone, ",
            micros!("finished_at"),
            ") ORDER BY position) FROM resilience_saga_steps WHERE saga_id = saga.id)::text, '[]'), saga.owner::text"
        )
    };
}

/// What statuses a saga has that nobody has to work on.
macro_rules! at_rest {
    () => {
        "('completed', 'compensated', 'failed', 'resolved', 'compensation_failed', 'parked')"
    };
}

/// The end of an insertion of steps: one that is there already, as it is, or in doubt, or as another one.
macro_rules! unless_there {
    () => {
        " ON CONFLICT (saga_id, position) DO UPDATE SET \
         step = CASE WHEN step.step = excluded.step AND step.occurrence = excluded.occurrence THEN step.step END, \
         arguments = excluded.arguments, outcome = excluded.outcome, output = excluded.output, \
         compensation = excluded.compensation, undone = excluded.undone, finished_at = excluded.finished_at \
         WHERE step.step <> excluded.step OR step.occurrence <> excluded.occurrence \
         OR step.outcome = 'in_doubt' AND excluded.outcome <> 'in_doubt'"
    };
}

/// Steps from a JSON array into the table, for the rows of `fence`; `$saga` is the id of each.
macro_rules! record_steps {
    ($from:literal, $saga:literal) => {
        concat!(
            "INSERT INTO resilience_saga_steps AS step (saga_id, position, step, occurrence, arguments, outcome, \
             output, compensation, undone, finished_at) \
             SELECT fence.id, change.position, change.step, change.occurrence, change.arguments, change.outcome, \
             change.output, change.compensation, change.undone, statement_timestamp() FROM json_to_recordset(",
            $from,
            "::json) AS change (saga text, position int8, step text, occurrence int8, arguments text, outcome text, \
             output text, compensation text, undone bool) JOIN fence ON fence.id = ",
            $saga,
            unless_there!()
        )
    };
}

/// The `SET` of a write to the row of its saga. NULL leaves the value that is there.
macro_rules! changes {
    ($status:literal, $output:literal, $error:literal, $failure:literal, $pivots:literal) => {
        concat!(
            "SET status = coalesce(",
            $status,
            ", saga.status), output = coalesce(",
            $output,
            ", saga.output), error = CASE WHEN ",
            $status,
            " = 'completed' THEN NULL ELSE coalesce(",
            $error,
            ", saga.error) END, failure = coalesce(",
            $failure,
            ", saga.failure), pivoted = saga.pivoted OR ",
            $pivots,
            ", parking = CASE WHEN ",
            $status,
            "::text IS NULL THEN saga.parking END, updated_at = CASE WHEN ",
            $status,
            " <> saga.status THEN statement_timestamp() ELSE saga.updated_at END"
        )
    };
}

/// The same as the `fence` of a write to one saga, `$1`, under the epoch `$2`.
macro_rules! write_saga {
    ($($change:literal),*) => {
        concat!(
            "UPDATE resilience_sagas AS saga ",
            changes!($($change),*),
            " WHERE id = $1 AND epoch = $2 \
             RETURNING id, cancelled AND NOT pivoted AND status = 'running' AS cancelled"
        )
    };
}

pub(in super::super) use {at_rest, columns, micros, record_steps, unless_there};

/// `$1` id, `$2` name, `$3` key, `$4` input, `$5` owner or NULL, `$6` microseconds for which a completed saga keeps the
/// key, `$7` version, `$8` microseconds until the deadline, or NULL, `$9` parent, `$10` nonce where the id is given,
/// `$11` the epoch.
///
/// One row: whether the saga is new, and if not, what is there instead, and whether its owner is alive. No row
/// where something has changed while this statement waited.
///
/// Nothing but its being undone is written to a saga after its end, so that `updated_at` of a completed one is when it
/// ended. `freed` is counted to have it happen before the insertion, which needs the key. Where nobody owns the new
/// saga, those who wait for work are told.
pub(in super::super) const START: &str = concat!(
    "
WITH freed AS (
    UPDATE resilience_sagas AS other SET key = NULL
    WHERE other.key = $3 AND other.status = 'completed' AND other.id <> $1
      AND extract(epoch FROM clock_timestamp() - other.updated_at) * 1000000 >= $6
      AND NOT EXISTS (SELECT FROM resilience_sagas AS same WHERE same.id = $1)
    RETURNING other.id
), new AS (
    INSERT INTO resilience_sagas AS saga
        (id, name, key, input, status, epoch, owner, created_at, updated_at, version, deadline, parent, nonce)
    SELECT $1, $2, $3, $4, 'running', $11, $5::uuid, statement_timestamp(), statement_timestamp(), $7,
           statement_timestamp() + $8::int8 * interval '1 microsecond', $9, $10::uuid
    FROM (SELECT count(*) FROM freed) AS after
    ON CONFLICT DO NOTHING
    RETURNING saga.*
), there AS (
    SELECT saga.*
    FROM resilience_sagas AS saga
    WHERE NOT EXISTS (SELECT FROM new)
      AND (saga.id = $1
           OR (saga.key = $3 AND saga.status NOT IN ('compensated', 'failed', 'resolved')
               AND NOT (saga.status = 'completed'
                        AND extract(epoch FROM clock_timestamp() - saga.updated_at) * 1000000 >= $6)))
    ORDER BY saga.id <> $1
    LIMIT 1
)
SELECT ",
    columns!(),
    ", true AS alive, true AS new, false AS same,
       CASE WHEN saga.owner IS NULL THEN pg_notify('resilience_sagas', '')::text END
FROM new AS saga
UNION ALL
SELECT ",
    columns!(),
    ",
       EXISTS (SELECT FROM resilience_workers AS worker
               WHERE worker.id = saga.owner AND worker.lease_end > clock_timestamp()),
       false, saga.nonce IS NOT DISTINCT FROM $10::uuid, NULL::text
FROM there AS saga"
);

/// The same for a saga whose id nobody else can have: `$1` id, `$2` name, `$3` input, `$4` owner, `$5` version, `$6`
/// microseconds until the deadline, or NULL, `$7` parent. No row where the saga is there: [`START`] says how.
pub(super) const BEGIN: &str = concat!(
    "
INSERT INTO resilience_sagas AS saga
    (id, name, input, status, epoch, owner, created_at, updated_at, version, deadline, parent)
VALUES ($1, $2, $3, 'running', 1, $4::uuid, statement_timestamp(), statement_timestamp(), $5,
        statement_timestamp() + $6::int8 * interval '1 microsecond', $7)
ON CONFLICT DO NOTHING
RETURNING ",
    micros!("saga.created_at")
);

/// `$1` saga, `$2` epoch, `$3` steps. A write of steps and nothing else: the row of the saga is locked, and stays.
pub(in super::super) const RECORD: &str = concat!(
    "
WITH fence AS (
    SELECT id, cancelled AND NOT pivoted AND status = 'running' AS cancelled FROM resilience_sagas
    WHERE id = $1 AND epoch = $2
    FOR NO KEY UPDATE
), steps AS (",
    record_steps!("$3", "$1"),
    ")
SELECT cancelled FROM fence"
);

/// `$1` saga, `$2` epoch, `$3` steps, `$4` status, `$5` output, `$6` error, `$7` failure (null leaves what is there),
/// `$8` whether a pivot is among the steps.
pub(super) const END: &str = concat!(
    "
WITH fence AS (",
    write_saga!("$4", "$5", "$6", "$7", "$8"),
    "), steps AS (",
    record_steps!("$3", "$1"),
    ")
SELECT cancelled FROM fence"
);

/// [`RECORD`] of one step, which nobody has asked to cancel, for half of what the server does for that one: `$1` saga, `$2`
/// epoch, `$3` position, `$4` step, `$5` occurrence, `$6` arguments, `$7` outcome, `$8` output, `$9` compensation, `$10` undone.
/// No row where nothing is written, for whatever reason.
pub(super) const RECORD_ONE: &str = "
INSERT INTO resilience_saga_steps
    (saga_id, position, step, occurrence, arguments, outcome, output, compensation, undone, finished_at)
SELECT id, $3, $4, $5, $6, $7, $8, $9, $10, statement_timestamp()
FROM resilience_sagas
WHERE id = $1 AND epoch = $2 AND NOT (cancelled AND NOT pivoted AND status = 'running')
FOR NO KEY UPDATE
ON CONFLICT DO NOTHING
RETURNING false";

/// [`END`] with one step: `$1` to `$10` as of [`RECORD_ONE`], `$11` status, `$12` output, `$13` error, `$14` failure, `$15`
/// whether it is a pivot. No row where nothing is written, or where the step is there already.
pub(super) const END_ONE: &str = concat!(
    "
WITH fence AS (",
    write_saga!("$11", "$12", "$13", "$14", "$15"),
    ")
INSERT INTO resilience_saga_steps AS step
    (saga_id, position, step, occurrence, arguments, outcome, output, compensation, undone, finished_at)
SELECT id, $3, $4, $5, $6, $7, $8, $9, $10, statement_timestamp()
FROM fence",
    unless_there!(),
    "
RETURNING (SELECT cancelled FROM fence)"
);

/// `$1` sagas that begin, `$2` who owns them, `$3` writes to sagas, `$4` the steps of all of them; each a JSON array of
/// objects. No saga is in it twice.
///
/// A row for each saga that is written, with its beginning or whether somebody has asked to cancel it. What would have to
/// wait for somebody is left out, and so is what is not to be written: it is asked alone then.
pub(super) const TOGETHER: &str = concat!(
    "
WITH new AS (
    INSERT INTO resilience_sagas AS saga
        (id, name, input, status, epoch, owner, created_at, updated_at, version, deadline, parent)
    SELECT id, name, input, 'running', 1, $2::uuid, statement_timestamp(), statement_timestamp(), version,
           statement_timestamp() + timeout * interval '1 microsecond', parent
    FROM json_to_recordset($1::json)
        AS new (id text, name text, input text, version int8, timeout int8, parent text)
    ON CONFLICT DO NOTHING
    RETURNING saga.id, ",
    micros!("saga.created_at"),
    " AS created_at
), fence AS (
    SELECT saga.id, saga.cancelled AND NOT saga.pivoted AND NOT write.pivots
               AND coalesce(write.status, saga.status) = 'running' AS cancelled,
           write.status, write.output, write.error, write.failure, write.pivots
    FROM json_to_recordset($3::json)
        AS write (id text, epoch int8, status text, output text, error text, failure text, pivots bool)
    JOIN resilience_sagas AS saga ON saga.id = write.id AND saga.epoch = write.epoch
    FOR NO KEY UPDATE OF saga SKIP LOCKED
), changed AS (
    UPDATE resilience_sagas AS saga ",
    changes!(
        "fence.status",
        "fence.output",
        "fence.error",
        "fence.failure",
        "fence.pivots"
    ),
    "
    FROM fence
    WHERE saga.id = fence.id
      AND (fence.pivots OR coalesce(fence.status, fence.output, fence.error, fence.failure) IS NOT NULL)
), steps AS (",
    record_steps!("$4", "change.saga"),
    ")
SELECT id, created_at, NULL::bool FROM new
UNION ALL
SELECT id, NULL::int8, cancelled FROM fence"
);

/// See the function in the migration. `$1` saga, `$2` epoch, `$3` status, `$4` parking, `$5` output, `$6` error, `$7`
/// failure, `$8` pivots, `$9` steps, `$10` undone, `$11` what is settled, `$12` at which position, `$13` the letter, `$14`
/// nonce.
pub(super) const ADVANCE: &str = "
SELECT * FROM resilience_advance($1, $2, $3, $4, $5, $6, $7, $8, $9::json, $10, $11, $12, $13::json, $14::uuid)";

/// `$1` id. The saga with its steps.
pub(super) const LOAD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM resilience_sagas AS saga WHERE saga.id = $1"
);

/// See the function in the migration. `$1` id, `$2` who asks, `$3` why, `$4` nonce.
pub(super) const CANCEL: &str = "SELECT resilience_saga_cancel($1, $2, $3, $4::uuid)";

/// See the function in the migration. `$1` id, `$2` epoch, `$3` status, `$4` what it becomes, `$5` parking, `$6` error, `$7` the
/// letter, `$8` the ids of this worker as a JSON array, `$9` who asks, `$10` why, `$11` nonce.
pub(super) const PARK: &str = "
SELECT found, letter_of, owned_by
FROM resilience_park($1, $2, $3, $4, $5, $6, $7::json, $8::json, $9, $10, $11::uuid)";

/// `$1` the ids of this worker as a JSON array.
pub(super) const CANCELLED: &str = "
SELECT id FROM resilience_sagas
WHERE cancelled AND status = 'running' AND NOT pivoted
  AND owner IN (SELECT json_array_elements_text($1::json)::uuid)
ORDER BY id";

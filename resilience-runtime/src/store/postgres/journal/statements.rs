//! The SQL of the journal. Each text is one statement, and with that one round trip and one transaction.
//! Everything is a parameter; nothing is ever spliced into a text.
//!
//! What the parts of a statement see of other transactions is as of its begin, even where one of them has
//! waited for a row. Two rules keep that from doing harm:
//! - A write to a saga locks the row of the saga first (`fence`) and goes on only if the epoch is right in the
//!   newest version of the row. Whoever writes under an epoch is alone with it.
//! - Whether a saga is still the one that was looked at is decided by columns of its own row (`id`, `epoch`,
//!   `owner`), which PostgreSQL compares again in the newest version after it has waited.

/// `$1` id, `$2` name, `$3` key, `$4` input, `$5` owner, `$6` microseconds for which a completed saga keeps the key.
///
/// One row: whether the saga is new, and if not, what is there instead, and whether its owner is alive. No row
/// where something has changed while this statement waited.
///
/// Nothing is written to a saga after its end, so that `updated_at` of a completed one is when it ended.
/// `freed` is counted to have it happen before the insertion, which needs the key.
pub(super) const START: &str = "
WITH freed AS (
    UPDATE resilience_sagas AS other SET key = NULL
    WHERE other.key = $3 AND other.status = 'completed' AND other.id <> $1
      AND extract(epoch FROM clock_timestamp() - other.updated_at) * 1000000 >= $6
      AND NOT EXISTS (SELECT FROM resilience_sagas AS same WHERE same.id = $1)
    RETURNING other.id
), new AS (
    INSERT INTO resilience_sagas
        (id, name, key, input, status, epoch, owner, created_at, updated_at)
    SELECT $1, $2, $3, $4, 'running', 1, $5::uuid, clock_timestamp(), clock_timestamp()
    FROM (SELECT count(*) FROM freed) AS after
    ON CONFLICT DO NOTHING
    RETURNING id, name, key, input, status, epoch, output, error, owner
), there AS (
    SELECT saga.*
    FROM resilience_sagas AS saga
    WHERE NOT EXISTS (SELECT FROM new)
      AND (saga.id = $1
           OR (saga.key = $3 AND saga.status <> 'compensated'
               AND NOT (saga.status = 'completed'
                        AND extract(epoch FROM clock_timestamp() - saga.updated_at) * 1000000 >= $6)))
    ORDER BY saga.id = $1
    LIMIT 1
)
SELECT id, name, key, input, status, epoch, output, error, '[]' AS steps,
       owner::text, true AS alive, true AS new
FROM new
UNION ALL
SELECT id, name, key, input, status, epoch, output, error,
       coalesce((SELECT json_agg(json_build_array(position, step, occurrence, arguments, output, undone)
                                 ORDER BY position)
                 FROM resilience_saga_steps WHERE saga_id = there.id)::text, '[]'),
       owner::text,
       EXISTS (SELECT FROM resilience_workers AS worker
               WHERE worker.id = there.owner AND worker.lease_end > clock_timestamp()),
       false
FROM there";

/// `$1` saga, `$2` epoch, `$3` status, `$4` output, `$5` error (null leaves what is there), `$6` finished steps (a JSON
/// array of objects), `$7` the position of a step that is undone now, `$8` whether the open letter is settled; a
/// new letter, or nulls: `$9` kind, `$10` operation, `$11` arguments, `$12` output, `$13` error, `$14` attempts;
/// `$15` a nonce, by which this write knows its own letter when it is made again.
///
/// One row, or none where the epoch is another one.
///
/// The same step at the same position is the same write, made again because its first outcome was not known.
/// Another step there would be lost without a trace: NULL in a column that must not be NULL makes the whole
/// write fail. A saga has at most one open letter; attempts add up as long as it is about the same work.
/// Letters are written one after another (`turn`), so that their ids are in the order of the commits: who
/// reads them in pages misses none.
pub(super) const ADVANCE: &str = "
WITH fence AS (
    SELECT id, name FROM resilience_sagas
    WHERE id = $1 AND epoch = $2
    FOR NO KEY UPDATE
), saga AS (
    UPDATE resilience_sagas AS saga
    SET status = coalesce($3, saga.status), output = coalesce($4, saga.output),
        error = coalesce($5, saga.error), updated_at = clock_timestamp()
    FROM fence
    WHERE saga.id = fence.id AND coalesce($3, $4, $5) IS NOT NULL
), change AS MATERIALIZED (
    SELECT * FROM json_to_recordset($6::json)
        AS change (position int8, step text, occurrence int8, arguments text, output text, undone bool)
), finished AS (
    INSERT INTO resilience_saga_steps AS step
        (saga_id, position, step, occurrence, arguments, output, undone, finished_at)
    SELECT fence.id, change.position, change.step, change.occurrence, change.arguments, change.output,
           change.undone OR change.position IS NOT DISTINCT FROM $7, clock_timestamp()
    FROM fence, change
    ON CONFLICT (saga_id, position) DO UPDATE SET
        step = CASE WHEN step.step = excluded.step AND step.occurrence = excluded.occurrence
                    THEN step.step END,
        arguments = excluded.arguments, output = excluded.output, undone = excluded.undone
), undone AS (
    UPDATE resilience_saga_steps AS step SET undone = true
    FROM fence
    WHERE step.saga_id = fence.id AND step.position = $7
      AND NOT EXISTS (SELECT FROM change WHERE change.position = $7)
), settled AS (
    UPDATE resilience_dead_letters AS letter
    SET status = 'settled', updated_at = clock_timestamp()
    FROM fence
    WHERE letter.saga_id = fence.id AND letter.status = 'open' AND letter.nonce <> $15::uuid AND $8
    RETURNING letter.id
), turn AS (
    SELECT pg_advisory_xact_lock(hashtextextended('resilience_dead_letters', 0)), settled.count
    FROM fence, (SELECT count(*) FROM settled) AS settled
    WHERE $9::text IS NOT NULL
), letter AS (
    INSERT INTO resilience_dead_letters AS letter
        (saga_id, saga_name, kind, operation, arguments, output, error, attempts, nonce, status,
         created_at, updated_at)
    SELECT fence.id, fence.name, $9::text, $10::text, $11::text, $12::text, $13::text, $14::int8, $15::uuid, 'open',
           clock_timestamp(), clock_timestamp()
    FROM turn, fence
    ON CONFLICT (saga_id) WHERE status = 'open' DO UPDATE SET
        attempts = CASE
            WHEN letter.nonce = excluded.nonce THEN letter.attempts
            WHEN letter.kind = excluded.kind AND letter.operation = excluded.operation
                 AND letter.arguments = excluded.arguments
            THEN least(letter.attempts + excluded.attempts, 4294967295)
            ELSE excluded.attempts END,
        kind = excluded.kind, operation = excluded.operation, arguments = excluded.arguments,
        output = excluded.output, error = excluded.error, nonce = excluded.nonce,
        updated_at = excluded.updated_at
)
SELECT 1 FROM fence";

/// `$1` id. The saga with its steps.
pub(super) const LOAD: &str = "
SELECT id, name, key, input, status, epoch, output, error,
       coalesce((SELECT json_agg(json_build_array(position, step, occurrence, arguments, output, undone)
                                 ORDER BY position)
                 FROM resilience_saga_steps WHERE saga_id = saga.id)::text, '[]'),
       owner::text
FROM resilience_sagas AS saga
WHERE id = $1";

/// Looks at every saga.
pub(super) const COUNTS: &str = "SELECT status, count(*) FROM resilience_sagas GROUP BY status";

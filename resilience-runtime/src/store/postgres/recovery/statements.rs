//! The SQL by which sagas change their owner.

use super::super::journal::statements::{at_rest, columns, micros};

/// `$1` functions as a JSON array, `$2` and `$3` when the last one of the page before was started and which it was, `$4`
/// at most how many, `$5` who asks, `$6` microseconds of a lease, `$7` whether to delete.
///
/// Deletes the workers whose lease is over, and lists unfinished sagas of workers that are not there, or of nobody, and
/// those that are to be retried. Nobody could renew while the server was down, or could not be reached from here: it
/// deletes none for the length of a lease after its start, nor for somebody whose own lease is over.
///
/// Goes from owner to owner (`owners`, the last of them nobody), so that what live workers have is not looked through.
pub(super) const LEFT_BEHIND: &str = concat!(
    "
WITH RECURSIVE buried AS (
    DELETE FROM resilience_workers
    WHERE lease_end <= clock_timestamp() AND id <> $5::uuid AND $7
      AND pg_postmaster_start_time() + $6 * interval '1 microsecond' <= clock_timestamp()
      AND EXISTS (SELECT FROM resilience_workers AS own
                  WHERE own.id = $5::uuid AND own.lease_end > clock_timestamp())
    RETURNING id
), alive AS MATERIALIZED (
    SELECT id FROM resilience_workers EXCEPT SELECT id FROM buried
), known AS MATERIALIZED (
    SELECT name, version FROM json_to_recordset($1::json) AS known (name text, version int8)
), owners AS (
    SELECT '00000000-0000-0000-0000-000000000000'::uuid AS owner
    UNION ALL
    SELECT (SELECT saga.owner FROM resilience_sagas AS saga
            WHERE saga.owner > owners.owner AND saga.status NOT IN ",
    at_rest!(),
    "
            ORDER BY saga.owner LIMIT 1)
    FROM owners
    WHERE owners.owner IS NOT NULL
), found AS (
    SELECT saga.* FROM owners, LATERAL (
        SELECT id, created_at, epoch, owner, status, NULL::text AS retry
        FROM resilience_sagas AS saga
        WHERE saga.owner = owners.owner AND saga.status NOT IN ",
    at_rest!(),
    "
          AND (name, version) IN (SELECT name, version FROM known)
          AND (created_at, id) > (timestamptz 'epoch' + $2 * interval '1 microsecond', $3)
        ORDER BY created_at, id
        LIMIT $4
    ) AS saga
    WHERE owners.owner NOT IN (SELECT id FROM alive)
    UNION ALL
    (
        SELECT id, created_at, epoch, owner, status, NULL::text
        FROM resilience_sagas AS saga
        WHERE saga.owner IS NULL AND saga.status NOT IN ",
    at_rest!(),
    "
          AND (name, version) IN (SELECT name, version FROM known)
          AND (created_at, id) > (timestamptz 'epoch' + $2 * interval '1 microsecond', $3)
        ORDER BY created_at, id
        LIMIT $4
    )
    UNION ALL
    (
        SELECT id, created_at, epoch, owner, status, retry
        FROM resilience_sagas AS saga
        WHERE retry IS NOT NULL AND status IN ('parked', 'compensation_failed')
          AND (name, version) IN (SELECT name, version FROM known)
          AND (created_at, id) > (timestamptz 'epoch' + $2 * interval '1 microsecond', $3)
        ORDER BY created_at, id
        LIMIT $4
    )
)
SELECT id, ",
    micros!("created_at"),
    ", epoch, owner::text, status, retry
FROM found
ORDER BY created_at, id
LIMIT $4"
);

/// `$1` functions as a JSON array, `$2` and `$3` when the last one of the page before was started and which it was, `$4`
/// at most how many, `$5` microseconds since 1970: what has been parked for as long, because code and journal differ.
pub(super) const PARKED: &str = concat!(
    "
SELECT id, ",
    micros!("created_at"),
    ", epoch, owner::text, status, 'itself'
FROM resilience_sagas AS saga
WHERE status = 'parked' AND parking = 'mismatch' AND retry IS NULL
  AND status IN ('parked', 'compensation_failed')
  AND updated_at < timestamptz 'epoch' + $5 * interval '1 microsecond'
  AND (name, version) IN (SELECT name, version FROM json_to_recordset($1::json) AS known (name text, version int8))
  AND (created_at, id) > (timestamptz 'epoch' + $2 * interval '1 microsecond', $3)
ORDER BY created_at, id
LIMIT $4"
);

/// `$1` sagas, a JSON array of objects: as what they were looked at, and what they are to become; `$2` the new owner; who
/// does it, for the audit, where it is somebody: `$3` name, `$4` action, `$5` reason, `$6` nonce.
///
/// The ids of those that are the new owner's then, also where they have been since this was asked before. What is
/// unfinished is taken only from a worker that is not there, and from one that did not leave with the count of an
/// interruption. Rows are locked in the order of their ids, as everybody does who locks several.
pub(super) const ACQUIRE: &str = "
WITH change AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS change (id text, epoch int8, owner uuid, status text, becomes text)
), fence AS (
    SELECT saga.id, change.becomes,
           (SELECT count(*) FILTER (WHERE undone) + count(*) FILTER (WHERE outcome <> 'in_doubt')
            FROM resilience_saga_steps WHERE saga_id = saga.id) AS progress
    FROM change
    JOIN resilience_sagas AS saga
      ON saga.id = change.id AND saga.epoch = change.epoch AND saga.owner IS NOT DISTINCT FROM change.owner
    WHERE saga.status = change.status
      AND (change.becomes IS NOT NULL
           OR NOT EXISTS (SELECT FROM resilience_workers AS worker WHERE worker.id = change.owner))
    ORDER BY saga.id
    FOR NO KEY UPDATE OF saga
), acquired AS (
    UPDATE resilience_sagas AS saga
    SET status = coalesce(fence.becomes, saga.status), parking = NULL, retry = NULL,
        interruptions = CASE
            WHEN fence.becomes IS NOT NULL THEN 0
            WHEN saga.owner IS NULL THEN saga.interruptions
            WHEN fence.progress > saga.counted_at THEN 1
            ELSE saga.interruptions + 1 END,
        counted_at = CASE WHEN saga.owner IS NULL AND fence.becomes IS NULL THEN saga.counted_at
                          ELSE fence.progress END,
        epoch = saga.epoch + 1, owner = $2::uuid, updated_at = clock_timestamp()
    FROM fence
    WHERE saga.id = fence.id
    RETURNING saga.id
), noted AS (
    INSERT INTO resilience_audit (at, operator, action, reason, saga, nonce)
    SELECT clock_timestamp(), $3, $4, $5, id, $6::uuid
    FROM acquired
    WHERE $3::text IS NOT NULL
)
SELECT id FROM acquired
UNION ALL
SELECT saga.id
FROM change
JOIN resilience_sagas AS saga
  ON saga.id = change.id AND saga.epoch = change.epoch + 1 AND saga.owner = $2::uuid";

/// `$1` sagas, a JSON array of objects; `$2` owners as a JSON array. Those that somebody has acquired, with their steps, and
/// whether they are unfinished under this epoch and one of these owners; and those that nobody can acquire any more, because they
/// are over. Of one that nobody has acquired yet there is no row.
pub(super) const COLLECT: &str = concat!(
    "SELECT ",
    columns!(),
    ", saga.epoch = wanted.epoch AND saga.owner IN (SELECT json_array_elements_text($2::json)::uuid)
       AND saga.status NOT IN ",
    at_rest!(),
    "
FROM json_to_recordset($1::json) AS wanted (id text, epoch int8)
JOIN resilience_sagas AS saga ON saga.id = wanted.id
 AND (saga.epoch >= wanted.epoch OR saga.status IN ('completed', 'compensated', 'failed', 'resolved'))
ORDER BY saga.created_at, saga.id"
);

/// Where [`COLLECT`] says whether a saga is the worker's.
pub(super) const MINE: usize = super::super::journal::rows::OWNER + 1;

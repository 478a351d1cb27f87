//! The SQL by which sagas change their owner.

/// `$1` names as a JSON array, `$2` the last id of the page before, `$3` at most how many, `$4` who asks, `$5`
/// microseconds of a lease, `$6` whether to delete.
///
/// Deletes the workers whose lease is over, and lists unfinished sagas of workers that are not there. Nobody
/// could renew while the server was down, or could not be reached from here: it deletes none for the length
/// of a lease after its start, nor for somebody whose own lease is over.
pub(super) const LEFT_BEHIND: &str = "
WITH buried AS (
    DELETE FROM resilience_workers
    WHERE lease_end <= clock_timestamp() AND id <> $4::uuid AND $6
      AND pg_postmaster_start_time() + $5 * interval '1 microsecond' <= clock_timestamp()
      AND EXISTS (SELECT FROM resilience_workers AS own
                  WHERE own.id = $4::uuid AND own.lease_end > clock_timestamp())
    RETURNING id
), alive AS MATERIALIZED (
    SELECT id FROM resilience_workers EXCEPT SELECT id FROM buried
)
SELECT id, epoch, owner::text, status
FROM resilience_sagas
WHERE status NOT IN ('completed', 'compensated', 'dead')
  AND owner NOT IN (SELECT id FROM alive)
  AND name IN (SELECT json_array_elements_text($1::json))
  AND id > $2
ORDER BY id
LIMIT $3";

/// `$1` sagas, a JSON array of objects: as what they were looked at; `$2` the new owner.
///
/// The ids of those that are the new owner's then, also where they have been since this was asked before. A saga
/// that is dead is to be undone then; any other one is taken only from a worker that is not there. Rows are
/// locked in the order of their ids, as everybody does who locks several.
pub(super) const ACQUIRE: &str = "
WITH change AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS change (id text, epoch int8, owner uuid, dead bool)
), fence AS (
    SELECT saga.id
    FROM change
    JOIN resilience_sagas AS saga
      ON saga.id = change.id AND saga.epoch = change.epoch AND saga.owner = change.owner
    WHERE CASE WHEN change.dead THEN saga.status = 'dead'
               ELSE saga.status IN ('running', 'compensating')
                    AND NOT EXISTS (SELECT FROM resilience_workers AS worker
                                    WHERE worker.id = change.owner) END
    ORDER BY saga.id
    FOR NO KEY UPDATE OF saga
), acquired AS (
    UPDATE resilience_sagas AS saga
    SET status = CASE saga.status WHEN 'dead' THEN 'compensating' ELSE saga.status END,
        epoch = saga.epoch + 1, owner = $2::uuid, updated_at = clock_timestamp()
    FROM fence
    WHERE saga.id = fence.id
    RETURNING saga.id
)
SELECT id FROM acquired
UNION ALL
SELECT saga.id
FROM change
JOIN resilience_sagas AS saga
  ON saga.id = change.id AND saga.epoch = change.epoch + 1 AND saga.owner = $2::uuid";

/// `$1` sagas, a JSON array of objects; `$2` owners as a JSON array. Those that are unfinished and still
/// under this epoch and one of these owners, with their steps.
pub(super) const COLLECT: &str = "
SELECT saga.id, name, key, input, status, saga.epoch, output, error,
       coalesce((SELECT json_agg(json_build_array(position, step, occurrence, arguments, output, undone)
                                 ORDER BY position)
                 FROM resilience_saga_steps WHERE saga_id = saga.id)::text, '[]'),
       owner::text
FROM json_to_recordset($1::json) AS wanted (id text, epoch int8)
JOIN resilience_sagas AS saga ON saga.id = wanted.id AND saga.epoch = wanted.epoch
WHERE saga.owner IN (SELECT json_array_elements_text($2::json)::uuid)
  AND status IN ('running', 'compensating')
ORDER BY saga.id";

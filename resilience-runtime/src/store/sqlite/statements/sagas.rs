//! The saga journal.
//!
//! Nothing is written to a saga after its end, so that `updated_at` of one that is over is when it ended.

/// `[saga, epoch, status, parking, output, error, failure, whether it goes past a pivot]`; null leaves what is there.
pub(super) const STATUS: &str = "
UPDATE resilience_sagas AS saga
SET status = coalesce(change.value ->> 2, saga.status),
    parking = CASE WHEN coalesce(change.value ->> 2, saga.status) = 'parked'
                   THEN coalesce(change.value ->> 3, saga.parking) END,
    output = coalesce(change.value ->> 4, saga.output),
    error = CASE WHEN change.value ->> 2 = 'completed' THEN NULL
                 ELSE coalesce(change.value ->> 5, saga.error) END,
    failure = coalesce(change.value ->> 6, saga.failure),
    pivoted = max(saga.pivoted, change.value ->> 7),
    updated_at = CASE WHEN change.value ->> 2 <> saga.status
                      THEN unixepoch('subsec') ELSE saga.updated_at END
FROM json_each($6) AS change
WHERE saga.id = change.value ->> 0 AND saga.epoch = change.value ->> 1;
";

/// `[saga, epoch, position, step, occurrence, arguments, outcome, output, compensation, undone]`
///
/// The same step at the same position is the same write, made again because its first outcome was not known, or what a
/// step in doubt came to. Another step there would be lost without a trace: NULL in a column that must not be NULL makes the
/// whole write fail.
pub(super) const STEPS: &str = "
INSERT INTO resilience_saga_steps
    (saga_id, position, step, occurrence, arguments, outcome, output, compensation, undone,
     finished_at)
SELECT saga.id, change.value ->> 2, change.value ->> 3, change.value ->> 4, change.value ->> 5,
       change.value ->> 6, change.value ->> 7, change.value ->> 8, change.value ->> 9,
       unixepoch('subsec')
FROM json_each($7) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1
ON CONFLICT (saga_id, position) DO UPDATE SET
    step = CASE WHEN step = excluded.step AND occurrence = excluded.occurrence
                THEN step END,
    arguments = excluded.arguments, outcome = excluded.outcome, output = excluded.output,
    compensation = excluded.compensation, undone = excluded.undone,
    finished_at = excluded.finished_at
WHERE step <> excluded.step OR occurrence <> excluded.occurrence
   OR (outcome = 'in_doubt' AND excluded.outcome <> 'in_doubt');
";

/// `[saga, epoch, position]`
pub(super) const UNDONE: &str = "
UPDATE resilience_saga_steps AS step
SET undone = 1
FROM json_each($8) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1
  AND step.saga_id = change.value ->> 0
  AND step.position = change.value ->> 2;
";

/// `[saga, epoch]`
///
/// After the writes of this batch: a saga that has ended, or is past a pivot now, does not act upon a request any more.
pub(super) const FENCE: &str = "
SELECT 11, saga.id, saga.cancelled AND saga.status = 'running' AND NOT saga.pivoted
FROM json_each($12) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1;
";

/// `[saga, name, key, input, owner, seconds for which a completed saga keeps the key, version, microseconds until
/// the deadline, parent, epoch, nonce]`
///
/// Two rows come back where the saga is new, and the one that is there else.
pub(super) const START: &str = "
UPDATE resilience_sagas SET key = NULL WHERE id IN (
    SELECT other.id
    FROM json_each($13) AS change
    CROSS JOIN resilience_sagas AS other ON other.key = change.value ->> 2
    WHERE other.key IS NOT NULL AND other.status NOT IN ('compensated', 'failed', 'resolved')
      AND other.status = 'completed'
      AND other.id <> change.value ->> 0
      AND other.updated_at + (change.value ->> 5) <= unixepoch('subsec')
);
INSERT INTO resilience_sagas
    (id, name, key, input, status, owner, version, timeout, parent, epoch, nonce, created_at, updated_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'running', value ->> 4, value ->> 6,
       value ->> 7, value ->> 8, value ->> 9, value ->> 10,
       unixepoch('subsec'), unixepoch('subsec')
FROM json_each($13) AS change
WHERE NOT EXISTS (
    SELECT 1 FROM resilience_sagas AS other
    WHERE other.key = change.value ->> 2 AND other.key IS NOT NULL
      AND other.status NOT IN ('compensated', 'failed', 'resolved')
)
ON CONFLICT (id) DO NOTHING
RETURNING 12, id, created_at;
SELECT 12, change.value ->> 0, saga.created_at, saga.id, saga.status, saga.epoch, saga.owner, saga.nonce
FROM json_each($13) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = coalesce(
    (SELECT other.id FROM resilience_sagas AS other
     WHERE other.key = change.value ->> 2 AND other.key IS NOT NULL
       AND other.status NOT IN ('compensated', 'failed', 'resolved')),
    change.value ->> 0
);
";

/// `[saga, epoch, status, new status, new owner, what an operator did, the operator, their reason]`
///
/// An interruption is counted if nobody asked, and the owner before did not leave. The steps in the row that comes back
/// show whether one has come out since the saga was read.
pub(super) const ACQUIRE: &str = "
INSERT INTO resilience_audit (at, action, operator, reason, saga)
SELECT unixepoch('subsec'), change.value ->> 5, change.value ->> 6, change.value ->> 7, saga.id
FROM json_each($14) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1
  AND saga.status = change.value ->> 2
  AND change.value ->> 5 IS NOT NULL;
UPDATE resilience_sagas AS saga
SET status = change.value ->> 3, epoch = saga.epoch + 1, owner = change.value ->> 4,
    parking = NULL, retry = NULL,
    interruptions = CASE
        WHEN saga.status <> change.value ->> 3 THEN 0
        WHEN saga.owner = '' THEN saga.interruptions
        WHEN saga.progress < (
            SELECT total((step.outcome <> 'in_doubt') + step.undone)
            FROM resilience_saga_steps AS step WHERE step.saga_id = saga.id) THEN 1
        ELSE saga.interruptions + 1 END,
    progress = CASE WHEN saga.status = change.value ->> 3 AND saga.owner = ''
        THEN saga.progress
        ELSE (SELECT CAST(total((step.outcome <> 'in_doubt') + step.undone) AS INTEGER)
              FROM resilience_saga_steps AS step WHERE step.saga_id = saga.id) END,
    updated_at = unixepoch('subsec')
FROM json_each($14) AS change
WHERE saga.id = change.value ->> 0
  AND saga.epoch = change.value ->> 1
  AND saga.status = change.value ->> 2
RETURNING 13, id, interruptions, updated_at,
    (SELECT count(*) FROM resilience_saga_steps AS step WHERE step.saga_id = id),
    (SELECT CAST(total((step.outcome <> 'in_doubt') + step.undone) AS INTEGER)
     FROM resilience_saga_steps AS step WHERE step.saga_id = id);
";

/// `[saga, operator, reason]`
pub(super) const CANCEL: &str = "
INSERT INTO resilience_audit (at, action, operator, reason, saga)
SELECT unixepoch('subsec'), 'cancel', change.value ->> 1, change.value ->> 2, saga.id
FROM json_each($15) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE +saga.status = 'running' AND NOT saga.pivoted;
UPDATE resilience_sagas AS saga
SET cancelled = 1
FROM json_each($15) AS change
WHERE saga.id = change.value ->> 0 AND +saga.status = 'running' AND NOT saga.pivoted;
SELECT 14, saga.id, saga.status, saga.pivoted
FROM json_each($15) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0;
";

/// `[seconds for which they are kept, at most how many]`
///
/// What was called may wait for an operator when the caller does no longer: then both are kept.
pub(super) const PURGE: &str = "
DELETE FROM resilience_sagas WHERE id IN (
    SELECT saga.id FROM resilience_sagas AS saga
    WHERE saga.parent IS NULL
      AND saga.status IN ('completed', 'compensated', 'failed', 'resolved')
      AND saga.updated_at <= unixepoch('subsec') - (SELECT max(value ->> 0) FROM json_each($21))
      AND NOT EXISTS (
          WITH RECURSIVE family (id, status) AS (
              SELECT called.id, called.status FROM resilience_sagas AS called
              WHERE called.parent = saga.id
              UNION ALL
              SELECT called.id, called.status FROM family
              CROSS JOIN resilience_sagas AS called ON called.parent = family.id
          )
          SELECT 1 FROM family
          WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved'))
    ORDER BY saga.updated_at
    LIMIT (SELECT min(value ->> 1) FROM json_each($21))
)
RETURNING 20, 'sagas';
";

//! Sagas that an operator parks.

/// The saga `saga` of the change `change`, if it is as it was looked at.
macro_rules! as_seen {
    () => {
        "
FROM json_each($25) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1
  AND +saga.status = change.value ->> 2
  AND NOT EXISTS (SELECT 1 FROM resilience_saga_steps AS step
                  WHERE step.saga_id = saga.id AND step.position = change.value -> 8 ->> 4 AND step.undone)
  AND (change.value ->> 8 IS NOT NULL
       OR EXISTS (SELECT 1 FROM resilience_dead_letters AS there
                  WHERE there.saga_id = saga.id AND +there.status IN ('open', 'retrying')))"
    };
}

/// `[saga, epoch, status, new status, parking, error, the operator, their reason, letter]`, and the letter is
/// `[kind, operation, dependency, priority, position, arguments, output, error, attempts]`, or null where there is one
///
/// The saga comes last, because everything before looks whether it is as it was seen. One row comes back where it was, with
/// the letter. What a retry has left is open again.
pub(super) const PARK: &str = concat!(
    "
INSERT INTO resilience_audit (at, action, operator, reason, saga)
SELECT unixepoch('subsec'), 'park', change.value ->> 6, change.value ->> 7, saga.id",
    as_seen!(),
    ";
INSERT INTO resilience_dead_letters
    (saga_id, saga_name, kind, operation, dependency, priority, position, arguments, output, error,
     attempts, status, created_at, updated_at)
SELECT saga.id, saga.name, change.value -> 8 ->> 0, change.value -> 8 ->> 1, change.value -> 8 ->> 2,
       change.value -> 8 ->> 3, change.value -> 8 ->> 4, change.value -> 8 ->> 5, change.value -> 8 ->> 6,
       change.value -> 8 ->> 7, change.value -> 8 ->> 8, 'open', unixepoch('subsec'), unixepoch('subsec')",
    as_seen!(),
    "
  AND change.value ->> 8 IS NOT NULL
ON CONFLICT (saga_id, coalesce(position, -1))
    WHERE saga_id IS NOT NULL AND status IN ('open', 'retrying') DO UPDATE SET
    attempts = min(excluded.attempts + CASE
        WHEN kind = excluded.kind AND operation = excluded.operation
             AND arguments = excluded.arguments
        THEN attempts ELSE 0 END, 4294967295),
    kind = excluded.kind, operation = excluded.operation, dependency = excluded.dependency,
    priority = excluded.priority, arguments = excluded.arguments, output = excluded.output,
    error = excluded.error, status = 'open', updated_at = excluded.updated_at;
UPDATE resilience_dead_letters
SET status = 'open', updated_at = unixepoch('subsec')
WHERE +status = 'retrying' AND saga_id IN (SELECT saga.id",
    as_seen!(),
    ");
SELECT 24, saga.id, (
    SELECT max(letter.id) FROM resilience_dead_letters AS letter
    WHERE letter.saga_id = saga.id AND +letter.status = 'open'
      AND (change.value ->> 8 IS NULL OR letter.position IS change.value -> 8 ->> 4))",
    as_seen!(),
    ";
UPDATE resilience_sagas AS saga
SET status = change.value ->> 3, parking = change.value ->> 4,
    error = coalesce(change.value ->> 5, saga.error), epoch = saga.epoch + 1,
    updated_at = unixepoch('subsec')
FROM json_each($25) AS change
WHERE saga.id = change.value ->> 0 AND saga.epoch = change.value ->> 1 AND +saga.status = change.value ->> 2
  AND saga.id IN (SELECT saga.id",
    as_seen!(),
    ");
"
);

//! Parking sagas by hand.

use super::letters::write_letters;

/// The saga `saga` of the change `change`, if it still is as it was read.
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

/// `[saga, epoch, status, new status, parking, error, the operator, their reason, letter]`; the letter is null where the saga
/// has an unresolved one.
///
/// The saga is updated last, because all the other statements look whether it is still as it was read. If it was, one row
/// comes back, with the letter. Letters that a retry has left behind are open again.
pub(super) const PARK: &str = concat!(
    "
INSERT INTO resilience_audit (at, action, operator, reason, saga)
SELECT unixepoch('subsec'), 'park', change.value ->> 6, change.value ->> 7, saga.id",
    as_seen!(),
    ";",
    write_letters!(
        "change.value -> 8",
        concat!(as_seen!(), "\n  AND change.value ->> 8 IS NOT NULL")
    ),
    "UPDATE resilience_dead_letters
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

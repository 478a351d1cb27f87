//! Dead letters.
//!
//! The `+` keeps SQLite from looking through all letters, or sagas, of a status.

/// `[saga, epoch, position]`; of all steps, where the position is null.
pub(super) const SETTLE: &str = "
UPDATE resilience_dead_letters
SET status = 'settled', updated_at = unixepoch('subsec')
WHERE id IN (
    SELECT letter.id
    FROM json_each($9) AS change
    CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
    CROSS JOIN resilience_dead_letters AS letter ON letter.saga_id = saga.id
    WHERE saga.epoch = change.value ->> 1
      AND +letter.status IN ('open', 'retrying')
      AND (change.value ->> 2 IS NULL OR letter.position = change.value ->> 2)
);
";

/// `[saga, epoch]`
///
/// The saga is dead again: what is not settled by then waits for another retry.
pub(super) const REOPEN: &str = "
UPDATE resilience_dead_letters
SET status = 'open', updated_at = unixepoch('subsec')
WHERE id IN (
    SELECT letter.id
    FROM json_each($10) AS change
    CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
    CROSS JOIN resilience_dead_letters AS letter ON letter.saga_id = saga.id
    WHERE saga.epoch = change.value ->> 1 AND +letter.status = 'retrying'
);
";

/// Writes the letter `$letter` of each saga `saga` of `$changes`. It is the JSON array
/// `[kind, operation, dependency, priority, position, arguments, output, error, attempts]`.
///
/// A step has at most one letter that is unresolved, and a saga one of no step. Attempts add up as long as it is about the
/// same work.
macro_rules! write_letters {
    ($letter:literal, $changes:expr) => {
        concat!(
            "
INSERT INTO resilience_dead_letters
    (saga_id, saga_name, kind, operation, dependency, priority, position, arguments, output, error,
     attempts, status, created_at, updated_at)
SELECT saga.id, saga.name, ",
            $letter,
            " ->> 0, ",
            $letter,
            " ->> 1, ",
            $letter,
            " ->> 2, ",
            $letter,
            " ->> 3, ",
            $letter,
            " ->> 4, ",
            $letter,
            " ->> 5, ",
            $letter,
            " ->> 6, ",
            $letter,
            " ->> 7, ",
            $letter,
            " ->> 8, 'open', unixepoch('subsec'), unixepoch('subsec')",
            $changes,
            "
ON CONFLICT (saga_id, coalesce(position, -1))
    WHERE saga_id IS NOT NULL AND status IN ('open', 'retrying') DO UPDATE SET
    attempts = min(excluded.attempts + CASE
        WHEN kind = excluded.kind AND operation = excluded.operation
             AND arguments = excluded.arguments
        THEN attempts ELSE 0 END, 4294967295),
    kind = excluded.kind, operation = excluded.operation, dependency = excluded.dependency,
    priority = excluded.priority, arguments = excluded.arguments, output = excluded.output,
    error = excluded.error, status = 'open', updated_at = excluded.updated_at;
"
        )
    };
}
pub(super) use write_letters;

/// `[saga, epoch, letter]`
pub(super) const LETTERS: &str = write_letters!(
    "change.value -> 2",
    "
FROM json_each($11) AS change
CROSS JOIN resilience_sagas AS saga ON saga.id = change.value ->> 0
WHERE saga.epoch = change.value ->> 1"
);

/// `[letter, new status, note, what was done, the operator, their reason, an owner who is gone]`
///
/// A retry that was requested and that nobody has taken up is withdrawn.
/// A letter whose saga is being worked on again (an operator retried it) is not closed. The epoch of the saga moves on, so
/// that nobody who had it once can write to it.
pub(super) const CLOSE: &str = "
INSERT INTO resilience_audit (at, action, operator, reason, letter, saga)
SELECT unixepoch('subsec'), change.value ->> 3, change.value ->> 4, change.value ->> 5, letter.id,
       letter.saga_id
FROM json_each($16) AS change
CROSS JOIN resilience_dead_letters AS letter ON letter.id = change.value ->> 0
WHERE (+letter.status = 'open' OR +letter.status = 'retrying' AND letter.owner IS change.value ->> 6)
  AND (letter.saga_id IS NULL
       OR EXISTS (SELECT 1 FROM resilience_sagas AS saga
                  WHERE saga.id = letter.saga_id
                    AND +saga.status IN ('parked', 'compensation_failed')));
UPDATE resilience_dead_letters AS letter
SET status = change.value ->> 1, note = change.value ->> 2, owner = NULL, updated_at = unixepoch('subsec')
FROM json_each($16) AS change
WHERE letter.id = change.value ->> 0
  AND (+letter.status = 'open' OR +letter.status = 'retrying' AND letter.owner IS change.value ->> 6)
  AND (letter.saga_id IS NULL
       OR EXISTS (SELECT 1 FROM resilience_sagas AS saga
                  WHERE saga.id = letter.saga_id
                    AND +saga.status IN ('parked', 'compensation_failed')))
RETURNING 15, CAST(id AS TEXT);
UPDATE resilience_sagas AS saga
SET status = 'resolved', parking = NULL, retry = NULL, epoch = saga.epoch + 1,
    updated_at = unixepoch('subsec')
WHERE +saga.status IN ('parked', 'compensation_failed')
  AND saga.id IN (
    SELECT letter.saga_id
    FROM json_each($16) AS change
    CROSS JOIN resilience_dead_letters AS letter ON letter.id = change.value ->> 0
    WHERE +letter.status = change.value ->> 1
  )
  AND NOT EXISTS (SELECT 1 FROM resilience_dead_letters AS letter
                  WHERE letter.saga_id = saga.id AND +letter.status IN ('open', 'retrying'));
";

/// `[letter, whether the saga is to be undone, what was done, the operator, their reason, an owner who is gone]`
///
/// The latest request is the one that counts.
/// Of a saga that is not dead somebody is working on it already.
pub(super) const RETRY: &str = "
INSERT INTO resilience_audit (at, action, operator, reason, letter, saga)
SELECT unixepoch('subsec'), change.value ->> 2, change.value ->> 3, change.value ->> 4, letter.id,
       letter.saga_id
FROM json_each($17) AS change
CROSS JOIN resilience_dead_letters AS letter ON letter.id = change.value ->> 0
WHERE (+letter.status = 'open' OR +letter.status = 'retrying' AND letter.owner IS change.value ->> 5)
  AND (letter.saga_id IS NULL
       OR EXISTS (SELECT 1 FROM resilience_sagas AS saga
                  WHERE saga.id = letter.saga_id
                    AND +saga.status IN ('parked', 'compensation_failed')));
UPDATE resilience_sagas
SET retry = 'compensating'
WHERE +status IN ('parked', 'compensation_failed') AND id IN (
    SELECT letter.saga_id
    FROM json_each($17) AS change
    CROSS JOIN resilience_dead_letters AS letter ON letter.id = change.value ->> 0
    WHERE (+letter.status = 'open' OR +letter.status = 'retrying' AND letter.owner IS change.value ->> 5)
);
UPDATE resilience_sagas
SET retry = 'running'
WHERE +status = 'parked' AND id IN (
    SELECT letter.saga_id
    FROM json_each($17) AS change
    CROSS JOIN resilience_dead_letters AS letter ON letter.id = change.value ->> 0
    WHERE (+letter.status = 'open' OR +letter.status = 'retrying' AND letter.owner IS change.value ->> 5) AND NOT change.value ->> 1
);
UPDATE resilience_dead_letters
SET status = 'retrying', owner = NULL, updated_at = unixepoch('subsec')
WHERE id IN (
    SELECT letter.id
    FROM json_each($17) AS change
    CROSS JOIN resilience_dead_letters AS letter ON letter.id = change.value ->> 0
    WHERE (+letter.status = 'open' OR +letter.status = 'retrying' AND letter.owner IS change.value ->> 5) AND letter.saga_id IS NULL
    UNION ALL
    SELECT other.id
    FROM json_each($17) AS change
    CROSS JOIN resilience_dead_letters AS letter ON letter.id = change.value ->> 0
    CROSS JOIN resilience_sagas AS saga ON saga.id = letter.saga_id
    CROSS JOIN resilience_dead_letters AS other ON other.saga_id = saga.id
    WHERE (+letter.status = 'open' OR +letter.status = 'retrying' AND letter.owner IS change.value ->> 5)
      AND +other.status IN ('open', 'retrying')
      AND +saga.status IN ('parked', 'compensation_failed')
)
RETURNING 16, CAST(id AS TEXT);
";

/// `[nonce, kind, operation, dependency, priority, position, arguments, output, error, attempts, operator, reason]`
pub(super) const ADD: &str = "
INSERT INTO resilience_dead_letters
    (nonce, kind, operation, dependency, priority, position, arguments, output, error, attempts,
     status, created_at, updated_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
       value ->> 7, value ->> 8, value ->> 9, 'open', unixepoch('subsec'), unixepoch('subsec')
FROM json_each($18) WHERE true
ON CONFLICT (nonce) DO NOTHING;
INSERT INTO resilience_audit (at, action, operator, reason, letter)
SELECT unixepoch('subsec'), 'add', change.value ->> 10, change.value ->> 11, letter.id
FROM json_each($18) AS change
CROSS JOIN resilience_dead_letters AS letter ON letter.nonce = change.value ->> 0
WHERE NOT EXISTS (SELECT 1 FROM resilience_audit AS audit
                  WHERE audit.letter = letter.id AND audit.action = 'add');
SELECT 17, change.value ->> 0, letter.id
FROM json_each($18) AS change
CROSS JOIN resilience_dead_letters AS letter ON letter.nonce = change.value ->> 0;
";

/// `[letter, the owner before, the new owner]`
pub(super) const TAKE_WORK: &str = "
UPDATE resilience_dead_letters AS letter
SET owner = change.value ->> 2, updated_at = unixepoch('subsec')
FROM json_each($19) AS change
WHERE letter.id = change.value ->> 0
  AND +letter.status = 'retrying'
  AND letter.owner IS change.value ->> 1
RETURNING 18, CAST(id AS TEXT), updated_at;
";

/// `[letter, owner, why it failed]`
pub(super) const END_WORK: &str = "
UPDATE resilience_dead_letters AS letter
SET status = CASE WHEN change.value ->> 2 IS NULL THEN 'settled' ELSE 'open' END,
    error = coalesce(change.value ->> 2, letter.error),
    attempts = min(letter.attempts + (change.value ->> 2 IS NOT NULL), 4294967295),
    owner = NULL, updated_at = unixepoch('subsec')
FROM json_each($20) AS change
WHERE letter.id = change.value ->> 0
  AND +letter.status = 'retrying'
  AND letter.owner = change.value ->> 1
RETURNING 19, CAST(id AS TEXT);
";

/// `[seconds for which they are kept, at most how many]`
pub(super) const PURGE_LETTERS: &str = "
DELETE FROM resilience_dead_letters WHERE id IN (
    SELECT letter.id FROM resilience_dead_letters AS letter
    WHERE letter.kind = 'work' AND letter.status NOT IN ('open', 'retrying')
      AND letter.updated_at <= unixepoch('subsec') - (SELECT max(value ->> 0) FROM json_each($22))
    ORDER BY letter.updated_at
    LIMIT (SELECT min(value ->> 1) FROM json_each($22))
)
RETURNING 21, 'letters';
";

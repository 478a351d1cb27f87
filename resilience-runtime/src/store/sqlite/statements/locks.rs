//! Locks, and the lines of those who wait for them.

/// `[key, nonce, owner, whether it waits, the owner that is gone, seconds for which a place is kept]`
///
/// 1. Whoever is gone loses the lock and their places. 2. The lock is taken, if it is free and nobody else is first
///    in line. 3. Who did not get it takes or keeps a place; who has it, has none any more.
pub(super) const LOCK: &str = "
DELETE FROM resilience_lock_places WHERE place IN (
    SELECT place.place
    FROM json_each($23) AS change
    CROSS JOIN resilience_lock_places AS place ON place.key = change.value ->> 0
    WHERE place.seen_at <= unixepoch('subsec') - (change.value ->> 5)
       OR place.owner = change.value ->> 4
);
UPDATE resilience_locks AS lock
SET nonce = NULL, owner = NULL, updated_at = unixepoch('subsec')
FROM json_each($23) AS change
WHERE lock.key = change.value ->> 0 AND lock.owner = change.value ->> 4;
INSERT INTO resilience_locks (key, nonce, owner, token, updated_at)
SELECT value ->> 0, value ->> 1, value ->> 2,
       CAST(unixepoch('subsec') * 1000000 AS INTEGER), unixepoch('subsec')
FROM json_each($23) AS change
WHERE coalesce((SELECT place.nonce FROM resilience_lock_places AS place
                WHERE place.key = change.value ->> 0
                ORDER BY place.place LIMIT 1) = change.value ->> 1, true)
ON CONFLICT (key) DO UPDATE SET
    nonce = excluded.nonce, owner = excluded.owner, token = max(token + 1, excluded.token),
    updated_at = excluded.updated_at
WHERE nonce IS NULL;
INSERT INTO resilience_lock_places (key, nonce, owner, seen_at)
SELECT value ->> 0, value ->> 1, value ->> 2, unixepoch('subsec')
FROM json_each($23) AS change
WHERE change.value ->> 3
  AND NOT EXISTS (SELECT 1 FROM resilience_locks AS lock
                  WHERE lock.key = change.value ->> 0 AND lock.nonce = change.value ->> 1)
ON CONFLICT (key, nonce) DO UPDATE SET owner = excluded.owner, seen_at = excluded.seen_at;
DELETE FROM resilience_lock_places WHERE place IN (
    SELECT place.place
    FROM json_each($23) AS change
    CROSS JOIN resilience_locks AS lock
        ON lock.key = change.value ->> 0 AND lock.nonce = change.value ->> 1
    CROSS JOIN resilience_lock_places AS place
        ON place.key = change.value ->> 0 AND place.nonce = change.value ->> 1
);
SELECT 22, change.value ->> 0, lock.nonce, lock.token, coalesce(lock.owner, (
    SELECT place.owner FROM resilience_lock_places AS place
    WHERE place.key = change.value ->> 0 ORDER BY place.place LIMIT 1))
FROM json_each($23) AS change
LEFT JOIN resilience_locks AS lock ON lock.key = change.value ->> 0;
";

/// `[key, nonce, seconds for which a place is kept]`
///
/// The row that comes back names who may have the lock now.
pub(super) const UNLOCK: &str = "
UPDATE resilience_locks AS lock
SET nonce = NULL, owner = NULL, updated_at = unixepoch('subsec')
FROM json_each($24) AS change
WHERE lock.key = change.value ->> 0 AND lock.nonce = change.value ->> 1;
DELETE FROM resilience_lock_places WHERE place IN (
    SELECT place.place
    FROM json_each($24) AS change
    CROSS JOIN resilience_lock_places AS place
        ON place.key = change.value ->> 0 AND place.nonce = change.value ->> 1
);
SELECT 23, change.value ->> 0, (
    SELECT place.nonce FROM resilience_lock_places AS place
    WHERE place.key = change.value ->> 0
      AND place.seen_at > unixepoch('subsec') - (change.value ->> 2)
    ORDER BY place.place LIMIT 1)
FROM json_each($24) AS change
WHERE NOT EXISTS (SELECT 1 FROM resilience_locks AS lock
                  WHERE lock.key = change.value ->> 0 AND lock.nonce IS NOT NULL);
";

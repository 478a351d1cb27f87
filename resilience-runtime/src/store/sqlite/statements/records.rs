//! Idempotency records.
//!
//! Tokens begin with the microseconds since 1970. The clock of SQLite has milliseconds: so a row stays for a second
//! after it is over, and the next claim finds the last token.
//!
//! The schema and the content of a record are a string, or `{"hex": ".."}` of bytes that are kept as a blob: see
//! [`exact`](super::super::operation::exact).

/// `[key, fingerprint, nonce, owner, the owner that is gone, the record that is replaced: kind, schema, content]`;
/// either of the last two is null.
pub(super) const INHERIT: &str = "
UPDATE resilience_idempotency_records AS record
SET nonce = change.value ->> 2, owner = change.value ->> 3, attempt = record.attempt + 1,
    interrupted = 1,
    token = max(record.token + 1, CAST(unixepoch('subsec') * 1000000 AS INTEGER))
FROM json_each($1) AS change
WHERE record.key = change.value ->> 0
  AND record.state = 'running'
  AND record.fingerprint = change.value ->> 1
  AND record.owner = change.value ->> 4;
UPDATE resilience_idempotency_records AS record
SET state = 'running', nonce = change.value ->> 2, owner = change.value ->> 3,
    attempt = record.attempt + 1, interrupted = 0,
    token = max(record.token + 1, CAST(unixepoch('subsec') * 1000000 AS INTEGER)),
    kind = NULL, schema = NULL, result = NULL, expires_at = NULL
FROM json_each($1) AS change
WHERE record.key = change.value ->> 0
  AND record.state = 'completed'
  AND record.expires_at > unixepoch('subsec')
  AND record.fingerprint = change.value ->> 1
  AND record.kind = change.value ->> '$[5].kind'
  AND record.schema = CASE json_type(change.value, '$[5].schema')
        WHEN 'object' THEN unhex(change.value ->> '$[5].schema.hex')
        ELSE change.value ->> '$[5].schema' END
  AND record.result = CASE json_type(change.value, '$[5].content')
        WHEN 'object' THEN unhex(change.value ->> '$[5].content.hex')
        ELSE change.value ->> '$[5].content' END;
";

/// `[key, fingerprint, nonce, owner]`
///
/// What may be taken: what is over, and the trace of a run, unless that one may have had its effect with other
/// arguments.
pub(super) const CLAIM: &str = "
INSERT INTO resilience_idempotency_records
    (key, fingerprint, state, nonce, owner, attempt, token, created_at)
SELECT value ->> 0, value ->> 1, 'running', value ->> 2, value ->> 3, 1,
       CAST(unixepoch('subsec') * 1000000 AS INTEGER), unixepoch('subsec')
FROM json_each($2) WHERE true
ON CONFLICT (key) DO UPDATE SET
    attempt = CASE WHEN expires_at <= unixepoch('subsec') OR fingerprint <> excluded.fingerprint
                   THEN 1 ELSE attempt + 1 END,
    interrupted = CASE WHEN expires_at <= unixepoch('subsec') THEN 0 ELSE interrupted END,
    token = max(token + 1, excluded.token),
    fingerprint = excluded.fingerprint, state = 'running', nonce = excluded.nonce,
    owner = excluded.owner, kind = NULL, schema = NULL, result = NULL, expires_at = NULL,
    created_at = excluded.created_at
WHERE expires_at <= unixepoch('subsec')
   OR (state = 'ended' AND (fingerprint = excluded.fingerprint OR NOT interrupted));
SELECT 1, record.key, record.fingerprint, record.state, record.nonce, record.owner, record.attempt,
       record.interrupted, record.token, record.kind, record.schema, record.result
FROM json_each($2) AS change
CROSS JOIN resilience_idempotency_records AS record ON record.key = change.value ->> 0;
";

/// `[key, fingerprint, nonce, owner, kind, schema, content, seconds to live]`
///
/// The content of the record that is there then comes back only if it is another's.
pub(super) const COMPLETE: &str = "
INSERT INTO resilience_idempotency_records
    (key, fingerprint, state, nonce, owner, attempt, token, kind, schema, result, expires_at,
     created_at)
SELECT value ->> 0, value ->> 1, 'completed', value ->> 2, value ->> 3, 1,
       CAST(unixepoch('subsec') * 1000000 AS INTEGER), value ->> 4,
       CASE json_type(value, '$[5]')
           WHEN 'object' THEN unhex(value ->> '$[5].hex') ELSE value ->> 5 END,
       CASE json_type(value, '$[6]')
           WHEN 'object' THEN unhex(value ->> '$[6].hex') ELSE value ->> 6 END,
       unixepoch('subsec') + (value ->> 7), unixepoch('subsec')
FROM json_each($3) WHERE true
ON CONFLICT (key) DO UPDATE SET
    token = max(token, excluded.token),
    fingerprint = excluded.fingerprint, state = 'completed', nonce = excluded.nonce,
    owner = excluded.owner, kind = excluded.kind, schema = excluded.schema,
    result = excluded.result, expires_at = excluded.expires_at
WHERE nonce = excluded.nonce OR state = 'ended' OR expires_at <= unixepoch('subsec');
SELECT 2, record.key, record.fingerprint, record.state, record.nonce, record.kind, record.schema,
       CASE WHEN record.nonce <> change.value ->> 2 THEN record.result END
FROM json_each($3) AS change
CROSS JOIN resilience_idempotency_records AS record ON record.key = change.value ->> 0;
";

/// `[key, nonce, what is taken off the attempts, whether it was interrupted, seconds of the trace]`
///
/// Of a claim that was not used, the attempt before is left; where there was none that is nothing, for a second.
pub(super) const RELEASE: &str = "
UPDATE resilience_idempotency_records AS record
SET state = 'ended', attempt = record.attempt - (change.value ->> 2),
    interrupted = max(record.interrupted, change.value ->> 3),
    expires_at = unixepoch('subsec')
        + CASE WHEN record.attempt > change.value ->> 2 THEN change.value ->> 4 ELSE 1 END
FROM json_each($4) AS change
WHERE record.key = change.value ->> 0
  AND record.nonce = change.value ->> 1
  AND record.state = 'running';
";

/// `[at most how many of each, seconds for which a place is kept]`
pub(super) const EXPIRE: &str = "
DELETE FROM resilience_idempotency_records WHERE key IN (
    SELECT key FROM resilience_idempotency_records
    WHERE expires_at <= unixepoch('subsec') - 1
    ORDER BY expires_at
    LIMIT (SELECT max(value ->> 0) FROM json_each($5))
);
DELETE FROM resilience_locks WHERE key IN (
    SELECT key FROM resilience_locks
    WHERE nonce IS NULL AND updated_at <= unixepoch('subsec') - 1
    ORDER BY updated_at
    LIMIT (SELECT max(value ->> 0) FROM json_each($5))
);
DELETE FROM resilience_lock_places WHERE place IN (
    SELECT place FROM resilience_lock_places
    WHERE seen_at <= unixepoch('subsec') - (SELECT max(value ->> 1) FROM json_each($5))
    ORDER BY seen_at
    LIMIT (SELECT max(value ->> 0) FROM json_each($5))
);
";

//! The statements of records and locks. Each is one transaction.
//!
//! `now()` is the moment at which the statement began, by the server's clock, and the same everywhere in it; where
//! the statement had to wait for another one it is a little early, which only ever makes a lease look longer.

/// `$1` key, `$2` fingerprint, `$3` nonce, `$4` lease in µs, `$5` the channel to notify, or NULL; `$6` kind, `$7` schema
/// and `$8` content of the record that it replaces, or NULL.
///
/// Reads first: a key that is completed, and every other answer that needs no write, costs no transaction id, and
/// no plan that writes is begun. The rest is a function of the migration, which looks again. No row is the answer
/// when many others were faster: ask again.
pub(super) const CLAIM: &str = "
WITH there AS MATERIALIZED (
    SELECT CASE WHEN fingerprint <> $2 THEN 'mismatch' WHEN state = 'completed' THEN 'completed' ELSE 'busy' END,
           attempt, interrupted, token,
           (extract(epoch FROM lease_until - now()) * 1000000)::bigint,
           kind, schema, content
    FROM resilience_idempotency_records
    WHERE key = $1 AND expires_at > now() AND CASE
        WHEN fingerprint <> $2 THEN state <> 'ended' OR interrupted
        WHEN state = 'completed'
        THEN (kind = $6 AND schema = $7 AND content = $8) IS NOT TRUE
        ELSE state = 'running' AND lease_until > now() AND nonce <> $3
             AND ($5 IS NULL OR $5 = ANY (waiters))
    END
)
SELECT * FROM there
UNION ALL
SELECT * FROM resilience_claim($1, $2, $3, $4, $5, $6, $7, $8)
WHERE NOT EXISTS (SELECT FROM there)";

/// `$1` key, `$2` nonce, `$3` lease in µs. A row, if it was extended.
pub(super) const RENEW: &str = "
UPDATE resilience_idempotency_records
SET lease_until = now() + $3 * interval '1 microsecond',
    expires_at = now() + $3 * interval '1 microsecond' + interval '1 day'
WHERE key = $1 AND nonce = $2 AND state = 'running' AND lease_until > now()
RETURNING attempt";

/// `$1` key, `$2` nonce, `$3` fingerprint, `$4` kind, `$5` schema, `$6` content, `$7` time to live in µs or NULL,
/// `$8` whether the record can be part of a notification.
///
/// Waiters stay in the row: who registered before this write is notified by it.
pub(super) const COMPLETE: &str = "
WITH stored AS (
    INSERT INTO resilience_idempotency_records AS r (
        key, fingerprint, nonce, state, attempt, interrupted, token,
        expires_at, waiters, kind, schema, content, created_at
    )
    VALUES (
        $1, $3, $2, 'completed', 1, false,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        coalesce(now() + $7 * interval '1 microsecond', 'infinity'),
        '{}', $4, $5, $6, now()
    )
    ON CONFLICT (key) DO UPDATE SET
        fingerprint = excluded.fingerprint,
        nonce = excluded.nonce,
        state = excluded.state,
        interrupted = false,
        lease_until = NULL,
        expires_at = excluded.expires_at,
        kind = excluded.kind,
        schema = excluded.schema,
        content = excluded.content
    WHERE r.nonce = excluded.nonce OR r.state = 'ended' OR r.expires_at <= now()
    RETURNING r.waiters
)
SELECT 'stored', NULL::text, NULL::text, NULL::bytea, NULL::bytea, (
    SELECT count(pg_notify(channel, 'r' || encode($1, 'hex') || CASE
        WHEN $8 THEN concat(
            chr(10), encode($3, 'hex'), chr(10), $4, chr(10), $5, chr(10), convert_from($6, 'UTF8'))
        ELSE ''
    END))
    FROM unnest(stored.waiters) AS channel
)
FROM stored
UNION ALL
SELECT state, kind, schema, content, fingerprint, 0
FROM resilience_idempotency_records
WHERE key = $1 AND NOT EXISTS (SELECT FROM stored)";

/// `$1` key, `$2` nonce, `$3` how: failed, interrupted or unused.
///
/// What never began leaves a row that is over, and not none: its token is what the next one is greater than.
pub(super) const RELEASE: &str = "
WITH ended AS (
    UPDATE resilience_idempotency_records
    SET state = 'ended',
        lease_until = NULL,
        attempt = CASE WHEN $3 = 'unused' THEN attempt - 1 ELSE attempt END,
        interrupted = interrupted OR $3 = 'interrupted',
        expires_at = CASE
            WHEN $3 = 'unused' AND attempt = 1 THEN now()
            ELSE now() + interval '1 day'
        END
    WHERE key = $1 AND nonce = $2 AND state = 'running'
    RETURNING waiters
)
SELECT count(pg_notify(channel, 'r' || encode($1, 'hex')))
FROM ended, unnest(waiters) AS channel";

/// `$1` how many at most. The minute is for statements that began before the row was over.
pub(super) const REAP_RECORDS: &str = "
DELETE FROM resilience_idempotency_records WHERE key IN (
    SELECT key FROM resilience_idempotency_records
    WHERE expires_at < now() - interval '1 minute' AND expires_at < 'infinity'
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING attempt";

/// `$1` how many at most.
pub(super) const REAP_LOCKS: &str = "
DELETE FROM resilience_locks WHERE key IN (
    SELECT key FROM resilience_locks
    WHERE lease_until < now() - interval '1 hour'
    ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING token";

/// `$1` key, `$2` nonce, `$3` lease in µs, `$4` whether it waits, `$5` the channel to notify, or NULL.
///
/// The row is locked before anything of it is looked at, so that everybody sees one line. Who only tries, and
/// finds the lock held, writes nothing.
pub(super) const ACQUIRE: &str = "
WITH asked AS (
    INSERT INTO resilience_locks AS l (key, nonce, token, lease_until, line, channels, seen)
    VALUES (
        $1, $2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        now() + $3 * interval '1 microsecond', '{}', '{}', '{}'
    )
    ON CONFLICT (key) DO UPDATE SET (nonce, token, lease_until, line, channels, seen) = (
        SELECT CASE WHEN turn.grants THEN $2 WHEN holder.holds THEN l.nonce END,
               CASE
                   WHEN turn.grants AND NOT holder.asks
                   THEN greatest(l.token + 1, excluded.token)
                   ELSE l.token
               END,
               CASE WHEN turn.grants THEN excluded.lease_until ELSE l.lease_until END,
               after.line, after.channels, after.seen
        FROM (
            SELECT l.nonce IS NOT NULL AND l.lease_until > now() AS holds,
                   coalesce(l.nonce = $2 AND l.lease_until > now(), false) AS asks
        ) AS holder
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(w.nonce ORDER BY w.place), '{}') AS line
            FROM unnest(l.line, l.seen) WITH ORDINALITY AS w (nonce, seen, place)
            WHERE w.seen > now() - interval '3 seconds'
        ) AS before
        CROSS JOIN LATERAL (
            SELECT holder.asks
                OR NOT holder.holds AND coalesce(before.line[1] = $2, true) AS grants
        ) AS turn
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(w.nonce ORDER BY w.place), '{}') AS line,
                   coalesce(array_agg(w.channel ORDER BY w.place), '{}') AS channels,
                   coalesce(array_agg(w.seen ORDER BY w.place), '{}') AS seen
            FROM (
                SELECT o.nonce,
                       CASE WHEN o.nonce = $2 THEN $5 ELSE o.channel END AS channel,
                       CASE WHEN o.nonce = $2 THEN now() ELSE o.seen END AS seen,
                       o.place
                FROM unnest(l.line, l.channels, l.seen)
                     WITH ORDINALITY AS o (nonce, channel, seen, place)
                WHERE o.seen > now() - interval '3 seconds'
                  AND NOT (turn.grants AND o.nonce = $2)
                UNION ALL
                SELECT $2, $5, now(), 9223372036854775807
                WHERE $4 AND NOT turn.grants AND $2 <> ALL (before.line)
            ) AS w
        ) AS after
    )
    WHERE $4 OR l.nonce IS NULL OR l.nonce = $2 OR l.lease_until <= now()
    RETURNING l.nonce, l.token, l.lease_until
)
SELECT coalesce(nonce = $2, false), token,
       CASE
           WHEN nonce IS NOT NULL
           THEN (extract(epoch FROM lease_until - now()) * 1000000)::bigint
       END
FROM asked
UNION ALL
SELECT false, token, (extract(epoch FROM lease_until - now()) * 1000000)::bigint
FROM resilience_locks
WHERE key = $1 AND NOT EXISTS (SELECT FROM asked)";

/// `$1` key, `$2` nonce, `$3` lease in µs. A row, if it was extended.
pub(super) const RENEW_LOCK: &str = "
UPDATE resilience_locks
SET lease_until = now() + $3 * interval '1 microsecond'
WHERE key = $1 AND nonce = $2 AND lease_until > now()
RETURNING token";

/// `$1` key, `$2` nonce.
pub(super) const RELEASE_LOCK: &str = "
WITH released AS (
    UPDATE resilience_locks AS l
    SET nonce = CASE WHEN l.nonce = $2 THEN NULL ELSE l.nonce END,
        lease_until = CASE WHEN l.nonce = $2 THEN now() ELSE l.lease_until END,
        line = (
            SELECT coalesce(array_agg(w.nonce ORDER BY w.place), '{}')
            FROM unnest(l.line, l.seen) WITH ORDINALITY AS w (nonce, seen, place)
            WHERE w.nonce <> $2 AND w.seen > now() - interval '3 seconds'
        ),
        channels = (
            SELECT coalesce(array_agg(w.channel ORDER BY w.place), '{}')
            FROM unnest(l.line, l.channels, l.seen)
                 WITH ORDINALITY AS w (nonce, channel, seen, place)
            WHERE w.nonce <> $2 AND w.seen > now() - interval '3 seconds'
        ),
        seen = (
            SELECT coalesce(array_agg(w.seen ORDER BY w.place), '{}')
            FROM unnest(l.line, l.seen) WITH ORDINALITY AS w (nonce, seen, place)
            WHERE w.nonce <> $2 AND w.seen > now() - interval '3 seconds'
        )
    WHERE l.key = $1 AND (l.nonce = $2 OR $2 = ANY (l.line))
    RETURNING l.nonce, l.lease_until, l.line, l.channels
)
SELECT count(pg_notify(channels[1], 't' || encode($1, 'hex') || encode(line[1], 'hex')))
FROM released
WHERE channels[1] IS NOT NULL AND (nonce IS NULL OR lease_until <= now())";

-- Records of #[idempotent], and locks. Keys, fingerprints and nonces are bytes, which psql shows as
-- hexadecimal digits; the content of a record is bytes because a text may not hold NUL.

-- `state`: running (a claim), ended (a trace: no result), completed (a record). `waiters` are the channels
-- that are notified when the state changes. A claim whose lease is over is still there for a day, so that
-- the next run knows that it is not the first.
CREATE TABLE resilience_idempotency_records (
    key         bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    nonce       bytea NOT NULL,
    state       text NOT NULL,
    attempt     integer NOT NULL,
    interrupted boolean NOT NULL,
    token       bigint NOT NULL,
    lease_until timestamptz,
    expires_at  timestamptz NOT NULL,
    waiters     text[] NOT NULL,
    kind        text,
    schema      text,
    content     bytea,
    created_at  timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX resilience_idempotency_records_by_expiry
    ON resilience_idempotency_records (expires_at) WHERE expires_at < 'infinity';

-- The part of a claim that writes. It looks again, because time has passed; no row is the answer when many others
-- were faster. Its parameters: key, fingerprint, nonce, lease in microseconds, the channel to notify or NULL; kind,
-- schema and content of the record that it replaces, or NULL.
CREATE FUNCTION resilience_claim(bytea, bytea, bytea, bigint, text, text, text, bytea)
RETURNS TABLE (
    verdict text, attempt integer, interrupted boolean, token bigint,
    remaining bigint, kind text, schema text, content bytea
)
LANGUAGE plpgsql VOLATILE AS $function$
#variable_conflict use_column
BEGIN
    -- Most keys are new.
    RETURN QUERY
    INSERT INTO resilience_idempotency_records AS r (
        key, fingerprint, nonce, state, attempt, interrupted, token,
        lease_until, expires_at, waiters, created_at
    )
    VALUES (
        $1, $2, $3, 'running', 1, false,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        now() + $4 * interval '1 microsecond',
        now() + $4 * interval '1 microsecond' + interval '1 day',
        '{}', now()
    )
    ON CONFLICT (key) DO NOTHING
    RETURNING 'granted'::text, r.attempt, r.interrupted, r.token,
              NULL::bigint, NULL::text, NULL::text, NULL::bytea;
    IF FOUND THEN
        RETURN;
    END IF;
    -- A row that changed since this statement began to look is looked at again.
    FOR round IN 1 .. 16 LOOP
        RETURN QUERY
        WITH there AS MATERIALIZED (
            SELECT nonce, attempt, interrupted, token, waiters, kind, schema, content,
                   (extract(epoch FROM lease_until - now()) * 1000000)::bigint AS remaining,
                   CASE
                       WHEN state = 'ended' AND (fingerprint = $2 OR NOT interrupted) THEN 'free'
                       WHEN fingerprint <> $2 THEN 'mismatch'
                       WHEN state = 'completed' AND kind = $6 AND schema = $7 AND content = $8 THEN 'free'
                       WHEN state = 'completed' THEN 'completed'
                       WHEN lease_until <= now() THEN 'free'
                       WHEN nonce = $3 THEN 'granted'
                       ELSE 'busy'
                   END AS verdict
            FROM resilience_idempotency_records
            WHERE key = $1 AND expires_at > now()
        ), taken AS (
            INSERT INTO resilience_idempotency_records AS r (
                key, fingerprint, nonce, state, attempt, interrupted, token,
                lease_until, expires_at, waiters, created_at
            )
            SELECT $1, $2, $3, 'running', 1, false,
                   (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
                   now() + $4 * interval '1 microsecond',
                   now() + $4 * interval '1 microsecond' + interval '1 day',
                   '{}', now()
            WHERE NOT EXISTS (SELECT FROM there WHERE verdict <> 'free')
            ON CONFLICT (key) DO UPDATE SET
                fingerprint = excluded.fingerprint,
                nonce = excluded.nonce,
                state = excluded.state,
                attempt = CASE
                    WHEN r.expires_at <= now() OR r.fingerprint <> excluded.fingerprint THEN 1
                    ELSE r.attempt + 1
                END,
                interrupted = r.expires_at > now() AND r.fingerprint = excluded.fingerprint
                    AND r.state <> 'completed' AND (r.interrupted OR r.state = 'running'),
                token = greatest(r.token + 1, excluded.token),
                lease_until = excluded.lease_until,
                expires_at = excluded.expires_at,
                waiters = CASE WHEN r.state = 'running' THEN r.waiters ELSE '{}' END,
                kind = NULL, schema = NULL, content = NULL,
                created_at = excluded.created_at
            WHERE r.expires_at <= now()
               OR r.state = 'ended' AND (r.fingerprint = excluded.fingerprint OR NOT r.interrupted)
               OR r.state = 'running' AND r.fingerprint = excluded.fingerprint AND r.lease_until <= now()
               OR r.state = 'completed' AND r.fingerprint = excluded.fingerprint
                  AND r.kind = $6 AND r.schema = $7 AND r.content = $8
            RETURNING r.attempt, r.interrupted, r.token
        ), extended AS (
            UPDATE resilience_idempotency_records AS r
            SET lease_until = now() + $4 * interval '1 microsecond',
                expires_at = now() + $4 * interval '1 microsecond' + interval '1 day'
            FROM there
            WHERE r.key = $1 AND r.nonce = $3 AND r.state = 'running' AND there.verdict = 'granted'
            RETURNING r.nonce
        ), waiting AS (
            UPDATE resilience_idempotency_records AS r
            SET waiters = array_append(r.waiters, $5)
            FROM there
            WHERE r.key = $1 AND r.nonce = there.nonce AND r.state = 'running'
              AND there.verdict = 'busy' AND $5 IS NOT NULL
              AND $5 <> ALL (there.waiters) AND $5 <> ALL (r.waiters)
            RETURNING r.nonce
        )
        SELECT 'granted', attempt, interrupted, token, NULL::bigint, NULL::text, NULL::text, NULL::bytea
        FROM taken
        UNION ALL
        SELECT verdict, attempt, interrupted, token, remaining, kind, schema, content
        FROM there
        WHERE verdict IN ('mismatch', 'completed')
           OR verdict = 'granted' AND EXISTS (SELECT FROM extended)
           OR verdict = 'busy'
              AND ($5 IS NULL OR $5 = ANY (waiters) OR EXISTS (SELECT FROM waiting));
        IF FOUND THEN
            RETURN;
        END IF;
    END LOOP;
END
$function$;

-- `nonce` is the holder, or NULL when the lock is free. The three arrays are one line: who waits, the
-- channel that wakes it, when it asked last. A row stays for an hour after its last use: the next token is
-- greater than the last one whatever the clock does.
CREATE TABLE resilience_locks (
    key         bytea PRIMARY KEY,
    nonce       bytea,
    token       bigint NOT NULL,
    lease_until timestamptz NOT NULL,
    line        bytea[] NOT NULL,
    channels    text[] NOT NULL,
    seen        timestamptz[] NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX resilience_locks_by_end ON resilience_locks (lease_until);

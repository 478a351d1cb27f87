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

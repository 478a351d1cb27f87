-- Records say what they hold, keys remember how their runs ended, and there are locks.
--
-- A record is `running`, `completed` (with `kind`, `schema` and `result`), or `ended`: the trace of a run without a
-- result. `interrupted` says whether the end of a run under this key was not seen. `token` is the fencing token: it
-- grows with each grant.

ALTER TABLE resilience_idempotency_records ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resilience_idempotency_records ADD COLUMN token INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resilience_idempotency_records ADD COLUMN kind TEXT;
ALTER TABLE resilience_idempotency_records ADD COLUMN schema TEXT;

-- Of what was stored before, nobody knows from which type.
UPDATE resilience_idempotency_records SET kind = 'value', schema = '' WHERE state = 'completed';
-- Another attempt was only ever granted after a process had died.
UPDATE resilience_idempotency_records SET interrupted = 1 WHERE state = 'running' AND attempt > 1;

DROP INDEX resilience_idempotency_records_by_expiry;

CREATE INDEX resilience_idempotency_records_by_expiry
    ON resilience_idempotency_records (expires_at) WHERE expires_at IS NOT NULL;

-- A lock without `nonce` is free; it is kept for a moment, so that the next token is greater.
CREATE TABLE resilience_locks (
    key        TEXT PRIMARY KEY NOT NULL,
    nonce      TEXT,
    owner      TEXT,
    token      INTEGER NOT NULL,
    updated_at REAL NOT NULL
) WITHOUT ROWID;

CREATE INDEX resilience_locks_free ON resilience_locks (updated_at) WHERE nonce IS NULL;

-- The lines of those who wait, each in the order of `place`.
CREATE TABLE resilience_lock_places (
    place   INTEGER PRIMARY KEY,
    key     TEXT NOT NULL,
    nonce   TEXT NOT NULL,
    owner   TEXT NOT NULL,
    seen_at REAL NOT NULL,
    UNIQUE (key, nonce)
);

CREATE INDEX resilience_lock_places_by_key ON resilience_lock_places (key, place);

CREATE INDEX resilience_lock_places_by_age ON resilience_lock_places (seen_at);

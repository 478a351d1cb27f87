-- Digests are written as hexadecimal text and times as seconds since 1970, so that an operator can
-- read every table with the sqlite3 shell. `owner` is the id of the worker (one open store of one
-- process) that has the row; see the folder of lock files beside the database.

CREATE TABLE resilience_sagas (
    id         TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    key        TEXT,
    input      TEXT NOT NULL,
    status     TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    owner      TEXT NOT NULL,
    output     TEXT,
    error      TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
) WITHOUT ROWID;

-- At most one saga per idempotency key, unless the earlier ones were undone completely. One that was
-- completed loses its key to the next one when the time that the key is kept for is over.
CREATE UNIQUE INDEX resilience_sagas_by_key ON resilience_sagas (key)
    WHERE key IS NOT NULL AND status <> 'compensated';

-- What recovery looks through. Written as "not finished" so that a row with a status word that
-- nobody knows is found and reported too.
CREATE INDEX resilience_sagas_unfinished ON resilience_sagas (owner)
    WHERE status NOT IN ('completed', 'compensated', 'dead');

CREATE TABLE resilience_saga_steps (
    saga_id     TEXT NOT NULL REFERENCES resilience_sagas (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    step        TEXT NOT NULL,
    occurrence  INTEGER NOT NULL,
    arguments   TEXT NOT NULL,
    output      TEXT,
    undone      INTEGER NOT NULL,
    finished_at REAL NOT NULL,
    PRIMARY KEY (saga_id, position)
) WITHOUT ROWID;

CREATE TABLE resilience_idempotency_records (
    key         TEXT PRIMARY KEY NOT NULL,
    fingerprint TEXT NOT NULL,
    state       TEXT NOT NULL,
    nonce       TEXT NOT NULL,
    owner       TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    result      TEXT,
    expires_at  REAL,
    created_at  REAL NOT NULL
);

CREATE INDEX resilience_idempotency_records_by_expiry
    ON resilience_idempotency_records (expires_at) WHERE state = 'completed';

-- AUTOINCREMENT: the id of a dead letter is what operators write down, and is never used again.
CREATE TABLE resilience_dead_letters (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    saga_id    TEXT NOT NULL REFERENCES resilience_sagas (id) ON DELETE CASCADE,
    saga_name  TEXT NOT NULL,
    kind       TEXT NOT NULL,
    operation  TEXT NOT NULL,
    arguments  TEXT NOT NULL,
    output     TEXT,
    error      TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    status     TEXT NOT NULL,
    note       TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
);

CREATE UNIQUE INDEX resilience_dead_letters_open
    ON resilience_dead_letters (saga_id) WHERE status = 'open';

-- For the foreign key too, which a partial index does not serve.
CREATE INDEX resilience_dead_letters_by_saga ON resilience_dead_letters (saga_id);

CREATE INDEX resilience_dead_letters_by_status ON resilience_dead_letters (status, id);

CREATE VIEW resilience_unresolved_dead_letters AS
SELECT id,
       datetime(created_at, 'unixepoch') AS since,
       saga_name,
       saga_id,
       kind,
       operation,
       attempts,
       error
FROM resilience_dead_letters
WHERE status = 'open'
ORDER BY id;

CREATE VIEW resilience_unfinished_sagas AS
SELECT id,
       name,
       status,
       datetime(created_at, 'unixepoch') AS since,
       owner,
       epoch,
       (SELECT count(*) FROM resilience_saga_steps WHERE saga_id = sagas.id) AS steps,
       error
FROM resilience_sagas AS sagas
WHERE status NOT IN ('completed', 'compensated', 'dead')
ORDER BY id;

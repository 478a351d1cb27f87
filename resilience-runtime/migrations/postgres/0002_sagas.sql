-- JSON is kept as text and never as jsonb, which refuses U+0000 and changes numbers. Ids are compared
-- byte by byte, so that rows lie in the order in which sagas began, whatever the locale is.

-- The open stores. A worker is alive as long as its row is here: it renews the lease, and whoever finds a lease
-- that is over deletes the row. No id is ever used twice.
CREATE TABLE resilience_workers (
    id         uuid PRIMARY KEY,
    lease_end  timestamptz NOT NULL,
    entered_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE resilience_sagas (
    id         text COLLATE "C" PRIMARY KEY,
    name       text NOT NULL,
    key        bytea CHECK (octet_length(key) = 32),
    input      text NOT NULL,
    status     text NOT NULL,
    epoch      bigint NOT NULL,
    owner      uuid NOT NULL,
    output     text,
    error      text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- At most one saga per idempotency key, unless the earlier ones were undone completely. One that was
-- completed loses its key to the next one when the time that the key is kept for is over.
CREATE UNIQUE INDEX resilience_sagas_by_key ON resilience_sagas (key)
    WHERE key IS NOT NULL AND status <> 'compensated';

-- What recovery looks through. Written as "not finished" so that a row with a status word that
-- nobody knows is found and reported too.
CREATE INDEX resilience_sagas_unfinished ON resilience_sagas (owner, id)
    WHERE status NOT IN ('completed', 'compensated', 'dead');

CREATE TABLE resilience_saga_steps (
    saga_id     text COLLATE "C" NOT NULL REFERENCES resilience_sagas (id) ON DELETE CASCADE,
    position    bigint NOT NULL CHECK (position BETWEEN 0 AND 4294967295),
    step        text NOT NULL,
    occurrence  bigint NOT NULL CHECK (occurrence BETWEEN 0 AND 4294967295),
    arguments   text NOT NULL,
    output      text,
    undone      boolean NOT NULL,
    finished_at timestamptz NOT NULL,
    PRIMARY KEY (saga_id, position)
);

-- `nonce` is the last write to the letter: one that is made again, because its answer was lost, knows its own.
CREATE TABLE resilience_dead_letters (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    saga_id    text COLLATE "C" NOT NULL REFERENCES resilience_sagas (id) ON DELETE CASCADE,
    saga_name  text NOT NULL,
    kind       text NOT NULL,
    operation  text NOT NULL,
    arguments  text NOT NULL,
    output     text,
    error      text NOT NULL,
    attempts   bigint NOT NULL CHECK (attempts BETWEEN 0 AND 4294967295),
    status     text NOT NULL,
    nonce      uuid NOT NULL,
    note       text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX resilience_dead_letters_open
    ON resilience_dead_letters (saga_id) WHERE status = 'open';

-- For the foreign key too, which a partial index does not serve.
CREATE INDEX resilience_dead_letters_by_saga ON resilience_dead_letters (saga_id);

CREATE INDEX resilience_dead_letters_by_status ON resilience_dead_letters (status, id);

CREATE VIEW resilience_unresolved_dead_letters AS
SELECT id,
       created_at AS since,
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
       created_at AS since,
       owner,
       epoch,
       (SELECT count(*) FROM resilience_saga_steps WHERE saga_id = sagas.id) AS steps,
       error
FROM resilience_sagas AS sagas
WHERE status NOT IN ('completed', 'compensated', 'dead')
ORDER BY id;

-- Sagas know their version, their caller and their deadline, what is asked of them, and why they stand still; steps
-- know how they came out; dead letters are about any kind of work; and what operators do is written down.
--
-- Defaults are written so that the sqlite3 shell of any version can add a row: `'subsec'` is newer than some.

DROP VIEW resilience_unresolved_dead_letters;
DROP VIEW resilience_unfinished_sagas;
DROP INDEX resilience_sagas_by_key;
DROP INDEX resilience_sagas_unfinished;

ALTER TABLE resilience_sagas ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- Why it is parked.
ALTER TABLE resilience_sagas ADD COLUMN parking TEXT;
-- How often in a row it was taken over from a process that had died, and how many steps had come out or had been
-- undone when that was counted last.
ALTER TABLE resilience_sagas ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resilience_sagas ADD COLUMN progress INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resilience_sagas ADD COLUMN pivoted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resilience_sagas ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
-- The status that an operator wants a dead saga to have.
ALTER TABLE resilience_sagas ADD COLUMN retry TEXT;
-- The error of its function as JSON.
ALTER TABLE resilience_sagas ADD COLUMN failure TEXT;
ALTER TABLE resilience_sagas ADD COLUMN parent TEXT
    REFERENCES resilience_sagas (id) ON DELETE CASCADE;
-- How long it may run from its start, in microseconds.
ALTER TABLE resilience_sagas ADD COLUMN timeout INTEGER;
-- Which start has written it.
ALTER TABLE resilience_sagas ADD COLUMN nonce TEXT;

ALTER TABLE resilience_saga_steps ADD COLUMN outcome TEXT NOT NULL DEFAULT 'done';
ALTER TABLE resilience_saga_steps ADD COLUMN compensation TEXT;

-- Steps without an output were in doubt. What undoes a step was not written down.
UPDATE resilience_saga_steps SET compensation = 'not recorded';
UPDATE resilience_saga_steps SET outcome = 'in_doubt' WHERE output IS NULL;

-- A saga was dead because a step could not be undone, or because the journal and the code differed. Only of the
-- latter nothing is decided yet.
UPDATE resilience_sagas
SET status = 'parked', parking = 'mismatch'
WHERE status = 'dead'
  AND EXISTS (SELECT 1 FROM resilience_dead_letters AS letter
              WHERE letter.saga_id = resilience_sagas.id
                AND letter.status = 'open' AND letter.kind = 'saga')
  AND NOT EXISTS (SELECT 1 FROM resilience_saga_steps AS step
                  WHERE step.saga_id = resilience_sagas.id AND step.undone);
UPDATE resilience_sagas SET status = 'compensation_failed' WHERE status = 'dead';

-- At most one saga per idempotency key, unless the earlier ones are over without a result. One that was completed
-- loses its key to the next one when the time that the key is kept for is over.
CREATE UNIQUE INDEX resilience_sagas_by_key ON resilience_sagas (key)
    WHERE key IS NOT NULL AND status NOT IN ('compensated', 'failed', 'resolved');

CREATE INDEX resilience_sagas_by_start ON resilience_sagas (created_at, id);

-- What recovery looks through. Written as "not finished" so that a row with a status word that nobody knows is found
-- and reported too.
CREATE INDEX resilience_sagas_unfinished
    ON resilience_sagas (created_at, id, owner, name, version)
    WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                         'compensation_failed');

-- What nobody has: their processes left in order, or they were started in somebody's transaction.
CREATE INDEX resilience_sagas_left ON resilience_sagas (created_at)
    WHERE owner = ''
      AND status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                         'compensation_failed');

CREATE INDEX resilience_sagas_dead ON resilience_sagas (created_at, id)
    WHERE status IN ('parked', 'compensation_failed');

CREATE INDEX resilience_sagas_retried ON resilience_sagas (created_at, id)
    WHERE retry IS NOT NULL AND status IN ('parked', 'compensation_failed');

CREATE INDEX resilience_sagas_cancelled ON resilience_sagas (owner)
    WHERE cancelled = 1 AND status = 'running';

-- What is deleted some day. Who was called by another saga goes with that one.
CREATE INDEX resilience_sagas_over ON resilience_sagas (updated_at)
    WHERE parent IS NULL AND status IN ('completed', 'compensated', 'failed', 'resolved');

CREATE INDEX resilience_sagas_by_parent ON resilience_sagas (parent) WHERE parent IS NOT NULL;

-- Those that nobody has to work on, as they are counted, without a look at their rows: by name and status, and how long
-- the last ones of each took.
CREATE INDEX resilience_sagas_at_rest ON resilience_sagas (name, status, updated_at, created_at)
    WHERE status IN ('completed', 'compensated', 'failed', 'resolved', 'parked', 'compensation_failed');

-- A new table, because letters need no saga any more. `owner` is the worker that does a work again; `nonce` makes
-- adding one twice the same as adding it once; a letter of a saga has the `position` of its step. Priorities: 0 low,
-- 1 normal, 2 high, 3 critical. AUTOINCREMENT: the id of a dead letter is what operators write down, and is never used
-- again, also not that of one that was deleted.
CREATE TABLE resilience_dead_letters_new (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    saga_id    TEXT REFERENCES resilience_sagas (id) ON DELETE CASCADE,
    saga_name  TEXT,
    kind       TEXT NOT NULL DEFAULT 'work',
    operation  TEXT NOT NULL,
    dependency TEXT,
    priority   INTEGER NOT NULL DEFAULT 1,
    position   INTEGER,
    arguments  TEXT NOT NULL DEFAULT '{}',
    output     TEXT,
    error      TEXT NOT NULL DEFAULT '',
    attempts   INTEGER NOT NULL DEFAULT 0,
    status     TEXT NOT NULL DEFAULT 'open',
    note       TEXT,
    owner      TEXT,
    nonce      TEXT UNIQUE,
    created_at REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400.0),
    updated_at REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400.0)
);

-- What could not be undone is the newest step that is not undone yet.
INSERT INTO resilience_dead_letters_new
    (id, saga_id, saga_name, kind, operation, priority, position, arguments, output, error,
     attempts, status, note, created_at, updated_at)
SELECT id, saga_id, saga_name, kind, operation, 2,
       CASE WHEN kind = 'compensation' THEN (
           SELECT max(step.position) FROM resilience_saga_steps AS step
           WHERE step.saga_id = letter.saga_id AND step.step = letter.operation
             AND NOT (step.undone AND letter.status = 'open')) END,
       arguments, output, error, attempts, status, note, created_at, updated_at
FROM resilience_dead_letters AS letter;

DELETE FROM sqlite_sequence WHERE name = 'resilience_dead_letters_new';
INSERT INTO sqlite_sequence (name, seq)
SELECT 'resilience_dead_letters_new', seq FROM sqlite_sequence
WHERE name = 'resilience_dead_letters';
DROP TABLE resilience_dead_letters;
ALTER TABLE resilience_dead_letters_new RENAME TO resilience_dead_letters;

-- A step has at most one letter that is to be dealt with, and a saga one that is of no step.
CREATE UNIQUE INDEX resilience_dead_letters_open
    ON resilience_dead_letters (saga_id, coalesce(position, -1))
    WHERE saga_id IS NOT NULL AND status IN ('open', 'retrying');

CREATE INDEX resilience_dead_letters_by_status ON resilience_dead_letters (status, id);
CREATE INDEX resilience_dead_letters_by_time ON resilience_dead_letters (created_at);
CREATE INDEX resilience_dead_letters_by_priority ON resilience_dead_letters (priority);
CREATE INDEX resilience_dead_letters_by_dependency ON resilience_dead_letters (dependency);
CREATE INDEX resilience_dead_letters_by_operation ON resilience_dead_letters (operation);
-- For the foreign key too, which a partial index with a status does not serve.
CREATE INDEX resilience_dead_letters_by_saga ON resilience_dead_letters (saga_id);

-- Works that a handler is to do again, and whether somebody does, and those that are deleted some day.
CREATE INDEX resilience_dead_letters_wanted ON resilience_dead_letters (id, owner)
    WHERE kind = 'work' AND status = 'retrying';
CREATE INDEX resilience_dead_letters_over ON resilience_dead_letters (updated_at)
    WHERE kind = 'work' AND status NOT IN ('open', 'retrying');

-- What was done by hand, to a letter or to a saga. The number of the last entry also tells other processes that
-- somebody has asked for something.
CREATE TABLE resilience_audit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400.0),
    operator TEXT NOT NULL,
    action   TEXT NOT NULL,
    reason   TEXT,
    letter   INTEGER REFERENCES resilience_dead_letters (id) ON DELETE CASCADE,
    saga     TEXT REFERENCES resilience_sagas (id) ON DELETE CASCADE
);

CREATE INDEX resilience_audit_by_letter ON resilience_audit (letter);
CREATE INDEX resilience_audit_by_saga ON resilience_audit (saga);

CREATE VIEW resilience_unresolved_dead_letters AS
SELECT id,
       datetime(created_at, 'unixepoch') AS since,
       status,
       CASE priority WHEN 0 THEN 'low' WHEN 1 THEN 'normal' WHEN 2 THEN 'high'
                     WHEN 3 THEN 'critical' END AS urgency,
       kind,
       operation,
       dependency,
       saga_name,
       saga_id,
       attempts,
       error
FROM resilience_dead_letters
WHERE status IN ('open', 'retrying')
ORDER BY id;

CREATE VIEW resilience_critical_dead_letters AS
SELECT unresolved.*
FROM resilience_unresolved_dead_letters AS unresolved
JOIN resilience_dead_letters AS letter ON letter.id = unresolved.id
WHERE letter.priority >= 2
ORDER BY letter.priority DESC, letter.id;

CREATE VIEW resilience_recent_failures AS
SELECT id,
       datetime(created_at, 'unixepoch') AS since,
       status,
       kind,
       operation,
       dependency,
       saga_name,
       saga_id,
       attempts,
       error
FROM resilience_dead_letters
WHERE created_at >= (julianday('now') - 2440588.5) * 86400.0
ORDER BY id DESC;

CREATE VIEW resilience_unfinished_sagas AS
SELECT id,
       name,
       version,
       status,
       datetime(created_at, 'unixepoch') AS since,
       owner,
       epoch,
       interruptions,
       cancelled,
       (SELECT count(*) FROM resilience_saga_steps WHERE saga_id = sagas.id) AS steps,
       error
FROM resilience_sagas AS sagas
WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                     'compensation_failed')
ORDER BY created_at, id;

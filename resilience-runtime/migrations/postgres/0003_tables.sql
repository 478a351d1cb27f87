-- What sagas and dead letters have learned to say, and who did what to them.

-- Sagas. `owner` is NULL where nobody has the saga and nobody died: the next one who looks takes it. `interruptions`
-- were last counted when the saga had come as far as `counted_at`. `retry` is how a dead one is to go on: itself or
-- compensation. `nonce` is the call that started a saga whose id was given.
ALTER TABLE resilience_sagas
    ALTER COLUMN owner DROP NOT NULL,
    ADD COLUMN version       bigint NOT NULL DEFAULT 1,
    ADD COLUMN parking       text,
    ADD COLUMN interruptions bigint NOT NULL DEFAULT 0,
    ADD COLUMN counted_at    bigint NOT NULL DEFAULT 0,
    ADD COLUMN pivoted       boolean NOT NULL DEFAULT false,
    ADD COLUMN cancelled     boolean NOT NULL DEFAULT false,
    ADD COLUMN retry         text,
    ADD COLUMN failure       text,
    ADD COLUMN parent        text COLLATE "C" REFERENCES resilience_sagas (id) ON DELETE CASCADE,
    ADD COLUMN deadline      timestamptz,
    ADD COLUMN nonce         uuid;

-- The server reads the text of a CHECK again for each statement that writes to its table, which was a seventh of what a
-- saga costs it. A number that is none of ours is found when it is read.
ALTER TABLE resilience_sagas DROP CONSTRAINT resilience_sagas_key_check;
ALTER TABLE resilience_saga_steps
    DROP CONSTRAINT resilience_saga_steps_position_check,
    DROP CONSTRAINT resilience_saga_steps_occurrence_check;

-- Steps. Of older ones nobody knows the name of what undoes them, only that something may.
ALTER TABLE resilience_saga_steps
    ADD COLUMN outcome      text NOT NULL DEFAULT 'done',
    ADD COLUMN compensation text DEFAULT 'unknown';
UPDATE resilience_saga_steps SET outcome = 'in_doubt' WHERE output IS NULL;
ALTER TABLE resilience_saga_steps
    ALTER COLUMN outcome DROP DEFAULT,
    ALTER COLUMN compensation DROP DEFAULT;

-- Letters. The payload is `json`, which psql can show and look into, and not `jsonb`, which refuses U+0000 and changes
-- numbers. (Looking into one that has U+0000 somewhere is an error of the server; showing it is not.)
-- `owner` is who works on a work, `request` the call that added it.
CREATE FUNCTION resilience_as_json(content text) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $function$
BEGIN
    RETURN content::json;
EXCEPTION WHEN OTHERS THEN
    RETURN to_json(content);
END
$function$;

DROP VIEW resilience_unresolved_dead_letters, resilience_unfinished_sagas;

ALTER TABLE resilience_dead_letters
    ALTER COLUMN saga_id DROP NOT NULL,
    ALTER COLUMN saga_name DROP NOT NULL,
    ALTER COLUMN arguments TYPE json USING resilience_as_json(arguments),
    ALTER COLUMN output TYPE json USING resilience_as_json(output),
    ADD COLUMN dependency text,
    ADD COLUMN priority   smallint NOT NULL DEFAULT 2 CHECK (priority BETWEEN 0 AND 3),
    ADD COLUMN position   bigint CHECK (position BETWEEN 0 AND 4294967295),
    ADD COLUMN owner      uuid,
    ADD COLUMN request    text UNIQUE;
ALTER TABLE resilience_dead_letters ALTER COLUMN priority DROP DEFAULT;
DROP FUNCTION resilience_as_json(text);

UPDATE resilience_dead_letters AS letter
SET position = (SELECT max(step.position) FROM resilience_saga_steps AS step
                WHERE step.saga_id = letter.saga_id AND step.step = letter.operation AND NOT step.undone)
WHERE letter.kind = 'compensation' AND letter.status = 'open';

-- What was `dead` is parked where the whole saga is what failed, and else could not be undone.
UPDATE resilience_sagas AS saga
SET status = 'parked', parking = 'mismatch'
WHERE status = 'dead' AND EXISTS (
    SELECT FROM resilience_dead_letters AS letter
    WHERE letter.saga_id = saga.id AND letter.status = 'open' AND letter.kind = 'saga'
);
UPDATE resilience_sagas SET status = 'compensation_failed' WHERE status = 'dead';

-- At most one saga per idempotency key, unless the earlier ones have given it up.
DROP INDEX resilience_sagas_by_key;
CREATE UNIQUE INDEX resilience_sagas_by_key ON resilience_sagas (key)
    WHERE key IS NOT NULL AND status NOT IN ('compensated', 'failed', 'resolved');

-- What recovery looks through, owner by owner. Written as "not at an end" so that a row with a status word that nobody
-- knows is found and reported too.
DROP INDEX resilience_sagas_unfinished;
CREATE INDEX resilience_sagas_unfinished ON resilience_sagas (owner, created_at, id)
    WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'compensation_failed', 'parked');
-- What nobody has, in the order in which it is taken. The index above has it, too; but that "owner IS NULL" leaves its order as
-- it is, the planner does not know, and would rather go through all sagas in the order of their start.
CREATE INDEX resilience_sagas_left ON resilience_sagas (created_at, id)
    WHERE owner IS NULL
      AND status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'compensation_failed', 'parked');

-- What is dead: all of it, in the order of the lists; what is to be retried; what was parked when.
CREATE INDEX resilience_sagas_dead ON resilience_sagas (created_at, id)
    WHERE status IN ('compensation_failed', 'parked');
CREATE INDEX resilience_sagas_retried ON resilience_sagas (created_at, id) WHERE retry IS NOT NULL;
CREATE INDEX resilience_sagas_cancelled ON resilience_sagas (owner) WHERE cancelled AND status = 'running';

-- All, in the order of the lists; those at an end, in the order in which they are deleted; those of a parent.
CREATE INDEX resilience_sagas_by_start ON resilience_sagas (created_at, id);
CREATE INDEX resilience_sagas_over ON resilience_sagas (updated_at)
    WHERE parent IS NULL AND status IN ('completed', 'compensated', 'failed', 'resolved');
CREATE INDEX resilience_sagas_by_parent ON resilience_sagas (parent) WHERE parent IS NOT NULL;
-- Those that nobody has to work on, as they are counted, without a look at their rows: by name and status, and how long the
-- last ones of each took.
CREATE INDEX resilience_sagas_at_rest ON resilience_sagas (name COLLATE "C", status, updated_at, created_at)
    WHERE status IN ('completed', 'compensated', 'failed', 'resolved', 'compensation_failed', 'parked');

-- A step has at most one unresolved letter, and a saga one that is of no step.
DROP INDEX resilience_dead_letters_open;
CREATE UNIQUE INDEX resilience_dead_letters_unresolved ON resilience_dead_letters (saga_id, (coalesce(position, -1)))
    WHERE status IN ('open', 'retrying');
-- The unresolved ones in their order, of however many there are beside them.
CREATE INDEX resilience_dead_letters_to_resolve ON resilience_dead_letters (id) WHERE status IN ('open', 'retrying');
CREATE INDEX resilience_dead_letters_by_time ON resilience_dead_letters (created_at);
CREATE INDEX resilience_dead_letters_by_priority ON resilience_dead_letters (priority, id)
    WHERE status IN ('open', 'retrying');
CREATE INDEX resilience_dead_letters_by_dependency ON resilience_dead_letters (dependency, id);
CREATE INDEX resilience_dead_letters_by_operation ON resilience_dead_letters (operation, id);
CREATE INDEX resilience_dead_letters_worked_on ON resilience_dead_letters (id)
    WHERE status = 'retrying' AND kind = 'work';
CREATE INDEX resilience_dead_letters_over ON resilience_dead_letters (updated_at)
    WHERE kind = 'work' AND status NOT IN ('open', 'retrying');

-- Who did what, when and why. `nonce` is the call: one that is made again, because its answer was lost, finds its entry.
CREATE TABLE resilience_audit (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL,
    operator text NOT NULL,
    action   text NOT NULL,
    reason   text,
    letter   bigint REFERENCES resilience_dead_letters (id) ON DELETE CASCADE,
    saga     text COLLATE "C" REFERENCES resilience_sagas (id) ON DELETE CASCADE,
    nonce    uuid NOT NULL UNIQUE
);
CREATE INDEX resilience_audit_by_letter ON resilience_audit (letter) WHERE letter IS NOT NULL;
CREATE INDEX resilience_audit_by_saga ON resilience_audit (saga) WHERE saga IS NOT NULL;

-- What people look at.
CREATE VIEW resilience_unresolved_dead_letters AS
SELECT id, created_at AS since, status,
       (ARRAY['low', 'normal', 'high', 'critical'])[priority + 1] AS priority,
       kind, operation, dependency, saga_name, saga_id, position, attempts, error, arguments, output
FROM resilience_dead_letters
WHERE status IN ('open', 'retrying')
ORDER BY id;

CREATE VIEW resilience_recent_failures AS
SELECT id, created_at AS since, updated_at, status,
       (ARRAY['low', 'normal', 'high', 'critical'])[priority + 1] AS priority,
       kind, operation, dependency, saga_name, saga_id, position, attempts, error, arguments, output
FROM resilience_dead_letters
WHERE created_at > now() - interval '24 hours'
ORDER BY created_at DESC, id DESC;

CREATE VIEW resilience_critical_dead_letters AS
SELECT id, created_at AS since, status,
       (ARRAY['low', 'normal', 'high', 'critical'])[priority + 1] AS priority,
       kind, operation, dependency, saga_name, saga_id, position, attempts, error, arguments, output
FROM resilience_dead_letters
WHERE status IN ('open', 'retrying') AND priority >= 2
ORDER BY priority DESC, id;

CREATE VIEW resilience_unfinished_sagas AS
SELECT id, name, version, status, created_at AS since, updated_at, deadline, owner, epoch, interruptions,
       pivoted, cancelled, parent,
       (SELECT count(*) FROM resilience_saga_steps WHERE saga_id = saga.id) AS steps,
       (SELECT count(*) FROM resilience_saga_steps WHERE saga_id = saga.id AND undone) AS undone,
       error
FROM resilience_sagas AS saga
WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'compensation_failed', 'parked')
ORDER BY created_at, id;

-- What is done to sagas and dead letters, by this crate and by people with nothing but psql. The rules stand here once.
-- The row of a saga is always locked before its letters.

-- Writes the entry of the audit.
CREATE FUNCTION resilience_note(who text, action text, why text, letter bigint, saga text, nonce uuid) RETURNS void
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $function$
    INSERT INTO resilience_audit (at, operator, action, reason, letter, saga, nonce)
    VALUES (statement_timestamp(), $1, $2, $3, $4, $5, $6)
$function$;

-- Letters are written one after another, so that their ids are in the order of the commits: who reads them in pages
-- misses none.
CREATE FUNCTION resilience_letters_in_turn() RETURNS void
LANGUAGE sql VOLATILE AS $function$
    SELECT pg_advisory_xact_lock(hashtextextended('resilience_dead_letters', 0))
$function$;

-- A write to the journal that says more than steps and a status. One row, whether somebody has asked to cancel the
-- saga, or none where the epoch is another one. `settles`: nothing, step (the one at `settled`) or all. `letter` is a
-- JSON object or NULL; `nonce` is the write, by which it knows its own letter when it is made again.
CREATE FUNCTION resilience_advance(
    saga text, epoch bigint, status text, parking text, output text, error text, failure text, pivots boolean,
    steps json, undone bigint, settles text, settled bigint, letter json, nonce uuid
) RETURNS SETOF boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $function$
#variable_conflict use_column
DECLARE
    there resilience_sagas;
BEGIN
    SELECT * INTO there FROM resilience_sagas AS it
    WHERE it.id = $1 AND it.epoch = $2
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF coalesce($3, $5, $6, $7) IS NOT NULL OR $8 THEN
        UPDATE resilience_sagas AS it
        SET status = coalesce($3, it.status),
            parking = CASE WHEN $3 IS NULL THEN it.parking WHEN $3 = 'parked' THEN coalesce($4, it.parking) END,
            output = coalesce($5, it.output),
            error = CASE WHEN $3 = 'completed' THEN NULL ELSE coalesce($6, it.error) END, failure = coalesce($7, it.failure),
            pivoted = it.pivoted OR $8,
            updated_at = CASE WHEN $3 <> it.status THEN statement_timestamp() ELSE it.updated_at END
        WHERE it.id = $1;
    END IF;
    INSERT INTO resilience_saga_steps AS step
        (saga_id, position, step, occurrence, arguments, outcome, output, compensation, undone, finished_at)
    SELECT $1, change.position, change.step, change.occurrence, change.arguments, change.outcome, change.output,
           change.compensation, change.undone, statement_timestamp()
    FROM json_to_recordset($9) AS change (position int8, step text, occurrence int8, arguments text, outcome text,
                                          output text, compensation text, undone bool)
    ON CONFLICT (saga_id, position) DO UPDATE SET
        step = CASE WHEN step.step = excluded.step AND step.occurrence = excluded.occurrence THEN step.step END,
        arguments = excluded.arguments, outcome = excluded.outcome, output = excluded.output,
        compensation = excluded.compensation, undone = excluded.undone, finished_at = excluded.finished_at
    WHERE step.step <> excluded.step OR step.occurrence <> excluded.occurrence
       OR step.outcome = 'in_doubt' AND excluded.outcome <> 'in_doubt';
    IF $10 IS NOT NULL THEN
        UPDATE resilience_saga_steps AS step SET undone = true
        WHERE step.saga_id = $1 AND step.position = $10 AND NOT step.undone;
    END IF;
    IF $11 <> 'nothing' THEN
        UPDATE resilience_dead_letters AS it
        SET status = 'settled', nonce = $14, updated_at = statement_timestamp()
        WHERE it.saga_id = $1 AND it.status IN ('open', 'retrying') AND it.nonce <> $14
          AND ($11 = 'all' OR it.position = $12);
    END IF;
    IF $13 IS NOT NULL THEN
        PERFORM resilience_letters_in_turn();
        INSERT INTO resilience_dead_letters AS it
            (saga_id, saga_name, kind, operation, dependency, priority, position, arguments, output, error, attempts,
             nonce, status, created_at, updated_at)
        SELECT $1, there.name, new.kind, new.operation, new.dependency, new.priority, new.position, new.arguments::json,
               new.output::json, new.error, new.attempts, $14, 'open', statement_timestamp(), statement_timestamp()
        FROM json_to_record($13) AS new (kind text, operation text, dependency text, priority int2, position int8,
                                         arguments text, output text, error text, attempts int8)
        ON CONFLICT (saga_id, (coalesce(position, -1))) WHERE status IN ('open', 'retrying') DO UPDATE SET
            attempts = CASE
                WHEN it.nonce = excluded.nonce THEN it.attempts
                WHEN it.kind = excluded.kind AND it.operation = excluded.operation
                     AND it.arguments::text = excluded.arguments::text
                THEN least(it.attempts + excluded.attempts, 4294967295)
                ELSE excluded.attempts END,
            status = excluded.status, kind = excluded.kind, operation = excluded.operation,
            dependency = excluded.dependency, priority = excluded.priority, arguments = excluded.arguments,
            output = excluded.output, error = excluded.error, nonce = excluded.nonce, updated_at = excluded.updated_at;
    END IF;
    -- What was to be retried and is not done waits for an operator again.
    IF $3 IN ('parked', 'compensation_failed') THEN
        UPDATE resilience_dead_letters AS it SET status = 'open', updated_at = statement_timestamp()
        WHERE it.saga_id = $1 AND it.status = 'retrying';
    END IF;
    RETURN NEXT there.cancelled AND NOT there.pivoted AND NOT $8 AND coalesce($3, there.status) = 'running';
END
$function$;

-- Adds work for somebody to do. Returns the letter.
CREATE FUNCTION resilience_dead_letter_add(
    operation text, arguments json, error text, dependency text DEFAULT NULL, priority text DEFAULT 'normal',
    output json DEFAULT NULL, attempts bigint DEFAULT 0, who text DEFAULT current_user, why text DEFAULT NULL,
    request text DEFAULT gen_random_uuid()::text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $function$
#variable_conflict use_column
DECLARE
    letter bigint;
    rank smallint := array_position(ARRAY['low', 'normal', 'high', 'critical'], $5) - 1;
BEGIN
    IF rank IS NULL THEN
        RAISE EXCEPTION 'the priority is low, normal, high or critical, and not "%"', $5
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM resilience_letters_in_turn();
    INSERT INTO resilience_dead_letters
        (kind, operation, dependency, priority, arguments, output, error, attempts, nonce, request, status,
         created_at, updated_at)
    VALUES ('work', $1, $4, rank, $2, $6, $3, $7, gen_random_uuid(), $10, 'open', statement_timestamp(), statement_timestamp())
    ON CONFLICT (request) DO NOTHING
    RETURNING id INTO letter;
    IF letter IS NULL THEN
        SELECT it.id INTO letter FROM resilience_dead_letters AS it WHERE it.request = $10;
        RETURN letter;
    END IF;
    PERFORM resilience_note($8, 'add', $9, letter, NULL, gen_random_uuid());
    RETURN letter;
END
$function$;

-- Whether nobody who lives works on a work. Those of sagas have no owner: there the saga says it.
CREATE FUNCTION resilience_dead_letter_is_free(owner uuid) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $function$
    SELECT NOT EXISTS (SELECT FROM resilience_workers AS worker
                       WHERE worker.id = $1 AND worker.lease_end > clock_timestamp())
$function$;

-- Closes a letter that is unresolved; the saga goes with its last one. False when it is closed or settled, or somebody
-- is retrying it. A request that nobody has taken up is withdrawn with it.
CREATE FUNCTION resilience_dead_letter_close(
    letter bigint, closed text, note text, who text, action text, why text, nonce uuid
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $function$
#variable_conflict use_column
DECLARE
    its_saga text;
BEGIN
    SELECT it.saga_id INTO its_saga FROM resilience_dead_letters AS it WHERE it.id = $1;
    IF its_saga IS NOT NULL THEN
        PERFORM FROM resilience_sagas AS it
        WHERE it.id = its_saga AND it.status IN ('parked', 'compensation_failed')
        FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN EXISTS (SELECT FROM resilience_audit AS it WHERE it.nonce = $7);
        END IF;
    END IF;
    UPDATE resilience_dead_letters AS it
    SET status = $2, note = $3, owner = NULL, updated_at = statement_timestamp()
    WHERE it.id = $1 AND it.status IN ('open', 'retrying') AND resilience_dead_letter_is_free(it.owner);
    IF NOT FOUND THEN
        RETURN EXISTS (SELECT FROM resilience_audit AS it WHERE it.nonce = $7);
    END IF;
    -- The epoch moves on, so that nobody who had the saga once can write to it.
    UPDATE resilience_sagas AS it
    SET status = 'resolved', parking = NULL, retry = NULL, epoch = it.epoch + 1, updated_at = statement_timestamp()
    WHERE it.id = its_saga AND NOT EXISTS (
        SELECT FROM resilience_dead_letters AS other
        WHERE other.saga_id = its_saga AND other.status IN ('open', 'retrying')
    );
    PERFORM resilience_note($4, $5, $6, $1, its_saga, $7);
    RETURN true;
END
$function$;

-- The work was done by hand, and the note says how.
CREATE FUNCTION resilience_dead_letter_resolve(
    id bigint, who text, note text, why text DEFAULT NULL, nonce uuid DEFAULT gen_random_uuid()
) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $function$
    SELECT resilience_dead_letter_close($1, 'resolved', $3, $2, 'resolve', $4, $5)
$function$;

-- The work is given up.
CREATE FUNCTION resilience_dead_letter_discard(
    id bigint, who text, why text, nonce uuid DEFAULT gen_random_uuid()
) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $function$
    SELECT resilience_dead_letter_close($1, 'discarded', NULL, $2, 'discard', $3, $4)
$function$;

-- Asks for another try: a process that has the code is woken and does it. With `as_compensation` the saga is undone,
-- also where it is parked. A request that nobody has taken up is replaced by it. False when the letter is closed or
-- settled, or somebody is retrying it.
CREATE FUNCTION resilience_dead_letter_retry(
    id bigint, who text, why text, as_compensation boolean DEFAULT false, nonce uuid DEFAULT gen_random_uuid()
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $function$
#variable_conflict use_column
DECLARE
    its_saga text;
    is_dead boolean;
BEGIN
    SELECT it.saga_id INTO its_saga FROM resilience_dead_letters AS it WHERE it.id = $1;
    IF its_saga IS NOT NULL THEN
        SELECT it.status IN ('parked', 'compensation_failed') INTO is_dead
        FROM resilience_sagas AS it WHERE it.id = its_saga
        FOR NO KEY UPDATE;
    END IF;
    PERFORM FROM resilience_dead_letters AS it WHERE it.id = $1 FOR NO KEY UPDATE;
    -- The same request made again, of which the answer was lost: it may have been taken up, or replaced, since.
    IF EXISTS (SELECT FROM resilience_audit AS it WHERE it.nonce = $5) THEN
        RETURN true;
    END IF;
    -- Who took a work and is gone has the nonce of it.
    UPDATE resilience_dead_letters AS it
    SET status = 'retrying', owner = NULL, updated_at = statement_timestamp(),
        nonce = CASE WHEN it.owner IS NULL THEN it.nonce ELSE gen_random_uuid() END
    WHERE it.id = $1 AND it.status IN ('open', 'retrying') AND coalesce(is_dead, true)
      AND resilience_dead_letter_is_free(it.owner);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF its_saga IS NOT NULL THEN
        UPDATE resilience_dead_letters AS it
        SET status = 'retrying', updated_at = statement_timestamp()
        WHERE it.saga_id = its_saga AND it.status = 'open';
        UPDATE resilience_sagas AS it
        SET retry = CASE WHEN $4 THEN 'compensation' ELSE 'itself' END
        WHERE it.id = its_saga;
    END IF;
    PERFORM resilience_note($2, CASE WHEN $4 THEN 'compensate' ELSE 'retry' END, $3, $1, its_saga, $5);
    PERFORM pg_notify('resilience_sagas', '');
    RETURN true;
END
$function$;

-- Asks to cancel a saga that is running and not past a pivot. Returns how it was found: requested, pivoted, or its
-- status; NULL where there is none.
CREATE FUNCTION resilience_saga_cancel(
    id text, who text, why text, nonce uuid DEFAULT gen_random_uuid()
) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $function$
#variable_conflict use_column
DECLARE
    there resilience_sagas;
BEGIN
    SELECT * INTO there FROM resilience_sagas AS it WHERE it.id = $1 FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM resilience_audit AS it WHERE it.nonce = $4) THEN
        RETURN 'requested';
    END IF;
    IF there.status <> 'running' THEN
        RETURN there.status;
    END IF;
    IF there.pivoted THEN
        RETURN 'pivoted';
    END IF;
    UPDATE resilience_sagas AS it SET cancelled = true WHERE it.id = $1 AND NOT it.cancelled;
    PERFORM resilience_note($2, 'cancel', $3, NULL, $1, $4);
    PERFORM pg_notify('resilience_sagas', '');
    RETURN 'requested';
END
$function$;

-- Parks a saga that no live process has, if it still has this epoch and status. Returns one row: `done`, with the letter;
-- `owned`, with the owner; `changed`, if it is no longer as it was read; or the saga's status. No row if there is no such
-- saga. `becomes`, `parking`, `error` and `letter` are as in `resilience_advance`; `own` are the ids of the worker that asks,
-- as a JSON array.
--
-- A lease that is over is not enough: a worker that nobody has declared dead may still renew it. So its row must be gone, or,
-- as there may be no other worker to delete the row, the lease must have been over for a minute while the server was running.
CREATE FUNCTION resilience_park(
    saga text, epoch bigint, status text, becomes text, parking text, error text, letter json, own json,
    who text, why text, nonce uuid
) RETURNS TABLE (found text, letter_of bigint, owned_by text)
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $function$
#variable_conflict use_column
DECLARE
    there resilience_sagas;
    at bigint := ($7 ->> 'position')::bigint;
BEGIN
    SELECT * INTO there FROM resilience_sagas AS it WHERE it.id = $1 FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM resilience_audit AS it WHERE it.nonce = $11) THEN
        IF there.status NOT IN ('running', 'compensating') THEN
            RETURN QUERY SELECT there.status, NULL::bigint, NULL::text;
            RETURN;
        END IF;
        IF there.owner::text IN (SELECT json_array_elements_text($8))
           OR EXISTS (SELECT FROM resilience_workers AS worker
                      WHERE worker.id = there.owner
                        AND greatest(worker.lease_end, pg_postmaster_start_time())
                            > clock_timestamp() - interval '1 minute')
        THEN
            RETURN QUERY SELECT 'owned', NULL::bigint, there.owner::text;
            RETURN;
        END IF;
        IF there.epoch <> $2 OR there.status <> $3
           OR EXISTS (SELECT FROM resilience_saga_steps AS step
                      WHERE step.saga_id = $1 AND step.position = at AND step.undone)
           OR $7 IS NULL AND NOT EXISTS (SELECT FROM resilience_dead_letters AS it
                                         WHERE it.saga_id = $1 AND it.status IN ('open', 'retrying'))
        THEN
            RETURN QUERY SELECT 'changed', NULL::bigint, NULL::text;
            RETURN;
        END IF;
        UPDATE resilience_sagas AS it SET epoch = it.epoch + 1 WHERE it.id = $1;
        PERFORM resilience_advance($1, $2 + 1, $4, $5, NULL, $6, NULL, false, '[]', NULL, 'nothing', NULL, $7, $11);
        PERFORM resilience_note($9, 'park', $10, NULL, $1, $11);
    END IF;
    -- A call that is made again because its answer was lost finds the letter, too.
    RETURN QUERY SELECT 'done', max(it.id), NULL::text
    FROM resilience_dead_letters AS it
    WHERE it.saga_id = $1 AND ($7 IS NULL OR it.position IS NOT DISTINCT FROM at);
END
$function$;

-- A text of JSON for people; of one that is longer than the default of `payload_limit`, the beginning.
CREATE FUNCTION resilience_shown(content text) RETURNS text
LANGUAGE sql IMMUTABLE AS $function$
    SELECT CASE WHEN octet_length($1) <= 65536 THEN $1
                ELSE json_build_object('cut', left($1, 10000), 'bytes', octet_length($1))::text END
$function$;

-- Parks a saga that no live process has: from then on it waits in the queue. Returns done, or why not: owned (a live process
-- has it), or its status; NULL if there is no such saga. `saga::parking::by_operator` makes the same letter.
CREATE FUNCTION resilience_saga_park(
    id text, who text, why text, nonce uuid DEFAULT gen_random_uuid()
) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $function$
#variable_conflict use_column
DECLARE
    there resilience_sagas;
    its_step resilience_saga_steps;
    reason text := concat('parked by ', $2, ' (' || nullif($3, '') || ')');
    letter json;
BEGIN
    SELECT * INTO there FROM resilience_sagas AS it WHERE it.id = $1 FOR NO KEY UPDATE;
    IF there.status = 'running' OR NOT EXISTS (
        SELECT FROM resilience_dead_letters AS it WHERE it.saga_id = $1 AND it.status IN ('open', 'retrying'))
    THEN
        -- If the saga is being undone, the step that would be undone next.
        SELECT * INTO its_step FROM resilience_saga_steps AS step
        WHERE step.saga_id = $1 AND there.status = 'compensating' AND NOT step.undone AND step.outcome <> 'failed'
          AND (step.compensation IS NOT NULL OR step.step LIKE 'saga::call %')
        ORDER BY step.position DESC LIMIT 1;
        letter := json_build_object(
            'kind', CASE WHEN its_step.step IS NULL THEN 'saga' ELSE 'compensation' END,
            'operation', coalesce(its_step.step, there.name), 'priority', 2, 'position', its_step.position,
            'arguments', resilience_shown(coalesce(its_step.arguments, there.input)),
            'output', resilience_shown(its_step.output), 'error', reason, 'attempts', there.interruptions);
    END IF;
    RETURN (SELECT found FROM resilience_park(
        $1, there.epoch, there.status,
        CASE there.status WHEN 'running' THEN 'parked' ELSE 'compensation_failed' END,
        CASE there.status WHEN 'running' THEN 'operator' END,
        CASE there.status WHEN 'running' THEN reason END, letter, '[]', $2, $3, $4));
END
$function$;

-- What there is in the queue: how many letters by each of a few columns, and since when the oldest waits. Of those that are
-- dealt with nothing waits, and nothing but an index is read.
CREATE FUNCTION resilience_dead_letter_stats()
RETURNS TABLE (by text, value text, letters bigint, oldest timestamptz)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $function$
    SELECT 'status', status, count(*), NULL::timestamptz FROM resilience_dead_letters
    WHERE status NOT IN ('open', 'retrying') GROUP BY status
    UNION ALL
    SELECT 'status', status, count(*), min(created_at) FROM resilience_dead_letters
    WHERE status IN ('open', 'retrying') GROUP BY status
    UNION ALL
    (SELECT 'operation', operation, count(*), min(created_at) FROM resilience_dead_letters
     WHERE status IN ('open', 'retrying') GROUP BY operation ORDER BY count(*) DESC, operation LIMIT 100)
    UNION ALL
    (SELECT 'dependency', dependency, count(*), min(created_at) FROM resilience_dead_letters
     WHERE status IN ('open', 'retrying') AND dependency IS NOT NULL
     GROUP BY dependency ORDER BY count(*) DESC, dependency LIMIT 100)
    UNION ALL
    (SELECT 'priority', (ARRAY['low', 'normal', 'high', 'critical'])[priority + 1], count(*), min(created_at)
     FROM resilience_dead_letters
     WHERE status IN ('open', 'retrying') GROUP BY priority ORDER BY priority)
    UNION ALL
    SELECT 'unresolved', NULL, count(*), min(created_at) FROM resilience_dead_letters
    WHERE status IN ('open', 'retrying')
$function$;

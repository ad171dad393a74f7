-- The job engine's hot path: one call, one commit each (ARCHITECTURE §5). Functions, because a
-- session keeps their plans and each of their statements sees what was committed before it.

-- Accept: the idempotency key, the row, the hold and the place in the lane, or none of them.
-- outcome: accepted | known (same key, same request: `id` is the first one's) | mismatch
drop function if exists job_accept(
    uuid, uuid, text, text, text, jsonb, uuid, integer, integer, integer, integer, integer,
    bigint, text, text, bytea);
create or replace function job_accept(
    p_id uuid, p_account uuid, p_mode text, p_type text, p_queue text, p_input jsonb,
    p_subject uuid, p_priority integer, p_max_attempts integer, p_deadline_seconds integer,
    p_window integer, p_most_waiting integer, p_hold bigint, p_request_id text,
    p_key text, p_fingerprint bytea, p_tokens bigint, p_user uuid, p_api_key uuid,
    out outcome text, out id uuid, out dispatched boolean, out accepted_at timestamptz,
    out used integer
) language plpgsql as $$
declare
    known idempotency_key;
begin
    if p_key is not null then
        insert into idempotency_key as old (account_id, mode, key, fingerprint, job_id)
        values (p_account, p_mode, p_key, p_fingerprint, p_id)
        on conflict (account_id, mode, key) do update
            set fingerprint = excluded.fingerprint, job_id = excluded.job_id,
                status = null, body = null, location = null, created_at = now()
            where old.created_at < now() - interval '24 hours';
        if not found then
            select * into known from idempotency_key
            where account_id = p_account and mode = p_mode and key = p_key;
            id := known.job_id;
            outcome := case when known.fingerprint = p_fingerprint and known.job_id is not null
                            then 'known' else 'mismatch' end;
            return;
        end if;
    end if;
    if p_hold > 0 then
        used := money_hold(p_id, p_account, p_hold, p_tokens, p_user, p_api_key);
    end if;
    dispatched := lane_enter(p_account, p_queue, p_window, p_most_waiting);
    insert into job (
        id, account_id, mode, type, queue, input, subject_id, priority, max_attempts,
        deadline_at, request_id, user_id, key_id, dispatched_at, resend_at, sends
    ) values (
        p_id, p_account, p_mode, p_type, p_queue, p_input, p_subject, p_priority, p_max_attempts,
        now() + make_interval(secs => p_deadline_seconds), p_request_id, p_user,
        p_api_key,
        case when dispatched then now() end,
        case when dispatched then now() + interval '10 seconds' end,
        case when dispatched then 1 else 0 end
    );
    id := p_id;
    accepted_at := now();
    outcome := 'accepted';
end $$;

-- Claim: raises the fencing token and takes the lease. No row: somebody else has it, it is over,
-- not due, overdue, or its queue is paused; the message is then dropped.
create or replace function job_claim(
    p_id uuid, p_worker text, p_lease_seconds double precision
) returns setof job language plpgsql as $$
declare
    moment constant timestamptz := clock_timestamp();
begin
    return query
    update job
    set state = 'running', attempt = attempt + 1, worker = p_worker,
        lease_until = moment + make_interval(secs => p_lease_seconds),
        started_at = coalesce(started_at, moment)
    where id = p_id and state = 'queued' and dispatched_at is not null
      and run_at <= moment and deadline_at > moment
      and not exists (select from queue_control c where c.queue = job.queue and c.paused)
    returning job.*;
end $$;

-- What the end of a job brings with it, once, in the transaction that ends it.
create or replace function job_closed(
    p_job job, p_cost bigint, p_usage jsonb, p_window integer, out ids uuid[], out types text[]
) language plpgsql as $$
begin
    perform money_settle(p_job.id, p_cost, usage_tokens(p_usage));
    perform usage_write(p_job, p_job.id, p_job.subject_id, p_job.created_at, p_usage);
    insert into event (id, account_id, mode, type, data, once)
    values (
        event_id(), p_job.account_id, p_job.mode, 'job.' || p_job.state,
        jsonb_build_object('job', jsonb_strip_nulls(jsonb_build_object(
            'id', 'job_' || replace(p_job.id::text, '-', ''), 'type', p_job.type,
            'status', p_job.state, 'attempt', p_job.attempt, 'errorCode', p_job.error_code
        ))),
        'job:' || p_job.id
    );
    select leave.ids, leave.types into ids, types
    from lane_leave(
        p_job.account_id, p_job.queue, p_job.dispatched_at is not null, p_window
    ) as leave;
end $$;

-- Finish: only the attempt that holds the row may; `done` false: you are a zombie, and nothing was
-- written. `p_effects` are statements with their values in them: what else the end changes. Sent
-- along, they cost no round trip while the rows of the account are locked.
create or replace function job_finish(
    p_id uuid, p_attempt integer, p_state text, p_result jsonb, p_error_code text,
    p_error_message text, p_completed integer, p_total integer,
    p_cost bigint, p_usage jsonb, p_effects text[], p_window integer,
    out done boolean, out ids uuid[], out types text[], out ended_at timestamptz
) language plpgsql as $$
declare
    ended job;
    effect text;
begin
    update job
    set state = p_state, result = p_result, error_code = p_error_code,
        error_message = p_error_message, completed = p_completed, total = p_total,
        lease_until = null, finished_at = clock_timestamp()
    where id = p_id and state = 'running' and attempt = p_attempt
    returning * into ended;
    done := found;
    ended_at := ended.finished_at;
    if done then
        foreach effect in array coalesce(p_effects, '{}') loop
            execute effect;
        end loop;
        select closed.ids, closed.types into ids, types
        from job_closed(ended, p_cost, p_usage, p_window) as closed;
    end if;
end $$;

-- Try again later: the row waits, outside the broker, until `p_delay` is over. Ends the job when it
-- was cancelled meanwhile, its attempts are used up or the wait would pass its deadline.
-- state: queued | cancelled | failed | lost
create or replace function job_retry(
    p_id uuid, p_attempt integer, p_delay double precision, p_error_code text,
    p_error_message text, p_window integer, out state text, out ids uuid[], out types text[]
) language plpgsql as $$
declare
    mine job;
begin
    select * into mine from job
    where job.id = p_id and job.state = 'running' and job.attempt = p_attempt for update;
    if not found then
        state := 'lost';
    elsif mine.cancel_requested_at is not null then
        state := 'cancelled';
        select finish.ids, finish.types into ids, types
        from job_finish(p_id, p_attempt, 'cancelled', null, 'CANCELLED', 'cancelled by its owner',
                        mine.completed, mine.total, 0, null, null, p_window) as finish;
    elsif mine.failures + 1 >= mine.max_attempts
       or clock_timestamp() + make_interval(secs => p_delay) > mine.deadline_at then
        state := 'failed';
        update job set failures = failures + 1 where job.id = p_id;
        select finish.ids, finish.types into ids, types
        from job_finish(p_id, p_attempt, 'failed', null, p_error_code, p_error_message,
                        mine.completed, mine.total, 0, null, null, p_window) as finish;
    else
        state := 'queued';
        update lane set waiting = waiting + 1
        where account_id = mine.account_id and queue = mine.queue;
        update job
        set state = 'queued', failures = failures + 1, lease_until = null, dispatched_at = null,
            run_at = clock_timestamp() + make_interval(secs => p_delay),
            error_code = p_error_code, error_message = p_error_message
        where job.id = p_id;
        select leave.ids, leave.types into ids, types
        from lane_leave(mine.account_id, mine.queue, true, p_window) as leave;
    end if;
end $$;

-- Give a job back untouched, as a worker does that is told to stop: counted as nothing.
create or replace function job_give_back(p_id uuid, p_attempt integer)
returns boolean language sql as $$
    with back as (
        update job set state = 'queued', lease_until = null, sends = 1,
                       resend_at = clock_timestamp() + interval '10 seconds'
        where id = p_id and state = 'running' and attempt = p_attempt
        returning 1
    )
    select exists (select from back);
$$;

-- Heartbeat: one statement for all the leases of a process. What is missing from the answer is
-- lost; what comes back says whether to stop.
create or replace function job_heartbeat(
    p_ids uuid[], p_attempts integer[], p_completed integer[], p_totals integer[],
    p_leases double precision[]
) returns table (id uuid, attempt integer, cancelled boolean, overdue boolean) language sql as $$
    update job
    set lease_until = clock_timestamp() + make_interval(secs => beat.lease),
        completed = beat.completed, total = beat.total
    from unnest(p_ids, p_attempts, p_completed, p_totals, p_leases)
        as beat (id, attempt, completed, total, lease)
    where job.id = beat.id and job.state = 'running' and job.attempt = beat.attempt
    returning job.id, job.attempt, job.cancel_requested_at is not null,
              job.deadline_at <= clock_timestamp();
$$;

-- Cancel: a queued job ends here and now; a running one is told, and ends itself.
create or replace function job_cancel(
    p_id uuid, p_window integer, out state text, out attempt integer,
    out ids uuid[], out types text[]
) language plpgsql as $$
declare
    mine job;
begin
    select * into mine from job where job.id = p_id for update;
    attempt := mine.attempt;
    state := mine.state;
    if mine.state = 'queued' then
        select ended.ids, ended.types into ids, types
        from job_end_queued(p_id, 'cancelled', 'CANCELLED', 'cancelled by its owner', p_window)
            as ended;
        state := 'cancelled';
    elsif mine.state = 'running' then
        update job set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
        where job.id = p_id;
    end if;
end $$;

-- End a job that is not running: cancelled, overdue or poisonous. The row is locked by the caller
-- or found queued here; any other state is left as it is.
create or replace function job_end_queued(
    p_id uuid, p_state text, p_error_code text, p_error_message text, p_window integer,
    out done boolean, out ids uuid[], out types text[]
) language plpgsql as $$
declare
    ended job;
begin
    update job
    set state = p_state, error_code = p_error_code, error_message = p_error_message,
        lease_until = null, finished_at = clock_timestamp()
    where job.id = p_id and job.state = 'queued'
    returning * into ended;
    done := found;
    if done then
        select closed.ids, closed.types into ids, types
        from job_closed(ended, 0, null, p_window) as closed;
    end if;
end $$;

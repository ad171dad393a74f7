-- The lines of batches (XC-02). Each step holds the batch's job first, and only while this attempt
-- has it: what a zombie writes is refused.

create or replace function batch_is_mine(p_job uuid, p_attempt integer)
returns boolean language plpgsql as $$
begin
    perform from job
    where id = p_job and state = 'running' and attempt = p_attempt for no key update;
    return found;
end $$;

-- Before a line is asked: its hold, which an earlier attempt or try may have taken already.
-- held | poor (means or a budget do not cover it) | over (it has ended) | lost (not ours any more)
drop function if exists batch_line_begin(uuid, integer, uuid, bigint);
create or replace function batch_line_begin(
    p_job uuid, p_attempt integer, p_line uuid, p_hold bigint, p_tokens bigint
) returns text language plpgsql as $$
declare
    mine batch_line;
    short text;
begin
    if not batch_is_mine(p_job, p_attempt) then
        return 'lost';
    end if;
    select * into mine from batch_line where id = p_line and state = 'waiting';
    if not found then
        return 'over';
    end if;
    if p_hold > 0 and not exists (select from credit_hold where job_id = p_line) then
        begin
            perform money_hold(
                p_line, job.account_id, p_hold, p_tokens, job.user_id, job.key_id)
            from job where job.id = p_job;
        exception when sqlstate 'ILM02' then
            get stacked diagnostics short = pg_exception_detail;
            perform credit_exhausted(job.account_id, short::jsonb ->> 'what')
            from job where job.id = p_job;
            return 'poor';
        end;
    end if;
    return 'held';
end $$;

-- The end of a line, once: what is written of it, what it costs, what it used, and the counts.
-- Returns false when the row is not ours any more; nothing was written then.
create or replace function batch_line_end(
    p_job uuid, p_attempt integer, p_line uuid, p_state text, p_written text,
    p_cost bigint, p_usage jsonb
) returns boolean language plpgsql as $$
declare
    mine batch_line;
    charged bigint;
begin
    if not batch_is_mine(p_job, p_attempt) then
        return false;
    end if;
    update batch_line set state = p_state, written = p_written
    where id = p_line and state = 'waiting'
    returning * into mine;
    if not found then
        return true;
    end if;
    charged := money_settle(p_line, p_cost, usage_tokens(p_usage));
    perform usage_write(job, p_line, mine.batch_id, now(), p_usage) from job where job.id = p_job;
    update batch
    set answered = answered + (p_state = 'answered')::integer,
        failed = failed + (p_state = 'failed')::integer,
        cancelled = cancelled + (p_state = 'cancelled')::integer,
        cost_nano = cost_nano + charged
    where id = mine.batch_id;
    return true;
end $$;

-- A line that failed and may do better later goes to the end of its queue; its hold stays.
create or replace function batch_line_put_back(
    p_job uuid, p_attempt integer, p_line uuid, p_delay double precision
) returns boolean language plpgsql as $$
begin
    if not batch_is_mine(p_job, p_attempt) then
        return false;
    end if;
    update batch_line
    set tries = tries + 1, not_before = clock_timestamp() + make_interval(secs => p_delay)
    where id = p_line and state = 'waiting';
    return true;
end $$;

-- Whatever ends a batch's job ends the batch with it: the worker, a cancel of a queued one, the
-- reconciler. Lines that have not ended stay as they are, and are told by the batch's status.
create or replace function batch_over() returns trigger language plpgsql as $$
declare
    ended batch;
begin
    update batch
    set status = case
            when new.state = 'succeeded' then 'completed'
            when new.state = 'cancelled' then 'cancelled'
            when new.finished_at >= new.deadline_at then 'expired'
            else 'failed' end,
        ended_at = new.finished_at
    where job_id = new.id
    returning * into ended;
    perform money_settle(hold.job_id, 0)
    from credit_hold hold join batch_line line on line.id = hold.job_id
    where line.batch_id = ended.id and hold.state = 'held';
    return null;
end $$;

do $$ begin
    if not exists (select from pg_trigger where tgname = 'batch_over') then
        create trigger batch_over after update of state on job for each row
        when (new.type = 'batch.run' and new.finished_at is not null and old.finished_at is null)
        execute function batch_over();
    end if;
end $$;

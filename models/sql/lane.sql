-- Fairness (ARCHITECTURE §5.7): an account has a bounded number of jobs in the broker per queue.
-- The rest wait in rows, and take the places that its earlier ones leave.

-- Take a place, or a seat in the waiting room. ILM29 when that is full too. Each update looks and
-- takes at once; should the lane change between the two, both are tried again.
create or replace function lane_enter(
    p_account uuid, p_queue text, p_window integer, p_most_waiting integer
) returns boolean language plpgsql as $$
begin
    loop
        update lane set in_flight = in_flight + 1
        where account_id = p_account and queue = p_queue and in_flight < p_window;
        if found then
            return true;
        end if;
        update lane set waiting = waiting + 1
        where account_id = p_account and queue = p_queue
          and in_flight >= p_window and waiting < p_most_waiting;
        if found then
            return false;
        end if;
        perform from lane
        where account_id = p_account and queue = p_queue
          and in_flight >= p_window and waiting >= p_most_waiting;
        if found then
            raise exception 'too many jobs are waiting' using errcode = 'ILM29';
        end if;
        insert into lane (account_id, queue) values (p_account, p_queue) on conflict do nothing;
    end loop;
end $$;

-- Give free places to the jobs that wait and are due: higher priority first, then the older.
create or replace function lane_release(
    p_account uuid, p_queue text, p_window integer, out ids uuid[], out types text[]
) language plpgsql as $$
declare
    mine lane;
begin
    select * into mine from lane where account_id = p_account and queue = p_queue for update;
    if not found or mine.waiting = 0 or mine.in_flight >= p_window then
        return;
    end if;
    with next as (
        select id from job
        where account_id = p_account and queue = p_queue
          and state = 'queued' and dispatched_at is null and run_at <= now()
        order by priority desc, id
        limit p_window - mine.in_flight
        for update skip locked
    ), sent as (
        update job set dispatched_at = now(), resend_at = now() + interval '10 seconds', sends = 1
        from next where job.id = next.id
        returning job.id, job.type, job.priority
    )
    select array_agg(sent.id order by sent.priority desc, sent.id),
           array_agg(sent.type order by sent.priority desc, sent.id) into ids, types from sent;
    update lane
    set in_flight = in_flight + coalesce(cardinality(ids), 0),
        waiting = waiting - coalesce(cardinality(ids), 0)
    where account_id = p_account and queue = p_queue;
end $$;

-- Leave a place, or the waiting room, and let the next ones in.
create or replace function lane_leave(
    p_account uuid, p_queue text, p_dispatched boolean, p_window integer,
    out ids uuid[], out types text[]
) language plpgsql as $$
declare
    backlog integer;
begin
    update lane
    set in_flight = in_flight - case when p_dispatched then 1 else 0 end,
        waiting = waiting - case when p_dispatched then 0 else 1 end
    where account_id = p_account and queue = p_queue
    returning waiting into backlog;
    if p_dispatched and backlog > 0 then
        select released.ids, released.types into ids, types
        from lane_release(p_account, p_queue, p_window) as released;
    end if;
end $$;

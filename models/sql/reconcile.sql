-- The reconciler's steps (ARCHITECTURE §5.5): each compares before it sets, so that any number of
-- schedulers may run them at once.

-- A lease ran out. The job is given to another worker, or ended when it was cancelled meanwhile
-- or has taken down too many workers. state: queued | failed | cancelled | (null: not so any more)
create or replace function job_expire(
    p_id uuid, p_attempt integer, p_most_lost integer, p_window integer,
    out state text, out ids uuid[], out types text[]
) language plpgsql as $$
declare
    mine job;
begin
    update job
    set state = 'queued', lost = lost + 1, lease_until = null, sends = 1,
        resend_at = clock_timestamp() + interval '10 seconds'
    where job.id = p_id and job.state = 'running' and job.attempt = p_attempt
      and job.lease_until < clock_timestamp()
    returning * into mine;
    if not found then
        return;
    end if;
    if mine.cancel_requested_at is not null then
        state := 'cancelled';
        select ended.ids, ended.types into ids, types
        from job_end_queued(p_id, 'cancelled', 'CANCELLED', 'cancelled by its owner', p_window)
            as ended;
    elsif mine.lost >= p_most_lost then
        state := 'failed';
        select ended.ids, ended.types into ids, types
        from job_end_queued(p_id, 'failed', 'JOB_POISONOUS',
                            'the job lost its worker ' || mine.lost || ' times', p_window) as ended;
    else
        state := 'queued';
        ids := array[mine.id];
        types := array[mine.type];
    end if;
end $$;

-- Messages that nobody took up are sent again, after pauses that double up to 80 s.
create or replace function job_resend(p_limit integer)
returns table (id uuid, type text, queue text) language sql as $$
    with due as (
        select job.id from job
        where job.state = 'queued' and job.dispatched_at is not null and job.resend_at < now()
          and not exists (select from queue_control c where c.queue = job.queue and c.paused)
        order by job.resend_at
        limit p_limit
        for update skip locked
    )
    update job
    set sends = job.sends + 1,
        resend_at = now() + make_interval(secs => 10 * 2 ^ least(job.sends, 3))
    from due where job.id = due.id
    returning job.id, job.type, job.queue;
$$;

-- Lanes with free places and jobs that are due for them: backlogs, and retries whose wait is over.
create or replace function lanes_to_release(
    p_queues text[], p_windows integer[], p_limit integer
) returns table (account_id uuid, queue text) language sql as $$
    select lane.account_id, lane.queue
    from lane join unnest(p_queues, p_windows) as policy (queue, places) using (queue)
    where lane.waiting > 0 and lane.in_flight < policy.places
      and exists (
          select from job
          where job.account_id = lane.account_id and job.queue = lane.queue
            and job.state = 'queued' and job.dispatched_at is null and job.run_at <= now())
    limit p_limit;
$$;

-- Holds whose job is over or never was: cannot happen, and must not cost anybody money if it does.
create or replace function holds_to_release(p_limit integer)
returns table (job_id uuid) language sql as $$
    select hold.job_id
    from credit_hold hold
    left join batch_line line on line.id = hold.job_id
    left join batch on batch.id = line.batch_id
    left join job on job.id = coalesce(batch.job_id, hold.job_id)
    where hold.state = 'held' and hold.created_at < now() - interval '1 minute'
      and (job.id is null or job.state in ('succeeded', 'failed', 'cancelled'))
    limit p_limit;
$$;

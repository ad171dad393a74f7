-- Usage by day (B-05, B-12). Detail, `usage_line`, is added up into `usage_day` and deleted when it is
-- old. A reader sums what is kept of deleted detail, and of the rest the rolled rows of a day before
-- `usage_rolled.through` without a mark, else the detail itself: in one statement, so in one
-- snapshot, in which these are of one piece, as each is only ever changed together:
--
--   W  writes a line; and, when its day is over since yesterday, the mark of the day, with it.
--   R  takes the mark away, adds the detail up, and replaces the rolled rows of a day.
--   D  adds the detail of some jobs to what is kept, deletes it, and does as R but for the mark.
--
-- R and D of an account exclude each other (an advisory lock), and each of their statements sees what
-- was committed before it. So, for W beside R:
--
--   W commits before R adds up: R counts the line. Its mark goes with R if R has seen it; a mark that
--     is left only makes the day be added up once more.
--   W has marked and not committed: R finds no mark, or one that is locked and passed over, and does
--     not count the line; W commits line and mark, and the next round counts it.
--   W marks while R has taken the mark and not committed: W waits for R, finds the mark gone and
--     writes a new one.
--   W finds a mark that is there: `do update` locks it, so R passes it over until W has committed. With
--     `do nothing` R would take it away without having counted the line, which would be lost.
--   R fails: nothing has happened.
--
-- W beside D: D adds to what is kept, and deletes, the lines of jobs it has named before, which a job
-- writes all at once: a line that D does not see is of another job, and stays, with its mark. It is
-- counted beside what is kept, now and when D comes again. That is all there is to late lines of days
-- whose detail is gone.
--
-- Days of which lines are not marked, today's and yesterday's by the writer's clock, are read as detail
-- until `through` passes them, two days later: no transaction lasts a day.

-- The tokens of usage that count for the day: not what the house bears, nor what somebody's own key
-- pays for.
create or replace function usage_tokens(p_usage jsonb) returns bigint language sql immutable as $$
    select coalesce(sum((line ->> 'tokens_in')::bigint + (line ->> 'tokens_out')::bigint), 0)
    from jsonb_array_elements(coalesce(p_usage, '[]')) as line
    where not (line ->> 'is_borne')::boolean and not (line ->> 'is_own_key')::boolean
$$;

-- The day that usage is of: when it was held, or, held for nothing, accepted.
create or replace function usage_day_of(p_job uuid, p_accepted timestamptz)
returns date language sql stable as $$
    select coalesce((select day from credit_hold where job_id = p_job),
                    (p_accepted at time zone 'UTC')::date)
$$;

-- Write down what a job, or a line of a job, has used, and book what of it the house bears.
create or replace function usage_write(
    p_job job, p_id uuid, p_subject uuid, p_accepted timestamptz, p_usage jsonb
) returns void language plpgsql as $$
declare
    of_day constant date := usage_day_of(p_id, p_accepted);
    loss bigint;
begin
    if p_usage is null or p_usage = '[]' then
        return;
    end if;
    insert into usage_line (
        day, user_id, key_id, subject_id, job_id, step, account_id, mode, operation, vendor, llm,
        price_id, tokens_in, tokens_out, tokens_cached, tokens_written, tokens_written_long,
        tokens_reasoning, cost_nano, vendor_nano, estimated, is_borne, is_own_key
    )
    select of_day, p_job.user_id, p_job.key_id, p_subject, p_id, line.step, p_job.account_id,
           p_job.mode, line.operation, line.vendor, line.llm, line.price_id, line.tokens_in,
           line.tokens_out, line.tokens_cached, line.tokens_written, line.tokens_written_long,
           line.tokens_reasoning, line.cost_nano, line.vendor_nano, line.estimated, line.is_borne,
           line.is_own_key
    from jsonb_populate_recordset(null::usage_line, p_usage) as line;
    loss := (select sum(vendor_nano) from usage_line where job_id = p_id and is_borne);
    if loss > 0 then
        perform money_move('retry_loss', 'vendor_cost', loss, 'loss:' || p_id);
    end if;
end $$;

create or replace function usage_mark() returns trigger language plpgsql as $$
begin
    if new.day < billing_day() - 1 then
        insert into usage_dirty (account_id, day) values (new.account_id, new.day)
        on conflict (account_id, day) do update set marks = usage_dirty.marks + 1;
    end if;
    return null;
end $$;

-- On the hot path a line of today must cost nothing: the condition asks the clock itself, and calls
-- no function of ours.
do $$ begin
    if not exists (select from pg_trigger where tgname = 'usage_is_late') then
        drop trigger if exists usage_late on usage_line;
        create trigger usage_is_late after insert on usage_line for each row
        when (new.day < (now() at time zone 'UTC')::date - 1
              or current_setting('ilm.rehearsal', true) <> '')
        execute function usage_mark();
    end if;
end $$;

-- Every day before this one has been added up.
create or replace function usage_edge() returns date language sql stable as $$
    select coalesce((select through from usage_rolled), '-infinity')
$$;

-- What the detail of some days adds up to; of some jobs alone, it is the sums to keep of them. What a
-- line was charged is what its hold was settled with.
create or replace function usage_of_detail(
    p_account uuid, p_from date, p_until date, p_jobs uuid[] default null
) returns setof usage_day language sql stable as $$
    select line.account_id, mode, line.day, line.user_id, line.key_id, operation, vendor, llm,
           p_jobs is not null,
           count(*) filter (where not is_borne),
           coalesce(sum(tokens_in) filter (where not is_borne), 0)::bigint,
           coalesce(sum(tokens_out) filter (where not is_borne), 0)::bigint,
           coalesce(sum(tokens_cached) filter (where not is_borne), 0)::bigint,
           coalesce(sum(tokens_written) filter (where not is_borne), 0)::bigint,
           coalesce(sum(tokens_written_long) filter (where not is_borne), 0)::bigint,
           coalesce(sum(tokens_reasoning) filter (where not is_borne), 0)::bigint,
           coalesce(sum(coalesce(settled_nano, cost_nano)) filter (where not is_borne), 0)::bigint,
           coalesce(sum(vendor_nano) filter (where not is_borne), 0)::bigint,
           count(*) filter (where is_borne),
           coalesce(sum(vendor_nano) filter (where is_borne), 0)::bigint
    from usage_line line left join credit_hold hold using (job_id)
    where line.account_id = p_account and line.day >= p_from and line.day < p_until
      and (p_jobs is null or job_id = any(p_jobs))
    group by 1, 2, 3, 4, 5, 6, 7, 8
$$;

-- What some days held, exactly, whatever is being added up or deleted meanwhile.
create or replace function usage_of(p_account uuid, p_mode text, p_from date, p_until date)
returns setof usage_day language sql stable as $$
    with edge as (
        select usage_edge() as day
    ), marked as (
        select dirty.day from usage_dirty dirty, edge
        where account_id = p_account and dirty.day >= p_from and dirty.day < p_until
          and dirty.day < edge.day
    )
    select rolled.* from usage_day rolled, edge
    where account_id = p_account and mode = p_mode
      and rolled.day >= p_from and rolled.day < p_until
      and (is_kept or rolled.day < edge.day and rolled.day not in (select day from marked))
    union all
    select late.* from marked, usage_of_detail(p_account, marked.day, marked.day + 1) as late
    where late.mode = p_mode
    union all
    select fresh.* from edge, usage_of_detail(p_account, greatest(p_from, edge.day), p_until) as fresh
    where fresh.mode = p_mode
$$;

-- Accounts after this one that have more detail of a day than was added up.
create or replace function usage_unrolled(p_day date, p_after uuid, p_limit integer)
returns table (account_id uuid) language sql stable as $$
    with detail as (
        select line.account_id, count(*) as lines from usage_line line
        where day = p_day and line.account_id > p_after group by 1
    ), rolled as (
        select sums.account_id, sum(calls + borne_calls) as lines from usage_day sums
        where day = p_day and not is_kept
          and sums.account_id in (select detail.account_id from detail)
        group by 1
    )
    select detail.account_id from detail left join rolled using (account_id)
    where detail.lines is distinct from rolled.lines order by detail.account_id
    limit p_limit
$$;

-- Whoever adds up or deletes usage of an account does so alone.
create or replace function usage_alone(p_account uuid) returns void language sql as $$
    select pg_advisory_xact_lock(hashtextextended('usage' || p_account, 0))
$$;

-- R: add a day of an account up.
create or replace function usage_roll(p_account uuid, p_day date) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform usage_alone(p_account);
    delete from usage_dirty where (account_id, day) in (
        select account_id, day from usage_dirty
        where account_id = p_account and day = p_day for update skip locked);
    perform usage_replace(p_account, p_day);
end $$;

create or replace function usage_replace(p_account uuid, p_day date) returns void
language plpgsql as $$
begin
    delete from usage_day where account_id = p_account and day = p_day and not is_kept;
    insert into usage_day select * from usage_of_detail(p_account, p_day, p_day + 1);
end $$;

-- From now on all days before this one have been added up.
create or replace function usage_through(p_day date) returns void
language sql security definer set search_path = public, pg_temp as $$
    insert into usage_rolled (through) values (p_day)
    on conflict (is_sole) do update set through = greatest(usage_rolled.through, excluded.through)
$$;

-- Days whose detail may go: older than so many days, added up and unmarked.
create or replace function usage_old(p_days integer, p_limit integer)
returns table (account_id uuid, day date) language sql stable as $$
    select distinct line.account_id, line.day from usage_line line
    where line.day < least(billing_day() - p_days, usage_edge())
      and not exists (select from usage_dirty dirty
                      where dirty.account_id = line.account_id and dirty.day = line.day)
    limit p_limit
$$;

-- D: delete the detail of at most so many jobs of an old day, with their holds, if the day's sums are
-- what it adds up to, and keep what it added up to. Returns how many lines went; null when the sums
-- differ, which only a fault brings about; nothing went then.
create or replace function usage_retire(
    p_account uuid, p_day date, p_days integer, p_most integer
) returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
    jobs uuid[];
    removed integer;
begin
    if p_days < 30 then
        raise exception 'detail of usage is kept for 30 days at least' using errcode = 'ILM00';
    end if;
    perform usage_alone(p_account);
    if p_day >= least(billing_day() - p_days, usage_edge())
        or exists (select from usage_dirty where account_id = p_account and day = p_day)
    then
        return 0;
    end if;
    if exists (
        select from (
            select * from usage_of_detail(p_account, p_day, p_day + 1)
            union all
            select * from usage_day where account_id = p_account and day = p_day and not is_kept
        ) as each group by each having count(*) <> 2)
    then
        return null;
    end if;
    jobs := array(
        select distinct job_id from usage_line where account_id = p_account and day = p_day
        limit p_most);
    insert into usage_day as old select * from usage_of_detail(p_account, p_day, p_day + 1, jobs)
    on conflict (account_id, day, mode, user_id, key_id, operation, vendor, llm, is_kept)
    do update set
        calls = old.calls + excluded.calls,
        tokens_in = old.tokens_in + excluded.tokens_in,
        tokens_out = old.tokens_out + excluded.tokens_out,
        tokens_cached = old.tokens_cached + excluded.tokens_cached,
        tokens_written = old.tokens_written + excluded.tokens_written,
        tokens_written_long = old.tokens_written_long + excluded.tokens_written_long,
        tokens_reasoning = old.tokens_reasoning + excluded.tokens_reasoning,
        cost_nano = old.cost_nano + excluded.cost_nano,
        vendor_nano = old.vendor_nano + excluded.vendor_nano,
        borne_calls = old.borne_calls + excluded.borne_calls,
        borne_nano = old.borne_nano + excluded.borne_nano;
    delete from usage_line where account_id = p_account and day = p_day and job_id = any(jobs);
    get diagnostics removed = row_count;
    delete from credit_hold where job_id = any(jobs) and state <> 'held';
    perform usage_replace(p_account, p_day);
    return removed;
end $$;

-- Holds that were released, of which no usage is left, go too, some at a time.
create or replace function holds_forget(p_days integer, p_most integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    removed integer;
begin
    if p_days < 30 then
        raise exception 'holds are kept for 30 days at least' using errcode = 'ILM00';
    end if;
    delete from credit_hold where job_id in (
        select job_id from credit_hold hold
        where day < billing_day() - p_days and state = 'released'
          and not exists (select from usage_line line where line.job_id = hold.job_id)
        limit p_most);
    get diagnostics removed = row_count;
    return removed;
end $$;

revoke execute on function usage_roll, usage_through, usage_retire, holds_forget from public;

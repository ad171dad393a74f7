-- What really happened, written down by the database itself and beside the engine.

create table chaos_claim (
    job_id uuid not null, attempt integer not null, at timestamptz not null default clock_timestamp()
);
create table chaos_expiry (
    job_id uuid not null, attempt integer not null, lease_until timestamptz not null,
    at timestamptz not null default clock_timestamp()
);
create table chaos_end (job_id uuid not null, state text not null);
create table chaos_write (job_id uuid not null, attempt integer not null, step integer not null);
create table chaos_effect (job_id uuid not null, attempt integer not null);
create table chaos_redrawn (book_id uuid not null, number integer not null);
create table chaos_zombie (
    what text not null, job_id uuid not null, attempt integer not null, row_attempt integer,
    row_state text
);
grant insert on chaos_write, chaos_effect to ilm_app;

create function chaos_note_job() returns trigger language plpgsql security definer as $$
begin
    if new.attempt > old.attempt then
        insert into chaos_claim (job_id, attempt) values (new.id, new.attempt);
    end if;
    if new.lost > old.lost then
        insert into chaos_expiry (job_id, attempt, lease_until)
        values (new.id, old.attempt, old.lease_until);
    end if;
    if new.state in ('succeeded', 'failed', 'cancelled') and new.state <> old.state then
        insert into chaos_end (job_id, state) values (new.id, new.state);
    end if;
    if old.state in ('succeeded', 'failed', 'cancelled') then
        insert into chaos_zombie (what, job_id, attempt, row_attempt, row_state)
        values ('changed after its end', new.id, new.attempt, old.attempt, old.state);
    end if;
    return null;
end $$;
create trigger chaos_note_job after update on job
    for each row execute function chaos_note_job();

-- At the commit, not at the statement: what counts is who holds the row when the write becomes true.
create function chaos_note_mark() returns trigger language plpgsql security definer as $$
declare
    mine job;
begin
    select * into mine from job where id = new.job_id;
    if mine.attempt <> new.attempt or mine.state <> tg_argv[0] then
        insert into chaos_zombie (what, job_id, attempt, row_attempt, row_state)
        values (tg_table_name, new.job_id, new.attempt, mine.attempt, mine.state);
    end if;
    return null;
end $$;
create constraint trigger chaos_note_write after insert on chaos_write
    deferrable initially deferred for each row execute function chaos_note_mark('running');
create constraint trigger chaos_note_effect after insert on chaos_effect
    deferrable initially deferred for each row execute function chaos_note_mark('succeeded');

-- A page that has all its tiers, or gets its small ones again, was drawn twice.
create function chaos_note_page() returns trigger language plpgsql security definer as $$
begin
    if new.drawn_at is distinct from old.drawn_at
       and (old.sizes ? 'ultra' or old.sizes ? 'medium' and not new.sizes ? 'ultra') then
        insert into chaos_redrawn (book_id, number) values (new.book_id, new.number);
    end if;
    return null;
end $$;
create trigger chaos_note_page after update on page
    for each row execute function chaos_note_page();

-- Runs of schedules. Who inserts (name, slot) first runs it, and one run of a schedule is open at a
-- time. Slots are moments of `billing_now()`, leases of the clock itself.

create table scheduled_run (
    name text not null,
    slot timestamptz not null,
    asked_by uuid,
    attempts integer not null check (attempts >= 0),
    worker text,
    started_at timestamptz,
    lease_until timestamptz,
    finished_at timestamptz,
    outcome text check (outcome in ('succeeded', 'failed', 'skipped', 'lost')),
    words text not null default '',
    primary key (name, slot),
    constraint told check ((finished_at is null) = (outcome is null))
);
create unique index scheduled_run_open on scheduled_run (name) where finished_at is null;
create index scheduled_run_well on scheduled_run (name, finished_at) where outcome = 'succeeded';

-- What the schedules look for.

create index account_period on account (period);
create index person_gone on person (account_id) where purged_at is not null;
create index cached_answer_old on cached_answer (created_at);
create index invitation_old on invitation (expires_at);
create index book_deleted on book (deleted_at) where deleted_at is not null;
create index file_deleted on file (deleted_at) where deleted_at is not null;
create index batch_deleted on batch (deleted_at) where deleted_at is not null;

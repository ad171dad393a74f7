-- Limits on requests that administrators set over those of the catalogue (L-11), and the one an API
-- key may carry of its own.

create table rate_limit (
    kind text not null
        check (kind in ('user', 'user-ai', 'key', 'tier', 'tier-ai', 'route', 'address', 'global')),
    subject text not null,
    per_minute integer not null check (per_minute between 1 and 10000000),
    set_by uuid not null,
    set_at timestamptz not null default now(),
    primary key (kind, subject)
);

alter table api_key
    add column rate_limit_per_minute integer check (rate_limit_per_minute between 1 and 10000000);

-- Which transaction changed a chat last, so that a client can be told what has changed since (G-24).
-- Only what every later snapshot sees is told of, and no commit that comes late is skipped.

alter table chat add column changed_in xid8 not null default pg_current_xact_id();
create index chat_changed on chat (account_id, person_id, mode, changed_in, id);

create function note_change() returns trigger language plpgsql as $$
begin
    new.changed_in := pg_current_xact_id();
    return new;
end
$$;
create trigger chat_changes before update on chat for each row execute function note_change();

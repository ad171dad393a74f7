-- What a person wishes of the program (A-31); what is not said is as usual.

create table person_preferences (
    person_id uuid primary key references person on delete cascade,
    kept jsonb not null,
    updated_at timestamptz not null default now()
);

-- What was done to people and by whom (A-20, A-34). Append-only for the running processes.

create table audit_entry (
    id uuid primary key,
    account_id uuid not null references account,
    person_id uuid not null references person,
    actor_id uuid not null references person,
    action text not null,
    details jsonb not null default '{}',
    request_id text,
    created_at timestamptz not null default now()
);
create index audit_entry_person on audit_entry (person_id, id desc);

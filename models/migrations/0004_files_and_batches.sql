-- Files that accounts keep here (K-12), and those their batches write. A file without a `key` is
-- still being written: it is read from the lines of its batch.

create table file (
    id uuid primary key,
    account_id uuid not null references account,
    mode text not null check (mode in ('live', 'test')),
    purpose text not null,
    name text not null,
    size bigint not null default 0 check (size >= 0),
    sha256 bytea,
    key text,
    batch_id uuid,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index file_owned on file (account_id, id desc) where deleted_at is null;

-- Batches (XC-02): many calls as one job. What a batch came to is counted with every line, in the
-- transaction that ends the line.

create table batch (
    id uuid primary key,
    account_id uuid not null references account,
    mode text not null check (mode in ('live', 'test')),
    job_id uuid not null unique,
    shape text not null check (shape in ('openai', 'anthropic')),
    endpoint text not null,
    input_key text not null,
    input_file_id uuid references file,
    output_file_id uuid not null references file,
    error_file_id uuid references file,
    tier text not null,
    ai_preferences jsonb not null default '{}',
    metadata jsonb,
    status text not null default 'validating' check (status in (
        'validating', 'in_progress', 'finalizing', 'completed', 'failed', 'cancelled', 'expired')),
    faults jsonb not null default '[]',
    total integer not null default 0 check (total >= 0),
    answered integer not null default 0,
    failed integer not null default 0,
    cancelled integer not null default 0,
    cost_nano bigint not null default 0 check (cost_nano >= 0),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    begun_at timestamptz,
    finalizing_at timestamptz,
    cancelling_at timestamptz,
    ended_at timestamptz,
    deleted_at timestamptz,
    constraint counted check (answered + failed + cancelled <= total)
) with (fillfactor = 50);
create index batch_owned on batch (account_id, id desc);

-- One call of a batch. Its id is made of the batch's and its number, so that its hold, its usage
-- and its answer are the same at every attempt. `asked` is JSON as text: it is never searched.

create table batch_line (
    id uuid primary key,
    batch_id uuid not null references batch on delete cascade,
    number integer not null check (number > 0),
    custom_id text not null,
    wire text not null,
    asked text not null,
    state text not null default 'waiting'
        check (state in ('waiting', 'answered', 'failed', 'cancelled')),
    tries integer not null default 0,
    not_before timestamptz not null default now(),
    written text check ((state = 'waiting') = (written is null)),
    unique (batch_id, number)
);
create index batch_line_waiting on batch_line (batch_id, not_before, number)
    where state = 'waiting';

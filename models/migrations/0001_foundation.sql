-- Roles. Migrations run as the owner; every running process acts as ilm_app.

do $$ begin
    if not exists (select from pg_roles where rolname = 'ilm_app') then
        create role ilm_app nologin;
    end if;
    execute format('grant ilm_app to %I', current_user);
end $$;

-- Accounts: what owns things, and whose money it is. Amounts are nano-USD (1 cent = 10 000 000).

create table account (
    id uuid primary key,
    kind text not null default 'personal',
    balance_nano bigint not null default 0,
    held_nano bigint not null default 0 check (held_nano >= 0),
    overdraft_nano bigint not null default 0 check (overdraft_nano >= 0),
    created_at timestamptz not null default now(),
    constraint spent_within_means check (balance_nano - held_nano >= -overdraft_nano)
) with (fillfactor = 50);

create table person (
    id uuid primary key,
    account_id uuid not null references account,
    email text not null unique,
    password_hash text not null,
    name text not null default '',
    role text not null default 'user',
    tier text not null default 'free',
    status text not null default 'active' check (status in ('active', 'suspended', 'deleted')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_login_at timestamptz
);

create table api_key (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person,
    name text not null,
    prefix text not null,
    digest bytea not null unique,
    mode text not null check (mode in ('live', 'test')),
    scopes text[] not null default '{}',
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now()
);
create index api_key_owned on api_key (account_id, id desc);

create table signing_key (
    kid text primary key,
    sealed_private bytea not null,
    public_jwk jsonb not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz
);

-- Money: double entry, append-only. A hold is taken with the job and settled or released with it.

create table credit_hold (
    job_id uuid primary key,
    account_id uuid not null references account,
    amount_nano bigint not null check (amount_nano > 0),
    settled_nano bigint not null default 0 check (settled_nano >= 0),
    state text not null default 'held' check (state in ('held', 'settled', 'released')),
    created_at timestamptz not null default now(),
    resolved_at timestamptz
);
create index credit_hold_open on credit_hold (created_at) where state = 'held';

create table ledger_entry (
    id bigint generated always as identity primary key,
    transaction_id uuid not null,
    account text not null,
    amount_nano bigint not null check (amount_nano <> 0),
    idem text not null,
    created_at timestamptz not null default now(),
    unique (idem, account)
);
create index ledger_entry_account on ledger_entry (account, id);

create table usage_line (
    job_id uuid not null,
    step integer not null,
    account_id uuid not null,
    mode text not null,
    operation text not null,
    llm text not null,
    price_id text not null,
    tokens_in integer not null check (tokens_in >= 0),
    tokens_out integer not null check (tokens_out >= 0),
    cost_nano bigint not null check (cost_nano >= 0),
    estimated boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (job_id, step)
);
create index usage_line_account on usage_line (account_id, created_at);

-- Jobs. The row is the letter. Partial indexes hold only what is not over yet.

create table job (
    id uuid primary key,
    account_id uuid not null,
    mode text not null check (mode in ('live', 'test')),
    type text not null,
    queue text not null,
    input jsonb not null,
    subject_id uuid,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    priority smallint not null check (priority between 0 and 9),
    attempt integer not null default 0,
    failures integer not null default 0,
    lost integer not null default 0,
    max_attempts integer not null,
    run_at timestamptz not null default now(),
    deadline_at timestamptz not null,
    dispatched_at timestamptz,
    resend_at timestamptz,
    sends integer not null default 0,
    lease_until timestamptz,
    worker text,
    cancel_requested_at timestamptz,
    completed integer not null default 0,
    total integer not null default 0,
    result jsonb,
    error_code text,
    error_message text,
    request_id text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index job_owned on job (account_id, id desc);
create index job_subject on job (subject_id, id desc) where subject_id is not null;
create index job_waiting on job (account_id, queue, priority desc, id)
    where state = 'queued' and dispatched_at is null;
create index job_unclaimed on job (resend_at) where state = 'queued' and dispatched_at is not null;
create index job_queued_deadline on job (deadline_at) where state = 'queued';
create index job_leased on job (lease_until) where state = 'running';

-- A lane is one account's share of one queue: how many of its jobs are in the broker or running,
-- and how many wait in rows for a place.

create table lane (
    account_id uuid not null,
    queue text not null,
    in_flight integer not null default 0 check (in_flight >= 0),
    waiting integer not null default 0 check (waiting >= 0),
    primary key (account_id, queue)
) with (fillfactor = 30);
create index lane_backlog on lane (queue) where waiting > 0;

create table queue_control (
    queue text primary key,
    paused boolean not null default false,
    changed_at timestamptz not null default now()
);

create table idempotency_key (
    account_id uuid not null,
    mode text not null,
    key text not null,
    fingerprint bytea not null,
    job_id uuid,
    status integer,
    body jsonb,
    location text,
    created_at timestamptz not null default now(),
    primary key (account_id, mode, key)
);
create index idempotency_key_age on idempotency_key (created_at);

-- Events: written by the transaction that changes the state. `once` forbids a second one.

create table event (
    id uuid primary key,
    account_id uuid not null,
    mode text not null,
    type text not null,
    data jsonb not null,
    once text unique,
    written_by xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now()
);
create index event_account on event (account_id, id);

-- Books and their pages.

create table stored_file (
    sha256 bytea primary key,
    size bigint not null check (size > 0),
    key text not null,
    created_at timestamptz not null default now()
);

create table book (
    id uuid primary key,
    account_id uuid not null references account,
    owner_id uuid not null references person,
    mode text not null check (mode in ('live', 'test')),
    title text not null,
    author text,
    description text,
    category text,
    language text,
    isbn text,
    metadata jsonb not null default '{}',
    visibility text not null check (visibility in ('public', 'private', 'friends', 'club')),
    format text not null check (format in ('pdf', 'epub', 'mobi', 'txt')),
    file_sha256 bytea not null references stored_file,
    file_name text not null default '',
    file_size bigint not null,
    layout jsonb,
    page_count integer,
    text_status text not null default 'pending'
        check (text_status in ('pending', 'processing', 'completed', 'partial', 'failed')),
    pages_status text not null default 'pending'
        check (pages_status in ('pending', 'processing', 'completed', 'partial', 'failed')),
    error_code text,
    error_message text,
    cover jsonb,
    custom_cover jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index book_owned on book (account_id, id desc);
create index book_public on book (id desc) where visibility = 'public' and deleted_at is null;
create index book_file on book (file_sha256);

create table page (
    book_id uuid not null references book on delete cascade,
    number integer not null check (number > 0),
    width real not null,
    height real not null,
    sizes jsonb not null default '{}',
    clamped text[] not null default '{}',
    failure text,
    drawn_at timestamptz,
    primary key (book_id, number)
);

create table page_text (
    book_id uuid not null references book on delete cascade,
    number integer not null check (number > 0),
    content text not null,
    words bytea not null,
    search tsvector generated always as (to_tsvector('simple', left(content, 200000))) stored,
    primary key (book_id, number)
);
create index page_text_search on page_text using gin (search);

create table page_wish (
    book_id uuid not null references book on delete cascade,
    number integer not null,
    wished_at timestamptz not null default now(),
    primary key (book_id, number)
);

-- Endpoints. `patterns` are its event types as LIKE patterns, `condition` its filter as a jsonpath predicate.

create table webhook (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null,
    mode text not null check (mode in ('live', 'test')),
    url text not null,
    description text not null default '',
    events text[] not null check (cardinality(events) between 1 and 50),
    patterns text[] not null,
    filter jsonb,
    condition jsonpath,
    transform jsonb,
    headers bytea,
    rate_per_second integer not null check (rate_per_second between 1 and 1000),
    max_in_flight integer not null check (max_in_flight between 1 and 100),
    fifo text,
    is_enabled boolean not null default true,
    disabled_at timestamptz,
    disabled_reason text check (disabled_reason in ('owner', 'gone', 'failing')),
    -- The breaker: failures in a row, and until when nothing is sent.
    failures integer not null default 0 check (failures >= 0),
    failing_since timestamptz,
    warned_at timestamptz,
    open_until timestamptz not null default 'epoch',
    -- The bucket of its rate: what is free since then is free now.
    free_at timestamptz not null default 'epoch',
    -- It has come back: what waits for a later try is tried now.
    is_draining boolean not null default false,
    -- Where the heads of its keys are looked for next.
    fifo_from text not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index webhook_account on webhook (account_id, id);

-- Secrets, sealed: the key of HMAC and the seed of Ed25519. The newest signs as long as it is there;
-- an older one signs beside it until it expires.

create table webhook_secret (
    id uuid primary key,
    webhook_id uuid not null references webhook on delete cascade,
    sealed bytea not null,
    public_key bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz
);
create index webhook_secret_of on webhook_secret (webhook_id, created_at);

create table webhook_delivery (
    id uuid primary key default gen_random_uuid(),
    seq bigint generated always as identity,
    webhook_id uuid not null references webhook on delete cascade,
    event_id uuid not null references event on delete cascade,
    cause text not null default 'event'
        check (cause in ('event', 'ping', 'resend', 'replay', 'recover')),
    url text,
    fifo_key text,
    state text not null default 'pending'
        check (state in ('pending', 'delivering', 'delivered', 'exhausted', 'skipped')),
    attempts integer not null default 0 check (attempts >= 0),
    next_attempt_at timestamptz not null default clock_timestamp(),
    lease_until timestamptz,
    written_by xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    check ((state = 'delivering') = (lease_until is not null))
);
create index webhook_delivery_due on webhook_delivery (webhook_id, next_attempt_at, seq)
    where state = 'pending';
create index webhook_delivery_leased on webhook_delivery (webhook_id, lease_until)
    where state = 'delivering';
create index webhook_delivery_in_order on webhook_delivery (webhook_id, fifo_key, written_by, seq)
    where fifo_key is not null and state in ('pending', 'delivering');
create index webhook_delivery_log on webhook_delivery (webhook_id, seq);
create index webhook_delivery_event on webhook_delivery (event_id);

-- An attempt is written before its request. `body` is what was sent when that is not the event as it
-- is; `outcome` is null while nobody knows.

create table webhook_attempt (
    delivery_id uuid not null references webhook_delivery on delete cascade,
    number integer not null check (number > 0),
    url text not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    outcome text check (outcome in ('delivered', 'failed', 'lost')),
    status integer,
    failure text,
    request_headers jsonb,
    body text,
    response_headers jsonb,
    response_body text,
    primary key (delivery_id, number)
);

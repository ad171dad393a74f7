-- What a call used, by class of token, so that any charge can be recomputed from the price it names.
-- `vendor_nano` is what the vendor charges the house for it, without markup; a line that
-- `is_borne` was lost to a vendor's fault and is charged to nobody.

alter table usage_line
    add column vendor text not null default 'ilm',
    add column tokens_cached integer not null default 0 check (tokens_cached >= 0),
    add column tokens_written integer not null default 0 check (tokens_written >= 0),
    add column tokens_written_long integer not null default 0 check (tokens_written_long >= 0),
    add column tokens_reasoning integer not null default 0 check (tokens_reasoning >= 0),
    add column vendor_nano bigint not null default 0 check (vendor_nano >= 0),
    add column is_borne boolean not null default false check (not (is_borne and cost_nano > 0)),
    add column is_own_key boolean not null default false;

-- Every call to a vendor, with how it went: the metrics of E-01, E-02 and M-44.

create table llm_call (
    job_id uuid not null,
    attempt integer not null,
    step integer not null,
    line integer not null default 0,
    account_id uuid not null,
    vendor text not null,
    llm text not null,
    task text not null,
    outcome text not null check (outcome in ('served', 'failed', 'cancelled')),
    error_code text,
    first_ms integer check (first_ms >= 0),
    whole_ms integer not null check (whole_ms >= 0),
    tokens_in integer not null default 0,
    tokens_out integer not null default 0,
    created_at timestamptz not null default now(),
    primary key (job_id, line, attempt, step)
);
create index llm_call_recent on llm_call (llm, created_at);

-- Answers on the wires that their owner has deleted: nobody can read them any more.

create table forgotten_answer (
    job_id uuid primary key,
    account_id uuid not null,
    forgotten_at timestamptz not null default now()
);

-- What safety found, for review (S-05): where, never what was said.

create table flag (
    id uuid primary key,
    account_id uuid not null,
    mode text not null check (mode in ('live', 'test')),
    subject_id uuid not null,
    direction text not null check (direction in ('input', 'output')),
    category text not null,
    severity text not null check (severity in ('low', 'medium', 'high')),
    action text not null check (action in ('logged', 'warned', 'redacted', 'blocked')),
    reviewed_at timestamptz,
    created_at timestamptz not null default now()
);
create index flag_open on flag (created_at) where reviewed_at is null;

-- What a person prefers of the LLMs: which one, cheap or good, how strict.

alter table person add column ai_preferences jsonb not null default '{}';

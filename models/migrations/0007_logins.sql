-- Whoever is here already has used their address; a key made by now is nobody's second factor.

alter table person add column email_verified_at timestamptz;
update person set email_verified_at = created_at;
alter table api_key add column is_stepped_up boolean not null default false;

-- A session: one login and everything refreshed from it. Of its refresh tokens, which are a chain
-- of HMACs, only the digest of the last one is kept.

create table login_session (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person,
    device text not null default '',
    address text not null default '',
    agent text not null default '',
    generation integer not null default 0,
    refresh_digest bytea not null,
    has_cookie boolean not null default false,
    created_at timestamptz not null default now(),
    rotated_at timestamptz not null default now(),
    stepped_up_at timestamptz,
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text check (end_reason in ('logout', 'revoked', 'reuse', 'password_reset'))
) with (fillfactor = 70);
create index login_session_owned on login_session (user_id, id desc);

-- What was tried, by whom, from where, and how it ended. Written once, changed by nobody.

create table login_attempt (
    id uuid primary key,
    user_id uuid,
    email text not null default '',
    action text not null,
    outcome text not null,
    address text not null default '',
    agent text not null default '',
    session_id uuid,
    request_id text,
    created_at timestamptz not null default now()
);
create index login_attempt_of_person on login_attempt (user_id, id desc);
create index login_attempt_of_address on login_attempt (address, id desc);

-- Wrong guesses at one thing, forgotten a while after the last one.

create table guess (
    subject bytea primary key,
    failures integer not null check (failures > 0),
    last_at timestamptz not null
) with (fillfactor = 50);
create index guess_age on guess (last_at);

-- A second factor: `last_step` is the TOTP step used last, so that a code works once.

create table factor (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person,
    kind text not null check (kind in ('totp', 'email')),
    sealed_secret bytea,
    last_step bigint not null default 0,
    created_at timestamptz not null default now(),
    confirmed_at timestamptz,
    unique (user_id, kind)
);

create table recovery_code (
    digest bytea primary key,
    user_id uuid not null references person,
    created_at timestamptz not null default now(),
    used_at timestamptz
);
create index recovery_code_of_person on recovery_code (user_id);

-- A proof: what a mail carries to show that whoever read it has the address. Only its digest.

create table proof (
    digest bytea primary key,
    user_id uuid not null references person,
    purpose text not null check (purpose in ('verify', 'reset', 'code')),
    email text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    sent_at timestamptz,
    used_at timestamptz
);
create index proof_of_person on proof (user_id, purpose);

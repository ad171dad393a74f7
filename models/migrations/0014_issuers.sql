-- An issuer outside this house whose tokens are taken, and its public keys as they were last read
-- (A-05). `fetch_after` is when anybody may read them again.

create table issuer (
    id uuid primary key,
    name text not null,
    url text not null unique,
    audiences text[] not null check (cardinality(audiences) > 0),
    algorithms text[] not null check (cardinality(algorithms) > 0),
    jwks_url text not null,
    claims jsonb not null default '{}',
    roles text[] not null default '{}',
    tiers text[] not null default '{}',
    provisions boolean not null default false,
    links boolean not null default false,
    status text not null default 'active' check (status in ('active', 'off')),
    keys jsonb not null default '[]',
    keys_read_at timestamptz,
    fetch_after timestamptz not null default now(),
    fetch_faults integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- Who a person is elsewhere. `source` is the issuer's id, or the name of a provider.
-- `claims_at` is the `iat` of the newest token whose role and tier were taken.

create table identity (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person on delete cascade,
    issuer_id uuid references issuer on delete cascade,
    source text not null,
    subject text not null,
    email text not null default '',
    is_provisioned boolean not null default false,
    claims_at timestamptz,
    created_at timestamptz not null default now(),
    unique (source, subject)
);
create index identity_of_user on identity (user_id, id desc);
create index identity_of_issuer on identity (issuer_id);

-- Somebody who has signed in at a provider and is on the way back with a code (A-16). The state is
-- kept so that it counts once; the code, of which too only a digest is kept, is redeemed once.

create table sign_in (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person on delete cascade,
    state_digest bytea not null unique,
    code_digest bytea not null unique,
    challenge text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    redeemed_at timestamptz
);
create index sign_in_age on sign_in (expires_at);

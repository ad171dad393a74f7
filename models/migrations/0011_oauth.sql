-- An app somebody registered (A-15). Of its secret only the SHA-256 is kept; a public app has none.

create table oauth_app (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person,
    client_id text not null unique,
    secret_digest bytea,
    name text not null,
    redirect_uris text[] not null default '{}',
    scopes text[] not null default '{}',
    grant_types text[] not null default '{}',
    homepage_url text not null default '',
    logo_url text not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index oauth_app_owned on oauth_app (account_id, id desc);

-- What a person granted an app: one that holds for each of the two.

create table oauth_grant (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person,
    app_id uuid not null references oauth_app on delete cascade,
    scopes text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    ended_at timestamptz
);
create unique index oauth_grant_holding on oauth_grant (user_id, app_id) where ended_at is null;
create index oauth_grant_of_app on oauth_grant (app_id);

-- One authorization: first a code, then the tokens that came of it. Of both only digests are kept.
-- Without a grant it is an app that acts for its own account (client_credentials).

create table oauth_authorization (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person,
    app_id uuid not null references oauth_app on delete cascade,
    grant_id uuid references oauth_grant on delete cascade,
    scopes text[] not null default '{}',
    code_digest bytea unique,
    redirect_uri text not null default '',
    challenge text not null default '',
    nonce text,
    methods text[] not null default '{}',
    authenticated_at timestamptz not null,
    redeemed_at timestamptz,
    refresh_digest bytea,
    generation integer not null default 0,
    rotated_at timestamptz not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text check (end_reason in ('revoked', 'replay', 'reuse', 'password_reset'))
) with (fillfactor = 70);
create index oauth_authorization_of_grant on oauth_authorization (grant_id);
create index oauth_authorization_of_app on oauth_authorization (app_id);
create index oauth_authorization_age on oauth_authorization (expires_at);

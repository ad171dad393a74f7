-- Roles that an administrator made, beside those of the catalogue (X-3).

create table custom_role (
    name text primary key,
    description text not null default '',
    permissions text[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index person_of_role on person (role) where role <> 'user';

-- From where requests may come: everywhere, or where administrators say (A-25).

create table ip_rule (
    id uuid primary key,
    scope text not null check (scope in ('global', 'admin')),
    action text not null check (action in ('allow', 'deny')),
    network text not null,
    note text not null default '',
    created_by uuid not null references person,
    created_at timestamptz not null default now(),
    expires_at timestamptz
);

-- Organizations: accounts that several people act for, so that all they own is isolated as a
-- person's is (A-26, A-27). Their id is that of the account.

create table organization (
    id uuid primary key references account,
    name text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);

create table membership (
    account_id uuid not null references organization,
    user_id uuid not null references person,
    role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
    created_at timestamptz not null default now(),
    primary key (account_id, user_id)
);
create index membership_of_person on membership (user_id);

create table team (
    id uuid primary key,
    account_id uuid not null references organization,
    name text not null,
    role text not null check (role in ('admin', 'member', 'viewer')),
    created_at timestamptz not null default now(),
    unique (account_id, name),
    unique (id, account_id)
);

create table team_member (
    team_id uuid not null,
    account_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (team_id, user_id),
    foreign key (team_id, account_id) references team (id, account_id) on delete cascade,
    foreign key (account_id, user_id) references membership on delete cascade
);
create index team_member_of_person on team_member (account_id, user_id);

-- An invitation by mail: only the digest of what the mail carries. One is open to each address.

create table invitation (
    id uuid primary key,
    account_id uuid not null references organization,
    email text not null,
    role text not null check (role in ('admin', 'member', 'viewer')),
    digest bytea not null unique,
    invited_by uuid not null references person,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    sent_at timestamptz,
    accepted_at timestamptz,
    withdrawn_at timestamptz
);
create unique index invitation_open on invitation (account_id, email)
    where accepted_at is null and withdrawn_at is null;

create index audit_entry_account on audit_entry (account_id, id desc);

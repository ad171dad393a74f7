-- Who is deleted may be brought back until `purge_at`; after that what is theirs goes, and the row
-- stays as a tombstone without a name or an address (A-33, Z-05). Who was deleted before this
-- release keeps what is theirs until an administrator deletes them once more.

alter table person
    add column purge_at timestamptz,
    add column purged_at timestamptz;
create index person_to_purge on person (purge_at)
    where purge_at is not null and purged_at is null;

-- What a purge looks for: letters by their address, tries by theirs, calls by their account, and
-- the chats that a book is taken from.

create index job_letter on job ((input -> 'email')) where type = 'mail.send';
create index login_attempt_of_email on login_attempt (email) where email <> '';
create index llm_call_account on llm_call (account_id);
create index chat_of_book on chat (book_id) where book_id is not null;

-- A person's picture: the hash of what was uploaded, under which its two sizes are kept (A-32).

alter table person add column avatar text;

-- Passkeys (XC-06). `sign_count` is what the authenticator said last: one that goes back is a copy.
-- While somebody has one, there is a `factor` of that kind too, so that it counts as the others do.

create table passkey (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null references person,
    name text not null,
    credential_id bytea not null unique,
    public_key bytea not null,
    sign_count bigint not null default 0 check (sign_count >= 0),
    transports text[] not null default '{}',
    is_backed_up boolean not null default false,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
);
create index passkey_owned on passkey (user_id, id desc);

alter table factor drop constraint factor_kind_check;
alter table factor add constraint factor_kind_check check (kind in ('totp', 'email', 'passkey'));

-- Challenges that were answered: each is good once, and forgotten when it would be over anyway.

create table used_challenge (
    digest bytea primary key,
    expires_at timestamptz not null
);
create index used_challenge_age on used_challenge (expires_at);

-- How many requests came with an API key on a day (A-18). Counts are added to, many at a time.

create table key_usage (
    key_id uuid not null references api_key on delete cascade,
    day date not null,
    requests bigint not null check (requests > 0),
    primary key (key_id, day)
) with (fillfactor = 50);

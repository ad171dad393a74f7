-- What a day held, by who and what (B-12): the day (UTC) on which the work was accepted. A row is of
-- detail that is there, and made anew from it, or `is_kept`: of detail that is gone, and only added
-- to. Both together are the day. What the house bore is counted apart.

create table usage_day (
    account_id uuid not null,
    mode text not null,
    day date not null,
    user_id uuid,
    key_id uuid,
    operation text not null,
    vendor text not null,
    llm text not null,
    is_kept boolean not null,
    calls bigint not null check (calls >= 0),
    tokens_in bigint not null check (tokens_in >= 0),
    tokens_out bigint not null check (tokens_out >= 0),
    tokens_cached bigint not null check (tokens_cached >= 0),
    tokens_written bigint not null check (tokens_written >= 0),
    tokens_written_long bigint not null check (tokens_written_long >= 0),
    tokens_reasoning bigint not null check (tokens_reasoning >= 0),
    cost_nano bigint not null check (cost_nano >= 0),
    vendor_nano bigint not null check (vendor_nano >= 0),
    borne_calls bigint not null check (borne_calls >= 0),
    borne_nano bigint not null check (borne_nano >= 0),
    unique nulls not distinct (
        account_id, day, mode, user_id, key_id, operation, vendor, llm, is_kept)
);

-- Days whose detail has changed since they were added up.

create table usage_dirty (
    account_id uuid not null,
    day date not null,
    marks bigint not null default 1,
    primary key (account_id, day)
);

-- Every day before `through` has been added up: its sums are right unless it is marked.

create table usage_rolled (
    is_sole boolean primary key default true check (is_sole),
    through date not null
);

-- Days are in order of time, nearly: small, and written in no time.

create index usage_line_of_day on usage_line using brin (day) with (pages_per_range = 16);
create index credit_hold_of_day on credit_hold using brin (day) with (pages_per_range = 16);

-- The statement of a month that is over for good: what it says never changes again. Who and which
-- key is named by id alone. `usage_gone`: what it charged is in no other row but the ledger's.

create table statement (
    account_id uuid not null references account,
    period date not null,
    body jsonb not null,
    charged_nano bigint not null check (charged_nano >= 0),
    usage_gone boolean not null default false,
    made_at timestamptz not null default now(),
    primary key (account_id, period)
);

-- A statement as a PDF, kept for some days: it says what keys and people were called when it was set.

create table statement_paper (
    account_id uuid not null,
    period date not null,
    digest bytea not null,
    content bytea not null,
    made_at timestamptz not null default now(),
    primary key (account_id, period)
);

-- Letters about money: each person is told of a thing once. `about` names a span of days or an event.

create table money_letter (
    person_id uuid not null,
    about text not null,
    asked_at timestamptz not null default now(),
    sent_at timestamptz,
    primary key (person_id, about)
);
create index event_of_money on event (created_at)
    where type in ('budget.alert', 'credits.soft_limit', 'credits.grace_started');

-- What the answers of a chat have cost so far (B-16).

alter table chat add column cost_nano bigint not null default 0 check (cost_nano >= 0);
update chat set cost_nano = cost.amount
from (select chat_id, sum(cost_nano) as amount from message group by 1) as cost
where chat.id = cost.chat_id and amount > 0;

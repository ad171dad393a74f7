-- Plans: what a month of each tier holds. `make_plans` of models/plans.py brings the rows of the
-- catalogue; null is no limit.

create table plan (
    tier text primary key,
    credits_nano bigint not null check (credits_nano >= 0),
    cost_nano bigint check (cost_nano >= 0),
    tokens_a_day bigint check (tokens_a_day >= 0),
    grace_hours integer not null check (grace_hours >= 0),
    overdraft_nano bigint not null check (overdraft_nano >= 0)
);
insert into plan values
    ('free', 1000000000, 1000000000, 10000, 0, 0),
    ('premium', 10000000000, 50000000000, 100000, 24, 5000000000),
    ('enterprise', 0, null, 10000000, 0, 0);

-- An account's month and day. `period` is the first day of the month (UTC) that is open; what was
-- granted, repaid of a debt and spent is of that month. `late_held_nano` is what jobs of earlier
-- months still hold of `held_nano`. `cost_limit_nano` and `tokens_limit` win over the plan's.

alter table account
    add column tier text not null default 'free' references plan,
    add column period date,
    add column granted_nano bigint not null default 0 check (granted_nano >= 0),
    add column repaid_nano bigint not null default 0 check (repaid_nano >= 0),
    add column spent_nano bigint not null default 0 check (spent_nano >= 0),
    add column late_held_nano bigint not null default 0 check (late_held_nano >= 0),
    add column lifetime_nano bigint not null default 0 check (lifetime_nano >= 0),
    add column grace_started_at timestamptz,
    add column warned boolean not null default false,
    add column day date,
    add column day_tokens bigint not null default 0 check (day_tokens >= 0),
    add column day_tokens_held bigint not null default 0 check (day_tokens_held >= 0),
    add column cost_limit_nano bigint check (cost_limit_nano >= 0),
    add column tokens_limit bigint check (tokens_limit >= 0),
    add column budgets integer not null default 0 check (budgets >= 0),
    add column sandbox_nano bigint not null default 0,
    add constraint late_is_held check (late_held_nano <= held_nano);

update account set tier = 'enterprise' where kind = 'organization';
update account set tier = person.tier
from person where person.account_id = account.id and account.kind = 'personal';
update account set lifetime_nano = spent.amount
from (select account_id, sum(settled_nano) as amount from credit_hold group by 1) as spent
where spent.account_id = account.id;

-- Each month of each account, once: its key is what makes a grant happen once (B8).

create table credit_period (
    account_id uuid not null references account,
    period date not null check (extract(day from period) = 1),
    tier text not null,
    granted_nano bigint not null check (granted_nano >= 0),
    repaid_nano bigint not null default 0 check (repaid_nano >= 0),
    spent_nano bigint not null default 0 check (spent_nano >= 0),
    held_nano bigint not null default 0 check (held_nano >= 0),
    expired_nano bigint not null default 0 check (expired_nano >= 0),
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (account_id, period)
);

-- Of which month and day a hold is, for how many tokens, and by whom.

alter table credit_hold
    add column period date,
    add column day date,
    add column tokens bigint not null default 0 check (tokens >= 0),
    add column user_id uuid,
    add column key_id uuid;

alter table job
    add column user_id uuid,
    add column key_id uuid;

-- A line belongs to the day on which its work was accepted, whenever it ends.

alter table usage_line
    add column day date,
    add column user_id uuid,
    add column key_id uuid,
    add column subject_id uuid;
update usage_line set day = (created_at at time zone 'UTC')::date;
alter table usage_line alter column day set not null;
create index usage_line_day on usage_line (account_id, day);

create index ledger_entry_transaction on ledger_entry (transaction_id)
    where idem not like 'job:%';

-- What an account allows itself, one of its people or one of its keys to spend in a day or a month,
-- and when to be told (B-17). `started` is the first day of what is counted.

create table budget (
    id uuid primary key,
    account_id uuid not null references account,
    scope text not null check (scope in ('account', 'user', 'key')),
    subject_id uuid check ((scope = 'account') = (subject_id is null)),
    period text not null check (period in ('day', 'month')),
    amount_nano bigint not null check (amount_nano > 0),
    is_hard boolean not null,
    alert_at integer[] not null,
    started date not null,
    spent_nano bigint not null default 0 check (spent_nano >= 0),
    held_nano bigint not null default 0 check (held_nano >= 0),
    created_at timestamptz not null default now(),
    unique nulls not distinct (account_id, scope, subject_id, period)
);

-- Purchases of credits (B-09). `models/sql/purchases.sql` has their transitions: each compares
-- before it sets, and moves the money in the same transaction.
--
-- `reference` is what the gateway calls the checkout, `payment` what it calls the money; both are
-- null until it has said so. `refunds` counts the times a refund was begun, `refunded_cents` is what
-- has been taken back of the credits. At `ask_after` the gateway is asked what became of it.

create table purchase (
    id uuid primary key,
    account_id uuid not null references account,
    user_id uuid not null,
    mode text not null check (mode in ('live', 'test')),
    amount_cents bigint not null check (amount_cents > 0),
    gateway text not null check (gateway in ('fake', 'stripe')),
    status text not null default 'pending' check (
        status in ('pending', 'succeeded', 'failed', 'refunding', 'refunded')),
    reference text unique,
    payment text,
    checkout_url text,
    failure text,
    refunds integer not null default 0 check (refunds >= 0),
    refunded_cents bigint not null default 0,
    asked integer not null default 0 check (asked >= 0),
    ask_after timestamptz not null default now() + interval '1 minute',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint refunded_was_paid check (refunded_cents between 0 and amount_cents)
);
create index purchase_account on purchase (account_id, mode, id);
create index purchase_payment on purchase (payment) where payment is not null;
create index purchase_open on purchase (ask_after) where status in ('pending', 'refunding');

-- Who had a movement of the ledger made by hand, and why. As append-only as the ledger.

create table ledger_note (
    idem text primary key,
    account_id uuid not null references account,
    actor_id uuid not null,
    reason text not null check (reason <> ''),
    created_at timestamptz not null default now()
);
create index ledger_note_account on ledger_note (account_id);

alter table account add constraint sandbox_is_no_debt check (sandbox_nano >= 0);

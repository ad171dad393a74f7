-- The barest hold and settle that keep an account's books right: what `tests.bench.ledger` stands
-- beside. No months, no days, no budgets, no warnings: a balance, holds and two legs, once each.

create schema bare;

create table bare.account (
    id uuid primary key,
    balance bigint not null,
    held bigint not null default 0 check (held >= 0),
    check (balance - held >= 0)
);

create table bare.hold (
    job_id uuid primary key,
    account_id uuid not null references bare.account (id),
    amount bigint not null,
    state text not null default 'held',
    settled bigint
);

create table bare.ledger_entry (
    transaction_id uuid not null,
    account text not null,
    amount bigint not null,
    idem text not null,
    created_at timestamptz not null default now(),
    unique (idem, account)
);

create function bare.take(p_job uuid, p_account uuid, p_amount bigint) returns void
language plpgsql as $$
begin
    insert into bare.hold (job_id, account_id, amount) values (p_job, p_account, p_amount)
    on conflict do nothing;
    if not found then
        return;
    end if;
    update bare.account set held = held + p_amount
    where id = p_account and balance - held >= p_amount;
    if not found then
        raise exception 'not enough';
    end if;
end $$;

create function bare.settle(p_job uuid, p_cost bigint) returns void language plpgsql as $$
declare
    hold bare.hold;
    movement constant uuid := gen_random_uuid();
begin
    update bare.hold set state = 'settled', settled = p_cost
    where job_id = p_job and state = 'held' returning * into hold;
    if not found then
        return;
    end if;
    update bare.account set held = held - hold.amount, balance = balance - p_cost
    where id = hold.account_id;
    insert into bare.ledger_entry (transaction_id, account, amount, idem)
    values (movement, 'wallet:' || hold.account_id, -p_cost, 'job:' || p_job),
           (movement, 'revenue', p_cost, 'job:' || p_job);
end $$;

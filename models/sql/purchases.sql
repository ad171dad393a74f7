-- Purchases, refunds and adjustments (B-09): each transition compares before it sets, and moves the
-- money with it. Locks are taken in this order: purchase, account.

-- Write down what happened to somebody's money, once; of the sandbox's with a test key's mode.
create or replace function money_told(
    p_account uuid, p_mode text, p_type text, p_once text, p_more jsonb
) returns void language sql as $$
    insert into event (id, account_id, mode, type, data, once)
    select event_id(), id, p_mode, p_type, p_more || jsonb_build_object(
        'credits', case p_mode
            when 'live' then jsonb_build_object(
                'balance_nano_usd', balance_nano::text, 'held_nano_usd', held_nano::text,
                'period', period)
            else jsonb_build_object('balance_nano_usd', sandbox_nano::text) end), p_once
    from account where id = p_account
    on conflict (once) do nothing
$$;

-- Give a wallet money, the live one or the sandbox's. Repeating an idem changes nothing.
create or replace function wallet_give(
    p_account uuid, p_mode text, p_amount bigint, p_source text, p_idem text
) returns boolean language plpgsql as $$
begin
    if p_mode = 'live' then
        return money_grant(p_account, p_amount, p_source, p_idem);
    end if;
    perform 1 from account where id = p_account for update;
    if exists (select from ledger_entry where idem = p_idem) then
        return false;
    end if;
    update account set sandbox_nano = sandbox_nano + p_amount where id = p_account;
    perform money_move(p_source, 'sandbox:' || p_account, p_amount, p_idem);
    return true;
end $$;

-- Take money from a wallet; ILM03 when it has less than that beside what is held.
create or replace function wallet_take(
    p_account uuid, p_mode text, p_amount bigint, p_sink text, p_idem text
) returns boolean language plpgsql as $$
begin
    if p_mode = 'live' then
        perform period_open(p_account);
        return money_take(p_account, p_amount, p_sink, p_idem);
    end if;
    perform 1 from account where id = p_account for update;
    if exists (select from ledger_entry where idem = p_idem) then
        return false;
    end if;
    update account set sandbox_nano = sandbox_nano - p_amount
    where id = p_account and sandbox_nano >= p_amount;
    if not found then
        raise exception 'the balance is less than that' using errcode = 'ILM03';
    end if;
    perform money_move('sandbox:' || p_account, p_sink, p_amount, p_idem);
    return true;
end $$;

-- Take back what is gone from us already, though the balance may not have it: what is missing is a
-- debt, within an overdraft of its size, which the next money repays.
create or replace function money_reverse(
    p_account uuid, p_amount bigint, p_sink text, p_idem text
) returns void language plpgsql as $$
begin
    perform period_open(p_account);
    update account
    set balance_nano = balance_nano - p_amount,
        overdraft_nano = greatest(overdraft_nano, held_nano - balance_nano + p_amount)
    where id = p_account;
    perform money_move('wallet:' || p_account, p_sink, p_amount, p_idem);
end $$;

create or replace function purchase_told(p_mine purchase, p_type text, p_once text, p_cents bigint)
returns void language sql as $$
    select money_told(p_mine.account_id, p_mine.mode, p_type, p_once, jsonb_build_object(
        'purchase', jsonb_build_object(
            'id', 'purchase_' || replace(p_mine.id::text, '-', ''), 'status', p_mine.status,
            'amount_cents', p_cents, 'amount_nano_usd', (p_cents * 10000000)::text)))
$$;

-- It was paid: its money is given, once, whoever hears of it first and however often. A purchase
-- that was given up is paid all the same when the gateway says so.
create or replace function purchase_paid(p_id uuid, p_payment text)
returns boolean language plpgsql as $$
declare
    mine purchase;
begin
    update purchase
    set status = 'succeeded', payment = p_payment, failure = null, checkout_url = null,
        updated_at = now()
    where id = p_id and status in ('pending', 'failed')
    returning * into mine;
    if not found then
        return false;
    end if;
    perform wallet_give(
        mine.account_id, mine.mode, mine.amount_cents * 10000000, 'payments:' || mine.gateway,
        'purchase:' || mine.id);
    perform purchase_told(
        mine, 'credits.purchased', 'purchased:' || mine.id, mine.amount_cents);
    return true;
end $$;

-- The key of the movement that a refund is: the first one's bears no number.
create or replace function refund_idem(p_id uuid, p_number integer)
returns text language sql immutable as $$
    select 'refund:' || p_id || case p_number when 1 then '' else ':' || p_number end
$$;

-- Begin to give back what is left of it: the credits are taken before the gateway is asked, so that
-- nobody spends them meanwhile. Returns false when it is not in a state to be given back; ILM03 when
-- the balance does not cover it.
create or replace function purchase_refund(p_id uuid, p_actor uuid, p_reason text)
returns boolean language plpgsql as $$
declare
    before purchase;
    mine purchase;
    key text;
begin
    select * into before from purchase where id = p_id for update;
    if before.status <> 'succeeded' then
        return false;
    end if;
    update purchase
    set status = 'refunding', refunds = refunds + 1, refunded_cents = amount_cents, asked = 0,
        ask_after = now() + interval '1 minute', updated_at = now()
    where id = p_id returning * into mine;
    key := refund_idem(p_id, mine.refunds);
    perform wallet_take(
        mine.account_id, mine.mode, (mine.amount_cents - before.refunded_cents) * 10000000,
        'payments:' || mine.gateway, key);
    insert into ledger_note (idem, account_id, actor_id, reason)
    values (key, mine.account_id, p_actor, p_reason);
    return true;
end $$;

-- What a refund that is under way took, in cents.
create or replace function refund_cents(p_mine purchase) returns bigint language sql stable as $$
    select (sum(amount_nano) / 10000000)::bigint from ledger_entry
    where idem = refund_idem(p_mine.id, p_mine.refunds) and amount_nano > 0
$$;

-- The gateway has given the money back.
create or replace function purchase_refunded(p_id uuid) returns boolean language plpgsql as $$
declare
    mine purchase;
begin
    update purchase set status = 'refunded', updated_at = now()
    where id = p_id and status = 'refunding' returning * into mine;
    if not found then
        return false;
    end if;
    perform purchase_told(
        mine, 'credits.refunded', refund_idem(p_id, mine.refunds), refund_cents(mine));
    return true;
end $$;

-- The gateway does not give the money back, or could not after all: the credits come back.
create or replace function purchase_kept(p_id uuid, p_number integer, p_failure text)
returns boolean language plpgsql as $$
declare
    before purchase;
    cents bigint;
begin
    select * into before from purchase where id = p_id for update;
    if before.status not in ('refunding', 'refunded') or before.refunds <> p_number then
        return false;
    end if;
    cents := refund_cents(before);
    update purchase
    set status = 'succeeded', refunded_cents = refunded_cents - cents, failure = p_failure,
        updated_at = now()
    where id = p_id;
    return wallet_give(
        before.account_id, before.mode, cents * 10000000, 'payments:' || before.gateway,
        refund_idem(p_id, p_number) || ':kept');
end $$;

-- So many cents of it are gone from us by the gateway's doing: reversed by the bank, or given back
-- there by hand. What of them is not taken back yet is taken, whatever the balance.
create or replace function purchase_reversed(p_id uuid, p_cents bigint)
returns boolean language plpgsql as $$
declare
    before purchase;
    mine purchase;
    key constant text := 'refund:' || p_id || ':reversed:' || p_cents;
begin
    select * into before from purchase where id = p_id for update;
    if before.status <> 'succeeded' or before.mode <> 'live' or p_cents <= before.refunded_cents then
        return false;
    end if;
    update purchase
    set refunded_cents = p_cents, updated_at = now(),
        status = case when p_cents = amount_cents then 'refunded' else status end
    where id = p_id returning * into mine;
    perform money_reverse(
        mine.account_id, (p_cents - before.refunded_cents) * 10000000,
        'payments:' || mine.gateway, key);
    perform purchase_told(mine, 'credits.refunded', key, p_cents - before.refunded_cents);
    return true;
end $$;

-- Move a balance by hand: what is more than nothing is given, what is less is taken (ILM03).
create or replace function money_adjust(
    p_account uuid, p_amount bigint, p_actor uuid, p_reason text, p_id uuid
) returns void language plpgsql as $$
declare
    key constant text := 'adjust:' || p_id;
begin
    perform period_open(p_account);
    if p_amount > 0 then
        perform money_grant(p_account, p_amount, 'adjustments', key);
    else
        perform money_take(p_account, -p_amount, 'adjustments', key);
    end if;
    insert into ledger_note (idem, account_id, actor_id, reason)
    values (key, p_account, p_actor, p_reason);
    perform money_told(p_account, 'live', 'credits.adjusted', key, jsonb_build_object(
        'adjustment', jsonb_build_object('amount_nano_usd', p_amount::text, 'reason', p_reason)));
end $$;

-- Purchases to ask the gateway about: claimed for longer each time, up to a day, so that any number
-- of schedulers may do it.
create or replace function purchases_due(p_limit integer)
returns table (id uuid) language sql as $$
    with due as (
        select purchase.id from purchase
        where status in ('pending', 'refunding') and ask_after < now()
        order by ask_after limit p_limit for update skip locked
    )
    update purchase
    set asked = asked + 1,
        ask_after = now() + least(interval '1 day', interval '1 minute' * 2 ^ least(asked, 11))
    from due where purchase.id = due.id
    returning purchase.id
$$;

-- Months and days of accounts (B-02, B-13, X-16). A month is opened once, by its key in
-- `credit_period`: by whoever comes first, a hold, a reader or the schedule. All on the database's
-- clock; `ilm.rehearsal` moves it for those who rehearse the end of a month.

create or replace function billing_now() returns timestamptz language sql stable as $$
    select now() + coalesce(nullif(current_setting('ilm.rehearsal', true), ''), '0')::interval
$$;

create or replace function billing_day() returns date language sql stable as $$
    select (billing_now() at time zone 'UTC')::date
$$;

create or replace function billing_month() returns date language sql stable as $$
    select date_trunc('month', billing_day())::date
$$;

-- Of credits that nobody holds any more, what is left expires with its month. The account's row is
-- locked by the caller. Nothing is taken that an open hold counts on.
create or replace function credits_expire(
    p_account uuid, p_period date, p_idem text
) returns void language plpgsql as $$
declare
    mine account;
    past credit_period;
    rest bigint;
begin
    select * into mine from account where id = p_account;
    select * into past from credit_period where account_id = p_account and period = p_period;
    rest := greatest(
        past.granted_nano - past.repaid_nano - past.spent_nano - past.expired_nano, 0);
    rest := least(
        rest - least(rest, past.held_nano),
        greatest(mine.balance_nano - mine.held_nano + mine.overdraft_nano, 0));
    if rest > 0 then
        update credit_period set expired_nano = expired_nano + rest
        where account_id = p_account and period = p_period;
        update account set balance_nano = balance_nano - rest where id = p_account;
        perform money_move('wallet:' || p_account, 'credits', rest, p_idem);
    end if;
end $$;

-- Close the month that is open: keep its numbers, and let its credits expire.
create or replace function period_close(p_account uuid) returns void language plpgsql as $$
declare
    mine account;
begin
    select * into mine from account where id = p_account;
    update credit_period
    set spent_nano = mine.spent_nano, held_nano = mine.held_nano - mine.late_held_nano,
        closed_at = billing_now()
    where account_id = p_account and period = mine.period;
    update account set late_held_nano = held_nano where id = p_account;
    perform credits_expire(p_account, mine.period, 'expire:' || p_account || ':' || mine.period);
end $$;

-- Open a month: its credits, less what they repay of a debt, and a clean sheet.
create or replace function period_begin(p_account uuid, p_period date)
returns void language plpgsql as $$
declare
    mine account;
    credits bigint;
    repaid bigint;
begin
    select * into mine from account where id = p_account;
    select credits_nano into credits from plan where tier = mine.tier;
    repaid := least(credits, greatest(-mine.balance_nano, 0));
    insert into credit_period (account_id, period, tier, granted_nano, repaid_nano, opened_at)
    values (p_account, p_period, mine.tier, credits, repaid, billing_now())
    on conflict do nothing;
    if not found then
        raise exception 'the month % of account % was opened before', p_period, p_account;
    end if;
    update account
    set period = p_period, granted_nano = credits, repaid_nano = repaid, spent_nano = 0,
        balance_nano = balance_nano + credits, grace_started_at = null, warned = false,
        overdraft_nano = greatest(held_nano - balance_nano - credits, 0)
    where id = p_account;
    if credits > 0 then
        perform money_move(
            'credits', 'wallet:' || p_account, credits, 'grant:' || p_account || ':' || p_period);
    end if;
end $$;

-- Bring an account to today: every month it has missed, one after the other, then the day. Returns
-- how many months were opened. Waits for whoever does the same, and then finds it done.
create or replace function period_open(p_account uuid) returns integer language plpgsql as $$
declare
    mine account;
    opened integer := 0;
begin
    select * into mine from account where id = p_account for update;
    if mine.period is null then
        update credit_hold set period = billing_month()
        where account_id = p_account and state = 'held';
        perform period_begin(p_account, billing_month());
        opened := 1;
    end if;
    while mine.period < billing_month() loop
        perform period_close(p_account);
        perform period_begin(p_account, (mine.period + interval '1 month')::date);
        opened := opened + 1;
        select * into mine from account where id = p_account;
    end loop;
    update account set day = billing_day(), day_tokens = 0, day_tokens_held = 0
    where id = p_account and (day is null or day < billing_day());
    return opened;
end $$;

-- Accounts whose month has ended, or never began, some at a time, by id. Who was purged gets none.
drop function if exists periods_due(integer);
create or replace function periods_due(p_after uuid, p_limit integer)
returns table (account_id uuid) language sql stable as $$
    select id from account
    where id > p_after and (period is null or period < billing_month())
      and not exists (
          select from person where person.account_id = account.id and purged_at is not null)
    order by id limit p_limit
$$;

-- A higher tier brings the rest of its month's credits at once; a lower one takes none back.
create or replace function account_follows_tier() returns trigger language plpgsql as $$
declare
    mine account;
    more bigint;
begin
    update account set tier = new.tier
    where id = new.account_id and kind = 'personal' and tier <> new.tier
    returning * into mine;
    if not found or mine.period is null then
        return null;
    end if;
    perform period_open(mine.id);
    select plan.credits_nano - account.granted_nano into more
    from account join plan using (tier) where id = mine.id;
    if more > 0 then
        select * into mine from account where id = mine.id;
        update account set granted_nano = granted_nano + more, balance_nano = balance_nano + more
        where id = mine.id;
        update credit_period set granted_nano = granted_nano + more, tier = mine.tier
        where account_id = mine.id and period = mine.period;
        perform money_move(
            'credits', 'wallet:' || mine.id, more,
            'grant:' || mine.id || ':' || mine.period || ':' || mine.tier);
    end if;
    return null;
end $$;

do $$ begin
    if not exists (select from pg_trigger where tgname = 'account_follows_tier') then
        create trigger account_follows_tier after insert or update of tier on person
        for each row execute function account_follows_tier();
    end if;
end $$;

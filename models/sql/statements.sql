-- Statements (B-12): the months of an account with what moved in each. Credits and charges are of the
-- month they were given for and held in, whenever they were booked; what was bought, refunded and
-- adjusted is of the month in which it was booked. `held_nano` is what open holds of the month may
-- still cost; a month is over for good when it is closed and there are none.
create or replace function statement_months(p_account uuid) returns table (
    period date, tier text, closed_at timestamptz, held_nano bigint, granted bigint, expired bigint,
    purchased bigint, refunded bigint, adjusted bigint, charged bigint, closing bigint
) language sql stable as $$
    with month as (
        select credit_period.period, credit_period.tier, closed_at, credit_period.granted_nano,
               expired_nano,
               case when closed_at is null then account.spent_nano
                    else credit_period.spent_nano end as spent,
               case when closed_at is null then account.held_nano - account.late_held_nano
                    else credit_period.held_nano end as held
        from credit_period join account on account.id = account_id
        where account_id = p_account
    ), booked as (
        select greatest(date_trunc('month', created_at at time zone 'UTC')::date,
                        (select min(month.period) from month)) as period,
               split_part(idem, ':', 1) as kind, amount_nano as amount
        from ledger_entry
        where account = 'wallet:' || p_account and idem not like 'job:%'
          and idem !~ '^(grant|expire):[0-9a-f-]{36}:[0-9-]{10}'
    ), moved as (
        select month.*,
               coalesce(sum(amount) filter (where kind = 'purchase'), 0)::bigint as bought,
               coalesce(sum(amount) filter (where kind = 'refund'), 0)::bigint as refunded,
               coalesce(sum(amount) filter (where kind not in ('purchase', 'refund')), 0)::bigint
                   as adjusted
        from month left join booked using (period)
        group by 1, 2, 3, 4, 5, 6, 7
    ), before as (
        select lifetime_nano - (select coalesce(sum(spent), 0) from month) as charged
        from account where id = p_account
    )
    select moved.period, tier, closed_at, held, granted_nano, expired_nano, bought, moved.refunded,
           moved.adjusted, spent,
           (sum(granted_nano - expired_nano - spent + bought + moved.refunded + moved.adjusted)
                over (order by moved.period) - before.charged)::bigint
    from moved, before
$$;

-- Keep what a statement says, once and for all; the first who does so wins. Returns what is kept.
create or replace function statement_keep(
    p_account uuid, p_period date, p_body jsonb, p_charged bigint
) returns jsonb language plpgsql as $$
begin
    insert into statement (account_id, period, body, charged_nano)
    values (p_account, p_period, p_body, p_charged) on conflict do nothing;
    return (select body from statement where account_id = p_account and period = p_period);
end $$;

-- Months that are over for good and have no statement yet.
create or replace function statements_due(p_limit integer)
returns table (account_id uuid, period date) language sql stable as $$
    select month.account_id, month.period from credit_period month
    left join statement using (account_id, period)
    where month.closed_at is not null and month.held_nano = 0 and statement.body is null
    order by month.period limit p_limit
$$;

-- Months whose sums of days may go: older than so many days, with a statement, without marks, without
-- detail.
create or replace function usage_past(p_days integer, p_limit integer)
returns table (account_id uuid, period date) language sql stable as $$
    select statement.account_id, statement.period from statement
    where not usage_gone and period + interval '1 month' < billing_day() - p_days
      and not exists (
          select from usage_line line where line.account_id = statement.account_id
            and day >= period and day < period + interval '1 month')
      and not exists (
          select from usage_dirty dirty where dirty.account_id = statement.account_id
            and day >= period and day < period + interval '1 month')
    order by period limit p_limit
$$;

-- Delete the sums of a month's days, whose statement stays. Returns how many rows went.
create or replace function usage_forget(p_account uuid, p_period date, p_days integer)
returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
    until constant date := (p_period + interval '1 month')::date;
    cost bigint;
    removed integer;
begin
    if p_days < 400 then
        raise exception 'sums of usage are kept for 400 days at least' using errcode = 'ILM00';
    end if;
    perform usage_alone(p_account);
    select coalesce(sum(cost_nano), 0) into cost from usage_day
    where account_id = p_account and day >= p_period and day < until and mode = 'live' and is_kept;
    if until >= billing_day() - p_days
        or exists (select from usage_line
                   where account_id = p_account and day >= p_period and day < until)
        or exists (select from usage_dirty
                   where account_id = p_account and day >= p_period and day < until)
    then
        return 0;
    end if;
    update statement set usage_gone = true
    where account_id = p_account and period = p_period and charged_nano = cost;
    if not found then
        return null;
    end if;
    delete from usage_day where account_id = p_account and day >= p_period and day < until;
    get diagnostics removed = row_count;
    return removed;
end $$;

revoke execute on function usage_forget from public;

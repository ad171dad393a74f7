-- Budgets (B-17): what an account allows itself, one of its people or of its keys in a day or month.

create or replace function budgets_of(p_account uuid, p_user uuid, p_key uuid)
returns setof budget language sql as $$
    select * from budget
    where account_id = p_account and (
        scope = 'account' or scope = 'user' and subject_id = p_user
        or scope = 'key' and subject_id = p_key)
    order by id for update
$$;

-- Take a hold from every budget it falls under; ILM02 when a hard one does not have it.
create or replace function budget_hold(
    p_mine account, p_user uuid, p_key uuid, p_amount bigint
) returns void language plpgsql as $$
declare
    one budget;
begin
    for one in select * from budgets_of(p_mine.id, p_user, p_key) loop
        if one.started < budget_start(one.period, p_mine.period, p_mine.day) then
            one.started := budget_start(one.period, p_mine.period, p_mine.day);
            one.spent_nano := 0;
            one.held_nano := 0;
        end if;
        if one.is_hard and one.spent_nano + one.held_nano + p_amount > one.amount_nano then
            perform credit_refuse(p_mine, 'budget', one.period);
        end if;
        update budget
        set started = one.started, spent_nano = one.spent_nano,
            held_nano = one.held_nano + p_amount
        where id = one.id;
    end loop;
end $$;

create or replace function budget_start(p_period text, p_month date, p_day date)
returns date language sql immutable as $$
    select case p_period when 'day' then p_day else p_month end
$$;

-- What is held already, of its day or month, by whom a budget is for: it begins with that.
create or replace function budget_held(p_mine budget) returns bigint language sql stable as $$
    select coalesce(sum(amount_nano), 0)::bigint from credit_hold
    where account_id = p_mine.account_id and state = 'held'
      and budget_start(p_mine.period, period, day) = p_mine.started
      and (p_mine.scope = 'account' or p_mine.scope = 'user' and user_id = p_mine.subject_id
           or p_mine.scope = 'key' and key_id = p_mine.subject_id)
$$;

-- Settle a hold in the budgets it was taken from, if their day or month still runs, and tell each
-- share that is passed once.
create or replace function budget_settle(p_hold credit_hold, p_charged bigint)
returns void language plpgsql as $$
declare
    one budget;
    share integer;
begin
    for one in select * from budgets_of(p_hold.account_id, p_hold.user_id, p_hold.key_id) loop
        continue when one.started <> budget_start(one.period, p_hold.period, p_hold.day);
        update budget
        set held_nano = greatest(held_nano - p_hold.amount_nano, 0),
            spent_nano = spent_nano + p_charged
        where id = one.id
        returning * into one;
        foreach share in array one.alert_at loop
            if one.spent_nano * 100 >= one.amount_nano * share then
                insert into event (id, account_id, mode, type, data, once)
                values (event_id(), one.account_id, 'live', 'budget.alert',
                        jsonb_build_object('budget', jsonb_build_object(
                            'id', 'budget_' || replace(one.id::text, '-', ''), 'percent', share,
                            'spent_nano_usd', one.spent_nano::text,
                            'amount_nano_usd', one.amount_nano::text)),
                        'budget:' || one.id || ':' || one.started || ':' || share)
                on conflict (once) do nothing;
            end if;
        end loop;
    end loop;
end $$;

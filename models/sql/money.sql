-- Credits (B-01, B-20): hold before the work, settle or release with its end, each once.
-- Every movement is a pair of ledger legs that sum to zero; `idem` forbids writing it twice. It is
-- booked when the account's row is locked, so that none is of a month that was closed before.

create or replace function money_move(
    p_from text, p_to text, p_amount bigint, p_idem text
) returns void language plpgsql as $$
declare
    movement constant uuid := gen_random_uuid();
    moment constant timestamptz := clock_timestamp() + (billing_now() - now());
begin
    insert into ledger_entry (transaction_id, account, amount_nano, idem, created_at)
    values (movement, p_from, -p_amount, p_idem, moment),
           (movement, p_to, p_amount, p_idem, moment);
end $$;

-- Give an account money: a grant, a purchase, an adjustment. Repeating an idem changes nothing.
create or replace function money_grant(
    p_account uuid, p_amount bigint, p_source text, p_idem text
) returns boolean language plpgsql as $$
begin
    perform 1 from account where id = p_account for update;
    if exists (select from ledger_entry where idem = p_idem) then
        return false;
    end if;
    update account set balance_nano = balance_nano + p_amount where id = p_account;
    perform money_move(p_source, 'wallet:' || p_account, p_amount, p_idem);
    return true;
end $$;

-- Take money from an account: a refund, an adjustment. ILM03 when it would leave less than nothing
-- beside what is held.
create or replace function money_take(
    p_account uuid, p_amount bigint, p_sink text, p_idem text
) returns boolean language plpgsql as $$
begin
    perform 1 from account where id = p_account for update;
    if exists (select from ledger_entry where idem = p_idem) then
        return false;
    end if;
    update account set balance_nano = balance_nano - p_amount
    where id = p_account and balance_nano - held_nano >= p_amount;
    if not found then
        raise exception 'the balance is less than that' using errcode = 'ILM03';
    end if;
    perform money_move('wallet:' || p_account, p_sink, p_amount, p_idem);
    return true;
end $$;

-- How much is used up, in percent, of the tightest of an account's means and limits (B-14).
create or replace function credit_used(p_mine account, p_plan plan)
returns integer language sql immutable as $$
    select least(1000000, greatest(
        0,
        100 * (p_mine.spent_nano + p_mine.held_nano)
            / nullif(greatest(p_mine.spent_nano + p_mine.balance_nano, 0), 0),
        100 * (p_mine.spent_nano + p_mine.held_nano - p_mine.late_held_nano)
            / nullif(coalesce(p_mine.cost_limit_nano, p_plan.cost_nano), 0),
        100 * (p_mine.day_tokens + p_mine.day_tokens_held)
            / nullif(coalesce(p_mine.tokens_limit, p_plan.tokens_a_day), 0)
    ))::integer
$$;

-- Reserve what a job may cost at most, in money and tokens; returns the percent then used up.
-- ILM02 says, as JSON in its detail, what does not suffice: credits, cost, tokens or a budget.
drop function if exists money_hold(uuid, uuid, bigint);
create or replace function money_hold(
    p_job uuid, p_account uuid, p_amount bigint, p_tokens bigint default 0,
    p_user uuid default null, p_key uuid default null
) returns integer language plpgsql as $$
declare
    taken record;
begin
    update account
    set held_nano = held_nano + p_amount, day_tokens_held = day_tokens_held + p_tokens
    from plan
    where id = p_account and plan.tier = account.tier
      and period = billing_month() and day = billing_day()
      and balance_nano - held_nano >= p_amount
      and (coalesce(cost_limit_nano, cost_nano) is null or
           spent_nano + held_nano - late_held_nano + p_amount
               <= coalesce(cost_limit_nano, cost_nano))
      and (coalesce(tokens_limit, tokens_a_day) is null or
           day_tokens + day_tokens_held + p_tokens <= coalesce(tokens_limit, tokens_a_day))
    returning account as mine, credit_used(account, plan) as used into taken;
    if not found then
        select money_hold_hard(p_account, p_amount, p_tokens) as mine into taken;
        select taken.mine as mine, credit_used(taken.mine, plan) as used into taken
        from plan where tier = (taken.mine).tier;
    end if;
    if (taken.mine).budgets > 0 then
        perform budget_hold(taken.mine, p_user, p_key, p_amount);
    end if;
    insert into credit_hold (
        job_id, account_id, amount_nano, period, day, tokens, user_id, key_id
    ) values (
        p_job, p_account, p_amount, (taken.mine).period, (taken.mine).day, p_tokens, p_user, p_key
    );
    if taken.used >= 80 and not (taken.mine).warned then
        perform credit_warn(taken.mine);
    end if;
    return taken.used;
end $$;

-- The same for an account whose month or day is to be opened first, or whose means end: within the
-- grace of its plan it may go on, once a period, as far as the overdraft (B-14).
create or replace function money_hold_hard(
    p_account uuid, p_amount bigint, p_tokens bigint
) returns account language plpgsql as $$
declare
    mine account;
    ours plan;
    most_cost bigint;
    most_tokens bigint;
    further bigint := 0;
    in_need boolean;
begin
    perform period_open(p_account);
    select * into mine from account where id = p_account;
    select * into ours from plan where tier = mine.tier;
    most_cost := coalesce(mine.cost_limit_nano, ours.cost_nano);
    most_tokens := coalesce(mine.tokens_limit, ours.tokens_a_day);
    if mine.day_tokens + mine.day_tokens_held + p_tokens > most_tokens then
        perform credit_refuse(mine, 'tokens', 'day');
    end if;
    in_need := mine.balance_nano - mine.held_nano < p_amount
        or coalesce(mine.spent_nano + mine.held_nano - mine.late_held_nano + p_amount > most_cost,
                    false);
    if in_need and ours.grace_hours > 0 and billing_now()
            < coalesce(mine.grace_started_at, billing_now())
                + make_interval(hours => ours.grace_hours)
    then
        further := ours.overdraft_nano;
    end if;
    if mine.balance_nano - mine.held_nano + further < p_amount then
        perform credit_refuse(mine, 'credits');
    elsif mine.spent_nano + mine.held_nano - mine.late_held_nano + p_amount > most_cost + further
    then
        perform credit_refuse(mine, 'cost');
    end if;
    if further > 0 and mine.grace_started_at is null then
        perform credit_told(mine, 'credits.grace_started', 'grace:' || p_account || mine.period);
    end if;
    update account
    set held_nano = held_nano + p_amount, day_tokens_held = day_tokens_held + p_tokens,
        overdraft_nano = greatest(overdraft_nano, further),
        grace_started_at = case when further > 0 then coalesce(grace_started_at, billing_now())
                                else grace_started_at end
    where id = p_account
    returning * into mine;
    return mine;
end $$;

-- Refuse, and say what is short and from when on it is there again.
create or replace function credit_refuse(
    p_mine account, p_what text, p_span text default 'month'
) returns void language plpgsql as $$
declare
    reset constant timestamp := case p_span
        when 'day' then p_mine.day + interval '1 day' else p_mine.period + interval '1 month' end;
begin
    raise exception 'not enough %', p_what using errcode = 'ILM02', detail = json_build_object(
        'what', p_what, 'tier', p_mine.tier, 'resetAt', reset at time zone 'UTC')::text;
end $$;

-- Write down what happened to an account's credits, once.
create or replace function credit_told(p_mine account, p_type text, p_once text)
returns void language sql as $$
    insert into event (id, account_id, mode, type, data, once)
    values (event_id(), p_mine.id, 'live', p_type, jsonb_build_object(
        'credits', jsonb_build_object(
            'balance_nano_usd', p_mine.balance_nano::text,
            'held_nano_usd', p_mine.held_nano::text, 'period', p_mine.period)), p_once)
    on conflict (once) do nothing
$$;

-- Write down, once a period, that an account's means have refused something: a budget is none of them.
create or replace function credit_exhausted(p_account uuid, p_what text)
returns void language sql as $$
    select credit_told(account, 'credits.exhausted', 'exhausted:' || id || period)
    from account where id = p_account and period is not null and p_what <> 'budget'
$$;

-- Once a period, when 80 % are used: an event, beside the warning that each answer bears.
create or replace function credit_warn(p_mine account) returns void language plpgsql as $$
begin
    update account set warned = true where id = p_mine.id;
    perform credit_told(p_mine, 'credits.soft_limit', 'soft:' || p_mine.id || p_mine.period);
end $$;

-- End a hold: charge the cost and give back the rest. Returns what was charged. A cost above the
-- hold is charged as far as balance and overdraft go; the platform bears what is left of it. It is
-- of the month and the day on which it was held, whatever month it is now.
drop function if exists money_settle(uuid, bigint);
create or replace function money_settle(
    p_job uuid, p_cost bigint, p_tokens bigint default 0
) returns bigint language plpgsql as $$
declare
    hold credit_hold;
    mine account;
    charged bigint;
    is_late boolean;
begin
    update credit_hold
    set state = case when p_cost > 0 then 'settled' else 'released' end,
        settled_nano = p_cost, resolved_at = now()
    where job_id = p_job and state = 'held'
    returning * into hold;
    if not found then
        if p_cost > 0 then
            raise exception 'job % has a cost and no open hold', p_job using errcode = 'ILM00';
        end if;
        return 0;
    end if;
    charged := p_cost;
    if p_cost > hold.amount_nano then
        charged := money_overrun(hold, p_cost);
    end if;
    update account
    set held_nano = held_nano - hold.amount_nano, balance_nano = balance_nano - charged,
        lifetime_nano = lifetime_nano + charged,
        spent_nano = spent_nano + case when hold.period < period then 0 else charged end,
        late_held_nano = late_held_nano
            - case when hold.period < period then hold.amount_nano else 0 end,
        day_tokens_held = day_tokens_held - case when hold.day = day then hold.tokens else 0 end,
        day_tokens = day_tokens + case when hold.day = day then p_tokens else 0 end
    where id = hold.account_id
    returning * into mine;
    is_late := coalesce(hold.period < mine.period, false);
    if charged > 0 then
        perform money_move('wallet:' || hold.account_id, 'revenue', charged, 'job:' || p_job);
    end if;
    if is_late then
        update credit_period
        set spent_nano = spent_nano + charged, held_nano = held_nano - hold.amount_nano
        where account_id = hold.account_id and period = hold.period;
        perform credits_expire(
            hold.account_id, hold.period,
            'expire:' || hold.account_id || ':' || hold.period || ':' || p_job);
    end if;
    if mine.budgets > 0 then
        perform budget_settle(hold, charged);
    end if;
    return charged;
end $$;

-- Of a cost above its hold, what balance and overdraft have beside all that is held.
create or replace function money_overrun(
    p_hold credit_hold, p_cost bigint
) returns bigint language plpgsql as $$
declare
    mine account;
    charged bigint;
begin
    select * into mine from account where id = p_hold.account_id for update;
    charged := least(p_cost, p_hold.amount_nano + greatest(
        mine.balance_nano - mine.held_nano + mine.overdraft_nano, 0));
    update credit_hold
    set settled_nano = charged, state = case when charged > 0 then 'settled' else 'released' end
    where job_id = p_hold.job_id;
    return charged;
end $$;

-- Credits (B-01, B-20): hold before the work, settle or release with its end, each once.
-- Every movement is a pair of ledger legs that sum to zero; `idem` forbids writing it twice.

create or replace function money_move(
    p_from text, p_to text, p_amount bigint, p_idem text
) returns void language sql as $$
    with movement as (select gen_random_uuid() as id)
    insert into ledger_entry (transaction_id, account, amount_nano, idem)
    select movement.id, leg.account, leg.amount, p_idem
    from movement, (values (p_from, -p_amount), (p_to, p_amount)) as leg (account, amount);
$$;

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

-- Reserve what a job may cost at most; ILM02 when the balance does not cover it.
create or replace function money_hold(
    p_job uuid, p_account uuid, p_amount bigint
) returns void language plpgsql as $$
begin
    update account set held_nano = held_nano + p_amount
    where id = p_account and balance_nano - held_nano + overdraft_nano >= p_amount;
    if not found then
        raise exception 'the balance does not cover the estimate' using errcode = 'ILM02';
    end if;
    insert into credit_hold (job_id, account_id, amount_nano) values (p_job, p_account, p_amount);
end $$;

-- End a hold: charge the cost and give back the rest. Returns what was charged. A cost above the
-- hold is charged as far as balance and overdraft go; the platform bears what is left of it.
create or replace function money_settle(
    p_job uuid, p_cost bigint
) returns bigint language plpgsql as $$
declare
    hold credit_hold;
    headroom bigint;
    charged bigint;
begin
    select * into hold from credit_hold where job_id = p_job and state = 'held' for update;
    if not found then
        if p_cost > 0 then
            raise exception 'job % has a cost and no open hold', p_job using errcode = 'ILM00';
        end if;
        return 0;
    end if;
    select balance_nano - held_nano + overdraft_nano into headroom
    from account where id = hold.account_id for update;
    charged := least(p_cost, hold.amount_nano + greatest(headroom, 0));
    update account
    set held_nano = held_nano - hold.amount_nano, balance_nano = balance_nano - charged
    where id = hold.account_id;
    update credit_hold
    set state = case when charged > 0 then 'settled' else 'released' end,
        settled_nano = charged, resolved_at = now()
    where job_id = p_job;
    if charged > 0 then
        perform money_move('wallet:' || hold.account_id, 'revenue', charged, 'job:' || p_job);
    end if;
    return charged;
end $$;

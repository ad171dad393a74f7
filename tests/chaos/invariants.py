"""What must hold of money and jobs, each as the query for the rows of which it does not.

B is of billing, P of purchases, J of jobs; the numbers of B are those the design gives them.
"""

from collections.abc import Mapping
from typing import Final

OVER: Final = "('succeeded', 'failed', 'cancelled')"

_KEPT: Final = """
    select account_id, date_trunc('month', day)::date as period, cost_nano from usage_day
    where is_kept and mode = 'live'
    union all
    select account_id, period, charged_nano from statement where usage_gone
"""
"""What was charged for work whose detail is gone, by account and month."""

INVARIANTS: Final[Mapping[str, str]] = {
    "B1 every movement's legs sum to zero": """
        select transaction_id, sum(amount_nano) from ledger_entry
        group by 1 having sum(amount_nano) <> 0 or count(*) < 2
    """,
    "B1 the whole ledger sums to zero": """
        select sum(amount_nano) from ledger_entry having coalesce(sum(amount_nano), 0) <> 0
    """,
    "B2 a balance is the sum of its ledger": """
        with wallet as (
            select account as name, sum(amount_nano) as amount from ledger_entry
            where account like 'wallet:%%' group by 1)
        select coalesce(wallet.name, 'wallet:' || account.id), account.balance_nano, wallet.amount
        from account full join wallet on wallet.name = 'wallet:' || account.id
        where coalesce(account.balance_nano, 0) <> coalesce(wallet.amount, 0)
    """,
    "B2 what is held is the sum of the open holds": """
        select account.id, account.held_nano, coalesce(sum(hold.amount_nano), 0)
        from account left join credit_hold hold
            on hold.account_id = account.id and hold.state = 'held'
        group by account.id having account.held_nano <> coalesce(sum(hold.amount_nano), 0)
    """,
    "B3 no hold is open whose job is over or never was": f"""
        select hold.job_id, job.state from credit_hold hold
        left join batch_line line on line.id = hold.job_id
        left join batch on batch.id = line.batch_id
        left join job on job.id = coalesce(batch.job_id, hold.job_id)
        where hold.state = 'held' and (job.id is null or job.state in {OVER})
    """,
    "B3 a hold is settled with a charge or released without": """
        with charge as (
            select idem, sum(amount_nano) as amount from ledger_entry
            where idem like 'job:%%' and amount_nano > 0 group by 1)
        select hold.job_id, hold.state, hold.settled_nano, charge.amount
        from credit_hold hold full join charge on charge.idem = 'job:' || hold.job_id
        where hold.settled_nano <> coalesce(charge.amount, 0)
           or (hold.state = 'settled') <> (charge.amount is not null)
    """,
    "B3 charges whose hold is gone are what is kept of their usage": f"""
        with gone as (
            select substr(account, 8)::uuid as account_id, -sum(entry.amount_nano) as amount
            from ledger_entry entry left join credit_hold on idem = 'job:' || job_id
            where account like 'wallet:%%' and idem like 'job:%%' and job_id is null group by 1
        ), kept as (
            select account_id, sum(cost_nano) as amount from ({_KEPT}) as sums group by 1)
        select account_id, gone.amount, kept.amount from gone full join kept using (account_id)
        where coalesce(gone.amount, 0) <> coalesce(kept.amount, 0)
    """,
    "B4 a job is charged once": """
        select idem, count(distinct transaction_id) from ledger_entry where idem like 'job:%%'
        group by 1 having count(*) <> 2
    """,
    "B5 a charge is the sum of its usage, unless the means ended": """
        with usage as (
            select job_id, sum(cost_nano) as cost from usage_line group by 1)
        select coalesce(hold.job_id, usage.job_id), hold.settled_nano, usage.cost
        from credit_hold hold full join usage using (job_id)
        where hold.settled_nano > coalesce(usage.cost, 0)
           or coalesce(usage.cost, 0) > 0 and hold.job_id is null
           or hold.state <> 'held' and usage.cost <= hold.amount_nano
              and hold.settled_nano <> usage.cost
    """,
    "B5 what the house bears of a job is booked as its loss": """
        with borne as (
            select job_id, sum(vendor_nano) filter (where is_borne) as amount
            from usage_line group by 1
        ), booked as (
            select substr(idem, 6)::uuid as job_id, sum(amount_nano) as amount from ledger_entry
            where account = 'vendor_cost' group by 1)
        select job_id, borne.amount, booked.amount from borne left join booked using (job_id)
        where coalesce(borne.amount, 0) <> coalesce(booked.amount, 0)
    """,
    "B6 nobody has spent beyond balance and overdraft": """
        select id, balance_nano, held_nano, overdraft_nano from account
        where balance_nano - held_nano < -overdraft_nano
    """,
    "B7 a priced job that succeeded is charged, one without usage is not": """
        select hold.job_id, job.state, hold.state from credit_hold hold
        join job on job.id = hold.job_id left join usage_line line on line.job_id = job.id
        where hold.state = 'settled' and line.job_id is null
           or job.state = 'succeeded' and hold.state = 'released' and line.cost_nano > 0
    """,
    "B2 what a month has spent is what its holds were charged": f"""
        with month as (
            select account_id, credit_period.period, case when closed_at is null
                then account.spent_nano else credit_period.spent_nano end as spent
            from credit_period join account on account.id = account_id
        ), part as (
            select account_id, period, settled_nano as amount from credit_hold
            union all
            select account_id, period, cost_nano from ({_KEPT}) as sums)
        select month.account_id, month.period, month.spent, sum(part.amount)
        from month left join part using (account_id, period)
        group by 1, 2, 3 having month.spent <> coalesce(sum(part.amount), 0)
    """,
    "B2 what earlier months hold is the sum of their open holds": """
        select account.id, late_held_nano, coalesce(sum(hold.amount_nano), 0)
        from account left join credit_hold hold on hold.account_id = account.id
            and hold.state = 'held' and hold.period < account.period
        group by 1 having late_held_nano <> coalesce(sum(hold.amount_nano), 0)
    """,
    "B2 tokens that are held are those of the day's open holds": """
        select account.id, day_tokens_held, coalesce(sum(hold.tokens), 0)
        from account left join credit_hold hold on hold.account_id = account.id
            and hold.state = 'held' and hold.day = account.day
        group by 1 having day_tokens_held <> coalesce(sum(hold.tokens), 0)
    """,
    "B8 a month's credits are granted once, and expire once": """
        with moved as (
            select split_part(idem, ':', 2)::uuid as account_id,
                   split_part(idem, ':', 3)::date as period,
                   sum(amount_nano) filter (where idem like 'grant:%%') as granted,
                   -sum(amount_nano) filter (where idem like 'expire:%%') as expired
            from ledger_entry where account like 'wallet:%%' and idem ~
                '^(grant|expire):[0-9a-f-]{36}:[0-9-]{10}'
            group by 1, 2)
        select account_id, period, granted_nano, granted, expired_nano, expired
        from credit_period full join moved using (account_id, period)
        where coalesce(granted_nano, 0) <> coalesce(granted, 0)
           or coalesce(expired_nano, 0) <> coalesce(expired, 0)
    """,
    "B8 a grant is given once": """
        select idem, count(*) from ledger_entry where account like 'wallet:%%' and amount_nano > 0
        group by idem having count(*) > 1
    """,
    "B9 a day is the sum of its detail, unless it is marked": """
        with place as (
            select account_id, day from usage_line union
            select account_id, day from usage_day where not is_kept
        ), settled as (
            select place.* from place left join usage_dirty using (account_id, day)
            where day < usage_edge() and marks is null
        ), part as (
            select sums.* from settled, usage_of_detail(settled.account_id, day, day + 1) as sums
            union all
            select sums.* from settled join usage_day sums using (account_id, day)
            where not is_kept)
        select part from part group by part having count(*) <> 2
    """,
    "B9 what an account has used is what it was charged, ever": f"""
        with used as (
            select account_id, sum(cost_nano) as amount from ({_KEPT}) as sums group by 1
            union all
            select account_id, sum(coalesce(settled_nano, cost_nano))
            from usage_line left join credit_hold using (account_id, job_id)
            where mode = 'live' and not is_borne group by 1
        ), whole as (select account_id, sum(amount) as amount from used group by 1)
        select id, lifetime_nano, whole.amount from account
        left join whole on whole.account_id = account.id
        where lifetime_nano <> coalesce(whole.amount, 0)
    """,
    "B9 a statement charges what its month has spent": """
        select account_id, period, charged_nano, spent_nano, held_nano
        from statement join credit_period using (account_id, period)
        where charged_nano <> spent_nano or held_nano <> 0 or closed_at is null
    """,
    "P1 a purchase that is paid is one pair of legs, and no other is any": """
        with leg as (
            select idem, account, amount_nano from ledger_entry where idem like 'purchase:%%'),
        due as (
            select 'purchase:' || id as idem, half.account, half.amount_nano
            from purchase, lateral (
                values (case mode when 'live' then 'wallet:' else 'sandbox:' end || account_id,
                        amount_cents * 10000000),
                       ('payments:' || gateway, amount_cents * -10000000)
            ) as half (account, amount_nano)
            where status in ('succeeded', 'refunding', 'refunded'))
        select idem, account, due.amount_nano, leg.amount_nano
        from due full join leg using (idem, account)
        where due.amount_nano is distinct from leg.amount_nano
    """,
    "P2 what is given back of a purchase has been taken back": """
        with taken as (
            select split_part(idem, ':', 2) as id, -sum(amount_nano) as amount from ledger_entry
            where idem like 'refund:%%' and account not like 'payments:%%' group by 1)
        select purchase.id, taken.id, status, amount_cents, refunded_cents, taken.amount
        from purchase full join taken on taken.id = purchase.id::text
        where coalesce(refunded_cents, 0) * 10000000 <> coalesce(taken.amount, 0)
           or (status in ('refunding', 'refunded')) <> (refunded_cents = amount_cents)
    """,
    "P3 the sandbox's balance is the sum of its ledger": """
        with wallet as (
            select account as name, sum(amount_nano) as amount from ledger_entry
            where account like 'sandbox:%%' group by 1)
        select coalesce(wallet.name, 'sandbox:' || account.id), sandbox_nano, wallet.amount
        from account full join wallet on wallet.name = 'sandbox:' || account.id
        where coalesce(sandbox_nano, 0) <> coalesce(wallet.amount, 0)
    """,
    "P4 of what was moved by hand it is written who did it and why": """
        with moved as (
            select distinct idem from ledger_entry
            where idem like 'adjust:%%' or idem ~ '^refund:[^:]+(:[0-9]+)?$')
        select moved.idem, note.idem from moved full join ledger_note note using (idem)
        where moved.idem is null or note.idem is null
    """,
    "J1 a job that is over says when, and has no lease": f"""
        select id, state, finished_at, lease_until from job
        where (state in {OVER}) <> (finished_at is not null)
           or (state = 'running') <> (lease_until is not null)
    """,
    "J2 the end of a job is one event, until it is forgotten, and no other job has one": f"""
        with forgotten as (
            select least(now() - interval '30 days', min(created_at) + interval '1 minute') as until
            from event)
        select job.id, job.state, count(event.id) from job cross join forgotten
        left join event on event.once = 'job:' || job.id and event.type = 'job.' || job.state
        group by job.id, until
        having count(event.id) > (job.state in {OVER})::integer
            or count(event.id) < (job.state in {OVER})::integer
               and coalesce(job.finished_at, now()) >= until
    """,
    "J3 a lane counts the rows there are": f"""
        with counted as (
            select account_id, queue,
                   count(*) filter (where dispatched_at is not null) as in_flight,
                   count(*) filter (where dispatched_at is null) as waiting
            from job where state not in {OVER} group by 1, 2)
        select lane.account_id, lane.queue, lane.in_flight, counted.in_flight, lane.waiting,
               counted.waiting
        from lane full join counted using (account_id, queue)
        where coalesce(lane.in_flight, 0) <> coalesce(counted.in_flight, 0)
           or coalesce(lane.waiting, 0) <> coalesce(counted.waiting, 0)
    """,
}
"""Each names what must hold and selects the rows of which it does not."""

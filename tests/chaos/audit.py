"""The invariants of money and jobs, checked from the rows alone: `python -m tests.chaos.audit`.

Reads one consistent snapshot of `DATABASE_URL` and changes nothing. Prints a line an invariant;
exit code 1 when one is broken.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobs.llms.costs import charge
from jobs.llms.provider import Tokens
from models.kernel.database import Pool, open_pool
from models.kernel.settings import BadSettings, load
from models.prices import price_named

SHOWN: Final = 3

OVER: Final = "('succeeded', 'failed', 'cancelled')"

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
        where hold.job_id is null or hold.settled_nano <> coalesce(charge.amount, 0)
           or (hold.state = 'settled') <> (charge.amount is not null)
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
    "B8 a grant is given once": """
        select idem, count(*) from ledger_entry where account like 'wallet:%%' and amount_nano > 0
        group by idem having count(*) > 1
    """,
    "J1 a job that is over says when, and has no lease": f"""
        select id, state, finished_at, lease_until from job
        where (state in {OVER}) <> (finished_at is not null)
           or (state = 'running') <> (lease_until is not null)
    """,
    "J2 the end of a job is one event, and no other job has one": f"""
        select job.id, job.state, count(event.id) from job
        left join event on event.once = 'job:' || job.id and event.type = 'job.' || job.state
        group by job.id having count(event.id) <> (job.state in {OVER})::integer
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

_USED: Final = """
select job_id, step, price_id, cost_nano, estimated, tokens_in, tokens_out, tokens_cached,
    tokens_written, tokens_written_long, tokens_reasoning
from usage_line where not is_borne and not is_own_key
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant, and the rows that break it."""

    invariant: str
    breaches: list[tuple[Any, ...]]

    def __str__(self) -> str:
        if not self.breaches:
            return f"ok      {self.invariant}"
        shown = "; ".join(str(row) for row in self.breaches[:SHOWN])
        return f"BROKEN  {self.invariant}: {len(self.breaches)}, such as {shown}"


def audit(pool: Pool) -> list[Finding]:
    """Check every invariant in one snapshot that a running stack cannot move under us."""
    with pool.unit():
        pool.rows("set transaction isolation level repeatable read, read only")
        found = [Finding(name, pool.rows(sql, ())) for name, sql in INVARIANTS.items()]
        found.append(Finding("B5 a usage line costs its tokens by its price", _mispriced(pool)))
    return found


def _mispriced(pool: Pool) -> list[tuple[Any, ...]]:
    """Recompute what every line was charged from the price it names; an estimate may be less."""
    wrong = []
    for job_id, step, price_id, cost, estimated, *counts in pool.rows(_USED):
        price = price_named(price_id)
        if price is None:
            continue
        due = charge(_tokens(*counts), price).amount
        if due != cost and not (estimated and cost < due):
            wrong.append((job_id, step, price_id, cost, due))
    return wrong


def _tokens(into: int, out: int, *classes: int) -> Tokens:
    cached, written, written_long, reasoning = classes
    return Tokens(
        input=into, output=out, cached=cached, written=written, written_long=written_long,
        reasoning=reasoning,
    )  # fmt: skip


def main() -> int:
    """Audit `DATABASE_URL`; 2 when there is none."""
    try:
        settings = load()
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not settings.database_url:
        sys.stderr.write("DATABASE_URL is not set: `make audit` starts the embedded database\n")
        return 2
    pool = open_pool(settings, owner=True)
    findings = audit(pool)
    pool.close_all()
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    broken = sum(bool(finding.breaches) for finding in findings)
    sys.stdout.write(f"audit: {len(findings)} invariants, {broken} broken\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

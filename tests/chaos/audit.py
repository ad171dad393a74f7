"""The invariants of money and jobs, checked from the rows alone: `python -m tests.chaos.audit`.

Reads one consistent snapshot of `DATABASE_URL` and changes nothing. Prints a line an invariant;
exit code 1 when one is broken.
"""

import sys
from dataclasses import dataclass
from typing import Any, Final

from jobs.llms.costs import charge
from jobs.llms.provider import Tokens
from models.kernel.database import Pool, open_pool
from models.kernel.settings import BadSettings, load
from models.prices import price_named
from tests.chaos.invariants import INVARIANTS

SHOWN: Final = 3


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

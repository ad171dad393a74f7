"""Plans: what a month of each tier holds, from the catalogue to rows (B-02, B-13)."""

from dataclasses import astuple, dataclass
from typing import Final

from models.catalogue.reader import entries
from models.kernel.database import Pool

_KEEP: Final = """
insert into plan (tier, credits_nano, cost_nano, tokens_a_day, grace_hours, overdraft_nano)
values (%s, %s, %s, %s, %s, %s)
on conflict (tier) do update set
    credits_nano = excluded.credits_nano, cost_nano = excluded.cost_nano,
    tokens_a_day = excluded.tokens_a_day, grace_hours = excluded.grace_hours,
    overdraft_nano = excluded.overdraft_nano
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntry:
    """One tier's month: credits, the most it may cost, tokens a day (none: no limit), the grace."""

    credits_nano: int
    cost_nano: int | None = None
    tokens_a_day: int | None = None
    grace_hours: int = 0
    overdraft_nano: int = 0


def make_plans(pool: Pool) -> None:
    """Bring the catalogue's plans to the database, where holds are judged by them."""
    for tier, plan in entries("plans", PlanEntry).items():
        pool.rows(_KEEP, (tier, *astuple(plan)))

"""Statistics of an endpoint: what became of its deliveries, and how it stands (H-06)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.kernel.clock import Clock
from models.kernel.database import database
from models.webhook_log import OVERDUE
from models.webhooks import STATES, Webhook

OUTCOMES: Final = ("delivered", "failed", "lost")
BROKEN: Final = 5
"""Failures in a row from which on an endpoint is left alone, as `webhook_felt` has it."""

_STATES: Final = """
select state, count(*) from webhook_delivery where webhook_id = %s and created_at >= %s group by 1
"""
_OUTCOMES: Final = """
select outcome, count(*), count(distinct delivery_id),
       percentile_disc(array[0.5, 0.95, 0.99]) within group (
           order by extract(epoch from attempt.finished_at - started_at)::float8)
from webhook_attempt attempt join webhook_delivery delivery on delivery.id = delivery_id
where webhook_id = %s and delivery.created_at >= %s and outcome is not null
group by grouping sets ((outcome), ())
"""
_WAITING: Final = """
select (select min(next_attempt_at) from webhook_delivery
        where webhook_id = webhook.id and state = 'pending'),
       webhook_overdue(webhook, %s)
from webhook where id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long attempts took, in milliseconds: half of them at most so long, and so on."""

    p50: int
    p95: int
    p99: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Whether an endpoint is sent to: `closed` it is, `open` not until then, `half_open` one."""

    state: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """What is due for more than a minute, though nothing holds it up, and since when."""

    count: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Counts of deliveries since a moment by state, and of their attempts by outcome.

    Rates and durations are None where nothing was attempted.
    """

    since: datetime
    deliveries: Mapping[str, int]
    attempts: Mapping[str, int]
    success_rate: float | None
    attempts_per_delivery: float | None
    duration_ms: Durations | None
    failing_since: datetime | None
    breaker: Breaker
    overdue: Overdue
    next_attempt_at: datetime | None


def stats_of(row: Webhook, since: datetime, clock: Clock) -> Stats:
    """Return the statistics of an endpoint since a moment."""
    now = clock.now()
    states = dict(database.rows(_STATES, (row.id, since)))
    told = {each: rest for each, *rest in database.rows(_OUTCOMES, (row.id, since))}
    total, tried, spread = told.pop(None, (0, 0, None))
    breaker = breaker_of(row, now)
    ((first, late),) = database.rows(_WAITING, (now - OVERDUE, row.id))
    return Stats(
        since=since,
        deliveries={each: states.get(each, 0) for each in STATES},
        attempts={each: told.get(each, (0,))[0] for each in OUTCOMES},
        success_rate=told.get("delivered", (0,))[0] / total if total else None,
        attempts_per_delivery=total / tried if tried else None,
        duration_ms=_durations(spread),
        failing_since=row.failing_since,
        breaker=breaker,
        overdue=Overdue(count=late, oldest_at=first if late else None),
        next_attempt_at=max(first, row.open_until) if first and row.is_enabled else None,
    )


def breaker_of(row: Webhook, now: datetime) -> Breaker:
    """Return how an endpoint is sent to now."""
    if row.open_until > now:
        return Breaker(state="open", until=row.open_until)
    return Breaker(state="half_open" if row.failures >= BROKEN else "closed", until=None)


def _durations(spread: list[float | None] | None) -> Durations | None:
    if spread is None or None in spread:
        return None
    p50, p95, p99 = (round(1_000 * (seconds or 0.0)) for seconds in spread)
    return Durations(p50=p50, p95=p95, p99=p99)

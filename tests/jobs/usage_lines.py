"""Lines of usage, and what is told of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from jobs.schedules.pulse import Pulse
from jobs.usage_rollup import roll_up
from models.billing import Whose
from models.kernel.clock import SystemClock
from models.kernel.database import database
from models.kernel.ids import new_id
from models.usage import usage
from tests import factories

OLD = datetime.now(UTC).date() - timedelta(days=100)

Told = tuple[int, int, int, int]


def today() -> date:
    """Return the day that it is to the database: the same all through a transaction."""
    ((day,),) = database.rows("select billing_day()")
    return day


def line(who: UUID, day: date, cost: int = 5, **given: Any) -> None:
    """Write what a call used, charged less than it cost when `charged` says so."""
    job_id = new_id()
    charged = given.pop("charged", None)
    if charged is not None:
        state = "settled" if charged else "released"
        factories.hold(
            who, job_id=job_id, amount_nano=cost + 1, settled_nano=charged, state=state, day=day
        )
    factories.usage_line(
        who, job_id=job_id, day=day, cost_nano=cost, vendor="v", **{"tokens_in": 3, **given}
    )


def add_up() -> int:
    """Add up what there is, as a schedule would."""
    return roll_up(Pulse(SystemClock(), 600))


def told(who: UUID, start: date, end: date, mode: str = "live") -> Told:
    found = usage(Whose(account_id=who, mode=mode), start, end).total
    return found.calls, found.tokens_in, found.tokens_out, found.cost.amount


def on(who: UUID, day: date) -> Told:
    return told(who, day, day + timedelta(days=1))

"""Usage is added up by day, and its detail forgotten when it is old (B-12, Z-05).

Any number of schedulers may do so at once, on the database's clock: see `models/sql/usage.sql`.
"""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from jobs.schedules.pulse import Pulse
from models.kernel.database import database
from models.kernel.logs import get_logger
from models.kernel.settings import Settings

AT_ONCE: Final = 200
MOST_JOBS: Final = 2_000
FRESH_DAYS: Final = 2
"""Today, and so many days before, are added up whether they are marked or not."""

_SPAN: Final = """
select coalesce(
    (select through from usage_rolled), (select min(day) from usage_line), billing_day()
), billing_day()
"""
_DIRTY: Final = """
select account_id, day from usage_dirty where (account_id, day) > (%s, %s)
order by account_id, day limit %s
"""
_UNROLLED: Final = "select * from usage_unrolled(%s, %s, %s)"
_ROLL: Final = "select usage_roll(%s, %s)"
_THROUGH: Final = "select usage_through(%s)"
_OLD: Final = "select * from usage_old(%s, %s)"
_RETIRE: Final = "select usage_retire(%s, %s, %s, %s)"
_FORGET_HOLDS: Final = "select holds_forget(%s, %s)"

log = get_logger(__name__)


def roll_up(pulse: Pulse) -> int:
    """Add up the days since the last time, and those whose detail has changed; count them.

    Each day of an account is gone to once: what is used meanwhile is left for the next time.
    """
    ((through, today),) = database.rows(_SPAN)
    fresh_from = today - timedelta(days=FRESH_DAYS)
    rolled, day = 0, min(through, fresh_from)
    while day <= today:
        rolled += _roll_day(day, pulse)
        day += timedelta(days=1)
    database.rows(_THROUGH, (fresh_from,))
    late = _roll_late(pulse)
    if rolled or late:
        log.info("usage.rolled", days=rolled, late=late)
    return rolled + late


def forget_detail(settings: Settings) -> int:
    """Delete some detail of days that are older than it is kept, and their holds; count rows.

    A day whose sums are not what its detail adds up to is left as it is, and logged.
    """
    gone = 0
    for account_id, day in database.rows(_OLD, (settings.usage_days, AT_ONCE)):
        ((removed,),) = database.rows(_RETIRE, (account_id, day, settings.usage_days, MOST_JOBS))
        if removed is None:
            log.error("usage.differs", account_id=str(account_id), day=day.isoformat())
        gone += removed or 0
    ((holds,),) = database.rows(_FORGET_HOLDS, (settings.usage_days, MOST_JOBS))
    if gone or holds:
        log.info("usage.forgotten", lines=gone, holds=holds)
    return gone + int(holds)


def _roll_day(day: date, pulse: Pulse) -> int:
    """Add up a day of every account that has new detail of it."""
    rolled, after = 0, UUID(int=0)
    while found := database.rows(_UNROLLED, (day, after, AT_ONCE)):
        for (account_id,) in found:
            database.rows(_ROLL, (account_id, day))
        rolled, after = rolled + len(found), found[-1][0]
        pulse.check()
    return rolled


def _roll_late(pulse: Pulse) -> int:
    """Add up the days that are marked."""
    rolled, after = 0, (UUID(int=0), date.min)
    while found := database.rows(_DIRTY, (*after, AT_ONCE)):
        for place in found:
            database.rows(_ROLL, place)
        rolled, after = rolled + len(found), found[-1]
        pulse.check()
    return rolled

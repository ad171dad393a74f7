"""Schedules as operators see them: when they ran, how it ended, when they are due; and by hand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs.audit import Actor, Deed, note
from jobs.schedules.calendar import Schedule, schedules
from jobs.schedules.pulse import Pulse
from models import schedules as runs
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, NotFound
from models.schedules import RUNNING, ScheduledRun

ASKED: Final = "schedule.asked"

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One schedule: its calendar, its last run, its last success, the next slot."""

    name: str
    calendar: Schedule
    last_run: ScheduledRun | None
    succeeded_at: datetime | None
    next_at: datetime

    @property
    def is_running(self) -> bool:
        """Whether a process carries it out at this moment."""
        return self.last_run is not None and self.last_run.status == RUNNING


def overviews() -> list[Overview]:
    """Return every schedule, by name."""
    known = schedules()
    healths = runs.healths(sorted(known))
    return [
        Overview(
            name=stand.name,
            calendar=known[stand.name],
            last_run=ScheduledRun.listed(stand.name).first(),
            succeeded_at=healths[stand.name].succeeded_at if stand.name in healths else None,
            next_at=known[stand.name].next(stand.now),
        )
        for stand in runs.stands(sorted(known))
    ]


def known_schedule(name: str) -> str:
    """Return the name of a schedule; raise `NotFound` for one there is none of."""
    if name not in schedules():
        raise NotFound(f"there is no schedule called {name[:60]}")
    return name


def run_by_hand(name: str, actor: Actor, clock: Clock) -> ScheduledRun:
    """Ask for a run now, which the next scheduler that comes by takes up, and write down who did.

    Raises `NotFound`, and `Conflict` while a run of it is open.
    """
    with database.unit():
        slot = runs.ask(known_schedule(name), actor.person_id)
        if slot is None:
            raise Conflict(f"a run of {name} is open already")
        note(Deed(action=ASKED, details={"schedule": name}), actor, clock)
    asked: ScheduledRun = ScheduledRun.listed(name).where(ScheduledRun.slot == slot).get()
    return asked


def forget_runs(days: int, pulse: Pulse) -> str:
    """Forget runs that ended so long ago, some at a time; say how many in words."""
    total = found = runs.forget_runs(days, _AT_ONCE)
    while found == _AT_ONCE:
        pulse.check()
        found = runs.forget_runs(days, _AT_ONCE)
        total += found
    return f"forgot {total} runs"

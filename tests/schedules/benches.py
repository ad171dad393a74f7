"""Schedulers of one process, and a work that waits until it is let go."""

from collections.abc import Callable
from threading import Event

from jobs.schedules.pulse import Pulse
from models.kernel.database import Pool
from schedules.rounds import Rounds
from tests.processes import until

Scheduler = Callable[..., Rounds]


class Bench:
    """A work that waits until it is let go; `times` says how often it was begun."""

    def __init__(self) -> None:
        self.times = 0
        self.begun = Event()
        self.goes_on = Event()

    def __call__(self, pulse: Pulse) -> str:
        self.times += 1
        self.begun.set()
        while not self.goes_on.wait(0.01):
            pulse.check()
        return "done"


def done(rounds: Rounds) -> None:
    """Wait until a scheduler has nothing to do any more."""
    until(lambda: rounds.is_idle, "a run does not end")


def went(rounds: Rounds) -> int:
    """Go round once, and wait for what was begun."""
    begun = rounds.round()
    done(rounds)
    return begun


def lose_all(database: Pool) -> None:
    """Let every lease be over, as if its process had died."""
    database.rows("update scheduled_run set lease_until = now() - interval '1 second'")

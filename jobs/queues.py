"""Queues as operators see them: how much is in them, how old it is, and whether they are paused."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.catalogue.queues import queues
from models.kernel.database import database
from models.kernel.errors import NotFound

_COUNTS: Final = """
select queue,
       count(*) filter (where state = 'queued' and run_at <= now()),
       count(*) filter (where state = 'queued' and run_at > now()),
       count(*) filter (where state = 'running'),
       min(created_at) filter (where state = 'queued' and run_at <= now())
from job where state in ('queued', 'running') group by queue
"""
_PAUSED: Final = "select queue from queue_control where paused"
_PAUSE: Final = """
insert into queue_control (queue, paused) values (%s, %s)
on conflict (queue) do update set paused = excluded.paused, changed_at = now()
"""
_SOON: Final = """
update job set resend_at = now() where queue = %s and state = 'queued' and dispatched_at is not null
"""


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue: jobs that are due, that wait to be tried again, that run."""

    name: str
    paused: bool
    queued: int = 0
    waiting: int = 0
    running: int = 0
    oldest_queued_at: datetime | None = None


def states() -> list[QueueState]:
    """Return every queue, by name."""
    paused = {name for (name,) in database.rows(_PAUSED)}
    counts = {row[0]: row[1:] for row in database.rows(_COUNTS)}
    return [QueueState(name, name in paused, *counts.get(name, ())) for name in sorted(queues())]


def pause(name: str) -> QueueState:
    """Let no job of a queue start any more; what runs goes on, what comes is accepted.

    Raises `NotFound` for a queue there is none of.
    """
    return _set(name, is_paused=True)


def resume(name: str) -> QueueState:
    """Let a queue's jobs start again: their messages are sent anew within seconds."""
    state = _set(name, is_paused=False)
    database.rows(_SOON, (name,))
    return state


def _set(name: str, *, is_paused: bool) -> QueueState:
    if name not in queues():
        raise NotFound(f"there is no queue called {name[:60]}")
    database.rows(_PAUSE, (name, is_paused))
    return next(state for state in states() if state.name == name)

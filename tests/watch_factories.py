"""Factories of what the scheduler keeps: alerts, and runs of schedules."""

from typing import Any

from models.alerts import Alert
from models.kernel.clock import SystemClock
from models.schedules import ScheduledRun
from tests.making import made


def alert(**given: Any) -> Alert:
    """A queue that has been old for a while, of which nobody was told."""
    usual = {
        "name": "IlmQueueOld",
        "subject": "llm",
        "severity": "page",
        "words": "llm: a job is due for 90 s",
        "began_at": SystemClock().now(),
    }
    return made(Alert, {**usual, **given})


def scheduled_run(**given: Any) -> ScheduledRun:
    """A run of a schedule that ended well."""
    now = SystemClock().now()
    usual = {
        "name": "chats",
        "slot": now,
        "attempts": 1,
        "worker": "a scheduler",
        "started_at": now,
        "finished_at": now,
        "outcome": "succeeded",
    }
    values = {**usual, **given}
    ScheduledRun.create(**values)
    fresh: ScheduledRun = ScheduledRun.get_by_id((values["name"], values["slot"]))
    return fresh

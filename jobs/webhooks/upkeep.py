"""Upkeep: endpoints that fail are told of and then disabled, and what was deleted goes (H-05)."""

from datetime import timedelta
from typing import Final

from jobs.queue import Queue
from jobs.schedules.pulse import Pulse
from jobs.webhooks.letters import ask_letters
from models.kernel.database import database
from models.kernel.logs import get_logger

WARN_AFTER: Final = timedelta(days=1)
DISABLE_AFTER: Final = timedelta(days=5)
AT_ONCE: Final = 1_000

_FAILING: Final = "select webhooks_failing(%s, %s, %s)"
_PURGE: Final = "select webhooks_purge(%s)"

log = get_logger(__name__)


def look_after(queue: Queue, pulse: Pulse) -> str:
    """Do all of it, some at a time; say what was done. Any number may do so at once."""
    done: list[str] = []
    for words, step in (
        ("{} fail", heed_failing),
        ("asked for {} letters", lambda: ask_letters(queue)),
        ("purged {} rows", purge_webhooks),
    ):
        total = 0
        while count := step():
            total += count
            pulse.check()
        done.append(words.format(total))
    return ", ".join(done)


def heed_failing() -> int:
    """Tell of endpoints where nothing has arrived for a day, and disable some; count both.

    Disabled are those that have failed from an attempt to another more than five days later.
    """
    ((count,),) = database.rows(_FAILING, (WARN_AFTER, DISABLE_AFTER, AT_ONCE))
    if count:
        log.info("webhooks.failing", count=count)
    return int(count)


def purge_webhooks() -> int:
    """Remove some of what is left of endpoints that were deleted, deliveries first; count it."""
    ((count,),) = database.rows(_PURGE, (AT_ONCE,))
    return int(count)

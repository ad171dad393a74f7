"""Purging: what was deleted of chats and responses is gone for good after its time (X-16).

Messages go, and with them what their jobs keep of the answers; of a response that is forgotten what
its job keeps of the question, too. What they cost stays in the books.
"""

from typing import Final

from jobs.schedules.pulse import Pulse
from models.kernel.database import database
from models.kernel.logs import get_logger

AT_ONCE: Final = 100

_PURGE_CHATS: Final = """
with gone as (
    select id from chat where deleted_at < now() - make_interval(days => %s)
    order by deleted_at limit %s for update skip locked
), emptied as (
    update job set result = null
    where id in (select job_id from message join gone on chat_id = gone.id)
)
delete from chat where id in (select id from gone) returning id
"""
_PURGE_MESSAGES: Final = """
with gone as (
    select id, job_id from message where deleted_at < now() - make_interval(days => %s)
    order by place desc limit %s for update skip locked
), emptied as (
    update job set result = null where id in (select job_id from gone)
)
delete from message where id in (select id from gone) returning id
"""
"""From the latest back: whatever follows a message was deleted with it, and goes before it."""

_PURGE_RESPONSES: Final = """
with gone as (
    select job_id from forgotten_answer
    where purged_at is null and forgotten_at < now() - make_interval(days => %s)
    and not exists (select from job where id = job_id and state in ('queued', 'running'))
    order by forgotten_at limit %s for update skip locked
), emptied as (
    update job set input = '{}', result = null where id in (select job_id from gone)
)
update forgotten_answer set purged_at = now() where job_id in (select job_id from gone)
returning job_id
"""

log = get_logger(__name__)


def purge(days: int, pulse: Pulse) -> int:
    """Purge the chats, messages and responses that were deleted so long ago; return how many.

    Any number of schedulers may do so at once: each row goes once.
    """
    statements = (_PURGE_CHATS, _PURGE_MESSAGES, _PURGE_RESPONSES)
    purged = sum(_emptied(statement, days, pulse) for statement in statements)
    if purged:
        log.info("chats.purged", count=purged)
    return purged


def _emptied(statement: str, days: int, pulse: Pulse) -> int:
    """Repeat a statement until it finds no more than one time can take."""
    total = found = len(database.rows(statement, (days, AT_ONCE)))
    while found == AT_ONCE:
        pulse.check()
        found = len(database.rows(statement, (days, AT_ONCE)))
        total += found
    return total

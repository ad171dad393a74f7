"""Erasure: what was a person's goes for good when their grace is over (A-33, Z-05, X-16).

The books of account stay whole: ledger, holds and usage name an account whose person is a
tombstone, without a name and an address, and so does the record of what was done to them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from jobs.departures import DELETED
from jobs.job import Job
from jobs.mail import HOUSE
from jobs.queue import Queue, Wishes
from jobs.run import Outcome, Run
from jobs.shredding import STEPS, Shredder
from models.accounts import Person
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.logs import get_logger
from models.people import AuditEntry

PURGED: Final = "user.purged"
TOMBSTONE: Final = "Deleted user"

_AT_ONCE: Final = 200
_DUE: Final = """
select id from person where purge_at <= now() and purged_at is null and status = %s
order by purge_at limit %s
"""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PurgePerson(Job):
    """Remove what was a person's."""

    name: ClassVar[str] = "person.purge"
    queue: ClassVar[str] = "default"

    person_id: UUID

    @property
    def subject(self) -> UUID:
        """The person."""
        return self.person_id


def purge_leavers(queue: Queue, clock: Clock) -> int:
    """Queue the purge of everybody whose grace is over; return how many are due.

    Any number of schedulers may do so at once: a purge is asked for once an hour.
    """
    due = database.rows(_DUE, (DELETED, _AT_ONCE))
    for (person_id,) in due:
        ask_for_purge(person_id, queue, clock)
    return len(due)


def ask_for_purge(person_id: UUID, queue: Queue, clock: Clock) -> None:
    """Queue the purge of somebody whose grace is over, once an hour and one at a time."""
    if not JobRow.open_about(person_id):
        key = f"purge:{person_id.hex}:{clock.now():%Y%m%d%H}"
        once = Wishes(idempotency_key=key, fingerprint=person_id.bytes)
        queue.put(PurgePerson(person_id), HOUSE, once)


def purge_person(job: PurgePerson, tools: Shredder, run: Run) -> Outcome:
    """Remove what was a person's, step by step; who came back, or is purged, is left alone.

    Raises `Unavailable` while something of theirs still runs: a later try finds it ended.
    """
    now = tools.clock.now()
    person = Person.by_id(job.person_id)
    if person is None or not _is_due(person, now):
        return Outcome({"purged": False})
    for step in STEPS:
        for _ in step(person, tools):
            run.check()
    _bury(person, now)
    log.info("person.purged", user_id=str(person.id))
    return Outcome({"purged": True})


def _is_due(person: Person, now: datetime) -> bool:
    is_over = person.purge_at is not None and person.purge_at <= now
    return bool(is_over and person.status == DELETED and person.purged_at is None)


def _bury(person: Person, now: datetime) -> None:
    """Leave a tombstone, and write down that it was done."""
    person.email = f"{person.id.hex}@deleted.invalid"
    person.name, person.password_hash, person.ai_preferences = TOMBSTONE, "", {}
    person.role, person.email_verified_at, person.last_login_at = "user", None, None
    person.avatar = None
    person.purged_at = person.updated_at = now
    with database.unit():
        person.save()
        AuditEntry.create(
            account_id=person.account_id,
            person_id=person.id,
            actor_id=person.id,
            action=PURGED,
            created_at=now,
        )

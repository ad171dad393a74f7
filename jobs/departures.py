"""Departures: access that ends at once, and the days in which it can be given back (A-33, Z-05).

What is purged afterwards, and how, is in `jobs/erasure.py`.
"""

from datetime import timedelta
from typing import Final

from models.accounts import ApiKey, Person
from models.kernel.clock import Clock
from models.kernel.errors import Conflict
from models.logins import LoginSession
from models.oauth import Authorization

DELETED: Final = "deleted"
GRACE: Final = timedelta(days=14)
NO_GRACE: Final = timedelta(minutes=-1)
"""Over by the clock of every machine, though they differ."""


def depart(person: Person, clock: Clock, grace: timedelta = GRACE) -> None:
    """End a person's access, and set the day of their purge; in a transaction of the caller's."""
    now = clock.now()
    person.status, person.purge_at, person.updated_at = DELETED, now + grace, now
    person.save(only=[Person.status, Person.purge_at, Person.updated_at])
    mine = (ApiKey.user == person.id) & ApiKey.revoked_at.is_null()
    ApiKey.update(revoked_at=now).where(mine).execute()
    LoginSession.end(LoginSession.user == person.id, "revoked", now)
    Authorization.end(Authorization.user == person.id, "revoked", now)


def come_back(person: Person) -> None:
    """Call the purge off; raise `Conflict` when there is nothing left to come back to.

    Keys, logins and what apps were authorized for stay ended: they are made anew.
    """
    if person.purged_at is not None:
        raise Conflict("what was this user's has been purged")
    person.purge_at = None
    person.save(only=[Person.purge_at])

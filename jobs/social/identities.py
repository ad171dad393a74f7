"""Identities: who somebody is elsewhere, listed and unlinked by themselves (A-16)."""

from uuid import UUID

from jobs.audit import Actor, Deed, note
from jobs.passwords import NO_PASSWORD
from models.accounts import Person
from models.issuers import Identity
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, NotFound


def unlink(identity_id: UUID, person_id: UUID, request_id: str | None, clock: Clock) -> None:
    """Forget who somebody is elsewhere, at once.

    Raises `NotFound` for another's, and `Conflict` for the last way in of who has no password.
    """
    with database.unit():
        person = Person.select().where(Person.id == person_id).for_update().get()
        mine = Identity.of_person(person_id)
        identity = mine.where(Identity.id == identity_id).first()
        if identity is None:
            raise NotFound("there is no such identity")
        if person.password_hash == NO_PASSWORD and mine.count() == 1:
            raise Conflict("this is the last way in: choose a password first")
        Identity.delete().where(Identity.id == identity.id).execute()
        themselves = Actor(person_id=person.id, permissions=frozenset(), request_id=request_id)
        unlinked = Deed(action="identity.unlinked", details={"source": identity.source})
        note(unlinked, themselves, clock)

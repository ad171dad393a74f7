"""Leaving: a person deletes their own account (A-33).

A password shows that it is they, or, where there is one, a second factor shown a short while ago.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from jobs import passwords
from jobs.attempts import LOCKED, OK, WRONG, Attempt, Origin, record
from jobs.departures import GRACE, depart
from jobs.factors import Bearer
from jobs.guessing import guarded, subject_of
from jobs.people import hold_roles, refuse_last_super_admin
from models.accounts import Person
from models.factors import Factor
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.denials import AccountLocked, StepUpRequired
from models.kernel.errors import Conflict, Unauthorized
from models.organizations import OWNER, Membership, Organization
from models.people import AuditEntry

LEFT: Final = "user.left"


def leave(
    bearer: Bearer, password: str, origin: Origin, clock: Clock, *, grace: timedelta = GRACE
) -> Person:
    """End a person's access at once; they are purged when the grace is over.

    Without any grace nobody brings them back: it is a request for erasure (X-16, Z-05).

    Raises `StepUpRequired` to who has a factor and has not shown it lately, `Unauthorized` for a
    wrong password and `AccountLocked` after five, `Conflict` to the last super_admin, and to the
    last owner of an organization.
    """
    person = Person.get_by_id(bearer.person_id)
    if not Factor.is_enrolled(person.id):
        _recognize(person, password, origin, clock)
    elif not bearer.is_stepped_up:
        raise StepUpRequired
    with database.unit():
        hold_roles()
        refuse_last_super_admin(person)
        _refuse_last_owner(person)
        depart(person, clock, grace)
        AuditEntry.create(
            account_id=person.account_id,
            person_id=person.id,
            actor_id=person.id,
            action=LEFT,
            request_id=origin.request_id,
            created_at=clock.now(),
        )
    return person


def _refuse_last_owner(person: Person) -> None:
    for organization in Organization.of(person.id).where(Membership.role == OWNER):
        Organization.lock(organization.id)
        if not Membership.owners_beside(organization.id, person.id):
            raise Conflict(
                "you are the last owner of an organization: make another one, or delete it first"
            )


def _recognize(person: Person, password: str, origin: Origin, clock: Clock) -> None:
    """Check the password, counted by itself: wrong ones here lock nobody out of logging in."""
    attempt = Attempt(action="delete_account", outcome=OK, person_id=person.id)
    try:
        fits = guarded(
            subject_of("leave", str(person.id)),
            lambda: passwords.matches(password, person.password_hash) or None,
            clock,
        )
    except AccountLocked:
        record(replace(attempt, outcome=LOCKED), origin, clock)
        raise
    record(replace(attempt, outcome=OK if fits else WRONG), origin, clock)
    if not fits:
        raise Unauthorized("the password is wrong")

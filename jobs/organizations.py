"""Organizations: made, named, handed over and closed (A-26).

Who is not in one does not learn that it exists. What changes who may do what happens under a lock
on the organization's row, so that the rules are asked about what then holds.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from jobs.audit import Actor, Deed, note
from jobs.queue import Queue
from models.accounts import Account, ApiKey, Person
from models.books import Book
from models.factors import Factor
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.denials import StepUpRequired
from models.kernel.errors import Conflict, InsufficientPermissions, NotFound
from models.kernel.ids import new_id
from models.organizations import (
    ADMIN,
    OWNER,
    VIEWER,
    Invitation,
    Membership,
    MemberStanding,
    Organization,
    rank,
)

KIND: Final = "organization"
PREPAID: Final = "enterprise"
MOST_OWNED: Final = 20

_LOCK_PERSON: Final = "select 1 from person where id = %s for update"
_OWN: Final = (
    "select count(*) from membership join organization on organization.id = account_id"
    " where user_id = %s and role = 'owner' and deleted_at is null"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Insider:
    """Somebody in an organization, as who changes it; `is_stepped_up` as of their credential."""

    actor: Actor
    account_id: UUID
    is_stepped_up: bool = False

    @property
    def person_id(self) -> UUID:
        """Who it is."""
        return self.actor.person_id

    def standing(self, least: str = VIEWER) -> MemberStanding:
        """Return what they are there now.

        Raises `NotFound` for who is no member, `InsufficientPermissions` for less than `least`.
        """
        found = MemberStanding.of(self.account_id, self.person_id)
        if found is None:
            raise NotFound("there is no such organization")
        if rank(found.role) < rank(least):
            raise InsufficientPermissions(f"this is for who is {least} of the organization")
        return found

    def locked(self, least: str = ADMIN) -> MemberStanding:
        """Return it as `standing` does, and let nobody else change the organization meanwhile."""
        Organization.lock(self.account_id)
        return self.standing(least)

    def note(self, action: str, clock: Clock, person_id: UUID | None = None, **told: Any) -> None:
        """Write down what they did, to somebody or to the organization."""
        deed = Deed(
            action=f"organization.{action}",
            details=told,
            person_id=person_id,
            account_id=self.account_id,
        )
        note(deed, self.actor, clock)


def refuse_above(standing: MemberStanding, *roles: str) -> None:
    """Raise `InsufficientPermissions` for a role as high as one's own; owners are over all."""
    if standing.role != OWNER and any(rank(role) >= rank(standing.role) for role in roles):
        raise InsufficientPermissions("this is for who stands higher in the organization")


def make_organization(name: str, founder: Actor, clock: Clock) -> Organization:
    """Make an organization with an account of its own, whose owner is who makes it.

    Raises `Conflict` for who owns too many.
    """
    now = clock.now()
    with database.unit():
        database.rows(_LOCK_PERSON, (founder.person_id,))
        ((owned,),) = database.rows(_OWN, (founder.person_id,))
        if owned >= MOST_OWNED:
            raise Conflict(f"you own {MOST_OWNED} organizations already")
        account = Account.create(id=new_id(), kind=KIND, tier=PREPAID, created_at=now)
        made = Organization.create(id=account.id, name=name, created_at=now, updated_at=now)
        Membership.create(account_id=account.id, user=founder.person_id, role=OWNER, created_at=now)
        insider = Insider(actor=founder, account_id=account.id)
        insider.note("created", clock, name=name)
    return made


def organization(insider: Insider) -> tuple[Organization, MemberStanding]:
    """Return an organization, and what somebody is in it; raise `NotFound` for who is not."""
    standing = insider.standing()
    return Organization.get_by_id(insider.account_id), standing


def rename(insider: Insider, name: str, clock: Clock) -> None:
    """Call an organization otherwise; for its admins."""
    with database.unit():
        insider.locked(ADMIN)
        now = clock.now()
        it = Organization.id == insider.account_id
        Organization.update(name=name, updated_at=now).where(it).execute()
        insider.note("renamed", clock, name=name)


def hand_over(insider: Insider, user_id: UUID, clock: Clock) -> None:
    """Make another member the owner in one's place, and be an admin from then on.

    Raises `NotFound` for who is no member, `Conflict` for oneself or somebody who cannot log in,
    `StepUpRequired` for who has a second factor and has not shown it.
    """
    _refuse_strangers(insider)
    with database.unit():
        insider.locked(OWNER)
        if user_id == insider.person_id:
            raise Conflict("you are the owner already")
        heir = MemberStanding.of(insider.account_id, user_id)
        if heir is None:
            raise NotFound("there is no such member")
        if not Person.get_by_id(user_id).is_active:
            raise Conflict("this member cannot log in")
        Membership.give(insider.account_id, user_id, OWNER)
        Membership.give(insider.account_id, insider.person_id, ADMIN)
        insider.note("handed_over", clock, user_id)


def close(insider: Insider, queue: Queue, clock: Clock) -> None:
    """End an organization: at once nobody is in it, its keys are revoked, its books deleted.

    What it has under way is cancelled. Raises `StepUpRequired` for an owner who has a second factor
    and has not shown it.
    """
    _refuse_strangers(insider)
    with database.unit():
        insider.locked(OWNER)
        now, account_id = clock.now(), insider.account_id
        Organization.update(deleted_at=now).where(Organization.id == account_id).execute()
        keys = (ApiKey.account == account_id) & ApiKey.revoked_at.is_null()
        ApiKey.update(revoked_at=now).where(keys).execute()
        books = (Book.account_id == account_id) & Book.deleted_at.is_null()
        Book.update(deleted_at=now).where(books).execute()
        Invitation.withdraw(Invitation.account_id == account_id, now)
        insider.note("deleted", clock)
    for row in JobRow.under_way(insider.account_id):
        queue.cancel(row)


def _refuse_strangers(insider: Insider) -> None:
    insider.standing(OWNER)
    if not insider.is_stepped_up and Factor.is_enrolled(insider.person_id):
        raise StepUpRequired

"""Invitations into an organization, by mail (A-26).

What the mail carries is an HMAC of the invitation's id, made when it is sent: no row and no message
holds it, only its digest is kept. It is good once, for a week, and only for whoever logs in with
the address it was sent to.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from jobs.attempts import OK, WRONG, Attempt, Origin, record
from jobs.audit import Actor
from jobs.guessing import is_spent, subject_of
from jobs.job import Job
from jobs.mail import Mail, Mailroom, PostOffice, letters
from jobs.members import MOST_MEMBERS
from jobs.organizations import Insider, refuse_above
from jobs.run import Outcome, Run
from models.accounts import Person
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import (
    Conflict,
    Detail,
    DuplicateResource,
    InsufficientPermissions,
    Invalid,
    NotFound,
    RateLimitExceeded,
)
from models.kernel.ids import new_id
from models.kernel.secrets import Secrets
from models.organizations import (
    ADMIN,
    Invitation,
    Membership,
    MemberStanding,
    Organization,
    rank,
)

GOOD_FOR: Final = timedelta(days=7)
MOST_OPEN: Final = 100
ACTION: Final = "accept_invitation"
LETTER: Final = "invitation"

_LATER: Final = 900


@dataclass(frozen=True, slots=True)
class SendInvitation(Job):
    """Send the mail of an invitation, unless it has been withdrawn."""

    name: ClassVar[str] = "mail.invite"
    queue: ClassVar[str] = "mail"

    invitation_id: UUID


class Tokens:
    """What the mails of invitations carry, and its digests."""

    def __init__(self, secrets: Secrets) -> None:
        """Take the house's secret."""
        self._texts = secrets.derive("invitation-texts")
        self._digests = secrets.derive("invitation-digests")

    def text(self, invitation_id: UUID) -> str:
        """Return what the mail of an invitation carries, the same each time."""
        mac = hmac.digest(self._texts, invitation_id.bytes, "sha256")
        return urlsafe_b64encode(mac).decode().rstrip("=")

    def digest(self, text: str) -> bytes:
        """Return what is kept of it."""
        return hmac.digest(self._digests, text.encode("utf-8", "surrogatepass"), "sha256")


class Invitations:
    """Invites people and lets them in."""

    def __init__(self, tokens: Tokens, mailroom: Mailroom, clock: Clock) -> None:
        """Take what makes tokens, what posts letters, and the time."""
        self._tokens = tokens
        self._mailroom = mailroom
        self._clock = clock

    def invite(self, insider: Insider, email: str, role: str) -> Invitation:
        """Invite an address; an open invitation to it is replaced.

        Raises `InsufficientPermissions` for a role not below the actor's, `DuplicateResource` for
        a member, `Conflict` when too many are open, `RateLimitExceeded` for an address that was
        invited five times a short while ago.
        """
        with database.unit():
            refuse_above(insider.locked(), role)
            invitation = self._written(insider, email, role)
            insider.note("invited", self._clock, invitation_id=invitation.id.hex, role=role)
        self._mailroom.send(SendInvitation(invitation.id), LETTER)
        return invitation

    def withdraw(self, insider: Insider, invitation_id: UUID) -> None:
        """Let an invitation count no more; raise `NotFound` for one that does not any way."""
        with database.unit():
            standing = insider.locked()
            now = self._clock.now()
            mine = Invitation.open_of(insider.account_id, now)
            found = mine.where(Invitation.id == invitation_id).first()
            if found is None:
                raise NotFound("there is no such invitation")
            refuse_above(standing, found.role)
            Invitation.withdraw(Invitation.id == invitation_id, now)
            insider.note("invitation_withdrawn", self._clock, invitation_id=invitation_id.hex)

    def accept(self, token: str, actor: Actor, origin: Origin) -> Organization:
        """Become a member by what a mail carried; return the organization.

        Raises `Invalid` for a token that is wrong, was used or withdrawn, has expired, or was sent
        to another address; `Conflict` for a member, and where there are too many.
        """
        person = Person.get_by_id(actor.person_id)
        try:
            with database.unit():
                joined = self._joined(token, person, actor)
        except Invalid:
            record(Attempt(action=ACTION, outcome=WRONG, person_id=person.id), origin, self._clock)
            raise
        record(Attempt(action=ACTION, outcome=OK, person_id=person.id), origin, self._clock)
        return joined

    def _joined(self, token: str, person: Person, actor: Actor) -> Organization:
        now, digest = self._clock.now(), self._tokens.digest(token)
        account_id = Invitation.inviter(digest)
        if account_id is not None:
            Organization.lock(account_id)
        accepted = Invitation.accept(digest, person.email, now)
        if account_id is None or accepted is None:
            raise _no_good()
        role, inviter_id = accepted
        _check_inviter(account_id, inviter_id, role)
        members = Membership.of(account_id)
        if members.where(Membership.user == person.id).exists():
            raise Conflict("you are a member already")
        if Membership.of(account_id).count() >= MOST_MEMBERS:
            raise Conflict(f"the organization has {MOST_MEMBERS} members already")
        Membership.create(account_id=account_id, user=person.id, role=role, created_at=now)
        insider = Insider(actor=actor, account_id=account_id)
        insider.note("joined", self._clock, person.id, role=role)
        joined: Organization = Organization.get_by_id(account_id)
        return joined

    def _written(self, insider: Insider, email: str, role: str) -> Invitation:
        now, account_id = self._clock.now(), insider.account_id
        if Membership.of(account_id).where(Person.email == email).exists():
            raise DuplicateResource("this is the address of a member already")
        if Invitation.open_of(account_id, now).count() >= MOST_OPEN:
            raise Conflict(f"{MOST_OPEN} invitations are open already: withdraw some first")
        if is_spent(subject_of(LETTER, email), self._clock):
            raise RateLimitExceeded("this address has had enough letters", retry_after=_LATER)
        same = (Invitation.account_id == account_id) & (Invitation.email == email)
        Invitation.withdraw(same, now)
        invitation_id = new_id()
        made: Invitation = Invitation.create(
            id=invitation_id,
            account_id=account_id,
            email=email,
            role=role,
            digest=self._tokens.digest(self._tokens.text(invitation_id)),
            invited_by=insider.person_id,
            created_at=now,
            expires_at=now + GOOD_FOR,
        )
        return made


def _check_inviter(account_id: UUID, inviter_id: UUID, role: str) -> None:
    """Refuse what its sender, whose role is another by now, could not give any more."""
    standing = MemberStanding.of(account_id, inviter_id)
    if standing is None or rank(standing.role) < rank(ADMIN):
        raise _no_good()
    try:
        refuse_above(standing, role)
    except InsufficientPermissions as error:
        raise _no_good() from error


def _no_good() -> Invalid:
    return Invalid(details=[Detail("token", "is not good, or not for your address")])


def send_invitation(
    job: SendInvitation, office: PostOffice, tokens: Tokens, address: str, run: Run
) -> Outcome:
    """Send the mail of an invitation once, unless it cannot be accepted any more."""
    found = Invitation.to_send(job.invitation_id, run.created_at)
    if found is None:
        return Outcome({"sent": False})
    words = letters()[LETTER]
    gaps = {
        "token": tokens.text(job.invitation_id),
        "address": address,
        "days": GOOD_FOR.days,
        "organization": Organization.get_by_id(found.account_id).name,
    }
    text = words.text.lstrip().format(**gaps)
    office.post(Mail(id=run.job_id, to=found.email, subject=words.subject, text=text))
    run.write("update invitation set sent_at = now() where id = %s", (job.invitation_id,))
    return Outcome({"sent": True})

"""Newcomers: who somebody of an outside issuer is here, the first time and after (A-05, X-2).

A person is known by issuer and subject, never by an address of mail. The first time a person is
made, or one with the same address is linked, as far as the issuer may do that, and only by an
address that the issuer has verified. To be linked, the person here must have verified it too, or
whoever registered it first would share the account; and nobody is linked who administers, unless
the issuer may make such a person.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from peewee import IntegrityError

from jobs.accounts import NewPerson, canonical_email, enrol
from jobs.attempts import OK, Attempt, Origin, record
from jobs.audit import Actor, Deed, note
from jobs.passwords import NO_PASSWORD
from jobs.people import SUPER_ADMIN, change
from models.accounts import Person, Standing
from models.factors import wants_step_up
from models.issuers import Identity, IdentityStanding, Issuer
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, DuplicateResource, Unauthorized
from models.kernel.ids import wire_id
from models.kernel.logs import get_logger
from models.roles import carried_by, permissions_of

LONGEST_EMAIL: Final = 254
LONGEST_NAME: Final = 100
LINKED: Final = "identity.linked"
MADE: Final = "identity.made"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Whose word it is, and how far it goes. `key` is what identities are kept under."""

    key: str
    url: str
    issuer_id: UUID | None = None
    provisions: bool = False
    links: bool = False
    roles: frozenset[str] = frozenset()

    @classmethod
    def of(cls, issuer: Issuer) -> Self:
        """Return the source that an issuer's row is."""
        return cls(
            key=wire_id("iss", issuer.id),
            url=issuer.url,
            issuer_id=issuer.id,
            provisions=issuer.provisions,
            links=issuer.links,
            roles=frozenset(issuer.roles),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outsider:
    """Somebody as an issuer tells of them. `email` is empty unless the issuer has verified it.

    `role` and `tier` are empty when the issuer says nothing of them, or may not.
    """

    subject: str
    issued_at: datetime
    email: str = ""
    name: str = ""
    role: str = ""
    tier: str = ""


class Newcomers:
    """Tells who somebody of an outside issuer is here."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def person_of(self, source: Source, outsider: Outsider, origin: Origin) -> Standing:
        """Return how the person stands now; raise `Unauthorized` for who is nobody here."""
        known = IdentityStanding.of(source.key, outsider.subject)
        if known is None:
            self._welcome(source, outsider, origin)
            known = IdentityStanding.of(source.key, outsider.subject)
        elif self._has_news(known, outsider):
            self._renew(known.person, source, outsider, origin)
            known = IdentityStanding.of(source.key, outsider.subject)
        if known is None:
            raise Unauthorized
        return known.person

    def _welcome(self, source: Source, outsider: Outsider, origin: Origin) -> None:
        """Link or make a person; when another request has just done so, leave it at that."""
        if not outsider.email:
            raise Unauthorized("nobody here belongs to this token, and it has no verified e-mail")
        try:
            with database.unit():
                person = Person.by_email(canonical_email(outsider.email))
                is_new = person is None
                person = (
                    _linkable(person, source) if person else _made(outsider, source, self._clock)
                )
                self._identify(person, source, outsider, is_new=is_new)
                self._note(person, source, MADE if is_new else LINKED, origin)
        except (IntegrityError, DuplicateResource):
            log.info("issuer.welcomed_meanwhile", source=source.key)

    def _identify(
        self, person: Person, source: Source, outsider: Outsider, *, is_new: bool
    ) -> None:
        Identity.create(
            account=person.account_id,
            user=person.id,
            issuer=source.issuer_id,
            source=source.key,
            subject=outsider.subject,
            email=canonical_email(outsider.email),
            is_provisioned=is_new,
            claims_at=outsider.issued_at if is_new else None,
            created_at=self._clock.now(),
        )

    def _note(self, person: Person, source: Source, action: str, origin: Origin) -> None:
        themselves = Actor(
            person_id=person.id, permissions=frozenset(), request_id=origin.request_id
        )
        note(Deed(action=action, details={"issuer": source.url}), themselves, self._clock)
        told = Attempt(action=action, outcome=OK, email=person.email, person_id=person.id)
        record(told, origin, self._clock)

    def _has_news(self, known: IdentityStanding, outsider: Outsider) -> bool:
        """Say whether a person the issuer made may stand otherwise by its newest token."""
        says = bool(outsider.role or outsider.tier)
        is_newer = known.claims_at is None or known.claims_at < outsider.issued_at
        return (
            says
            and is_newer
            and known.is_provisioned
            and Identity.renew(known.id, outsider.issued_at)
        )

    def _renew(self, person: Standing, source: Source, outsider: Outsider, origin: Origin) -> None:
        """Have a person stand as the newest token says; the last super_admin stays one."""
        wishes = {"role": outsider.role, "tier": outsider.tier}
        actor = Actor(
            person_id=person.person_id,
            permissions=permissions_of(SUPER_ADMIN),
            request_id=origin.request_id,
            issuer=source.url,
        )
        said = {name: value for name, value in wishes.items() if value}
        try:
            change(person.person_id, said, actor, self._clock)
        except Conflict as error:
            log.warning("issuer.change_refused", source=source.key, why=error.message)


def _linkable(person: Person, source: Source) -> Person:
    administers = any(map(wants_step_up, carried_by(person.role)))
    is_above = administers and person.role not in source.roles
    if not source.links or is_above or person.email_verified_at is None:
        raise Unauthorized("the e-mail address of this token is that of another user")
    return person


def _made(outsider: Outsider, source: Source, clock: Clock) -> Person:
    if not source.provisions:
        raise Unauthorized("nobody here belongs to this token")
    wish = NewPerson(
        email=outsider.email,
        name=outsider.name,
        role=outsider.role or "user",
        tier=outsider.tier or "free",
        is_verified=True,
    )
    return enrol(wish, NO_PASSWORD, clock)


def email_of(said: Any) -> str:
    """Return an address of mail, empty for anything else."""
    text = canonical_email(said) if isinstance(said, str) and said.isprintable() else ""
    name, _, host = text.rpartition("@")
    is_whole = bool(name) and bool(host) and " " not in text and "@" not in name
    return text if is_whole and len(text) <= LONGEST_EMAIL else ""


def name_of(said: Any) -> str:
    """Return a name of bounded length, empty for anything else."""
    return said.strip()[:LONGEST_NAME] if isinstance(said, str) and said.isprintable() else ""

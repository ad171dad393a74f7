"""Trust: which issuers outside this house are trusted, for whom, and how far (A-05, X-2).

Whoever says that decides who anybody may be here; so only `roles:admin` may. An issuer's keys are
read before it is trusted: what cannot work is refused at once and not at the first token.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from peewee import IntegrityError

from jobs.issuers.keys import IssuerKeys, keep
from jobs.oauth.apps import Owner
from models.issuers import Issuer
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import (
    Conflict,
    Detail,
    DuplicateResource,
    Invalid,
    NotFound,
    Unavailable,
)
from models.kernel.ids import wire_id
from models.people import AuditEntry

MOST_ISSUERS: Final = 50
DISCOVERY: Final = "/.well-known/openid-configuration"

_LOCK: Final = "select pg_advisory_xact_lock(%s)"
_ROOM: Final = 0x494C50


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerWish:
    """An issuer somebody wants trusted. `claims` names those with an e-mail, a role and so on.

    `roles` and `tiers` are all its tokens may give. Without `jwks_url` it is discovered.
    """

    name: str
    url: str
    audiences: Sequence[str]
    algorithms: Sequence[str]
    claims: Mapping[str, str]
    jwks_url: str = ""
    roles: Sequence[str] = ()
    tiers: Sequence[str] = ()
    provisions: bool = False
    links: bool = False


class Trust:
    """Says which issuers are trusted; each change holds from the next request on."""

    def __init__(self, own: str, keys: IssuerKeys, clock: Clock) -> None:
        """Take our own `iss`, what reads the keys of others, and the time."""
        self._own = own
        self._keys = keys
        self._clock = clock

    def register(self, wish: IssuerWish, owner: Owner) -> Issuer:
        """Trust an issuer from now on.

        Raises `Invalid` for one whose keys cannot be read, `DuplicateResource` for one that is
        known, and `Conflict` when there are too many.
        """
        if wish.url == self._own:
            raise Invalid(details=[Detail("issuerUrl", "This is our own address.")])
        jwks_url = wish.jwks_url or self._discovered(wish.url)
        keys = self._read(jwks_url)
        try:
            with database.unit():
                issuer = self._create(wish, jwks_url)
                keep(issuer, keys, self._clock.now())
                self._note("issuer.registered", issuer, owner)
        except IntegrityError as error:
            raise DuplicateResource("this issuer is known already: change it") from error
        return issuer

    def change(self, issuer_id: UUID, wishes: Mapping[str, Any], owner: Owner) -> Issuer:
        """Change how far an issuer is trusted; its address stays, since it says who people are.

        An empty `jwks_url` has it discovered anew. Raises `NotFound` and `Invalid`.
        """
        asked = dict(wishes)
        keys = None
        if "jwks_url" in asked:
            asked["jwks_url"] = asked["jwks_url"] or self._discovered(known(issuer_id).url)
            keys = self._read(asked["jwks_url"])
        with database.unit():
            issuer = known(issuer_id)
            for name, value in asked.items():
                setattr(issuer, name, value)
            issuer.updated_at = self._clock.now()
            issuer.save(only=[*asked, "updated_at"])
            if keys is not None:
                keep(issuer, keys, self._clock.now())
            self._note("issuer.changed", issuer, owner, {"changed": sorted(asked)})
        return issuer

    def delete(self, issuer_id: UUID, owner: Owner) -> None:
        """Trust an issuer no more, and forget who people were to it; raise `NotFound`."""
        with database.unit():
            issuer = known(issuer_id)
            self._note("issuer.deleted", issuer, owner)
            Issuer.delete().where(Issuer.id == issuer.id).execute()

    def _create(self, wish: IssuerWish, jwks_url: str) -> Issuer:
        database.rows(_LOCK, (_ROOM,))
        if Issuer.select().count() >= MOST_ISSUERS:
            raise Conflict(f"at most {MOST_ISSUERS} issuers are trusted: delete one first")
        now = self._clock.now()
        made: Issuer = Issuer.create(
            name=wish.name,
            url=wish.url,
            audiences=list(wish.audiences),
            algorithms=list(wish.algorithms),
            jwks_url=jwks_url,
            claims=dict(wish.claims),
            roles=list(wish.roles),
            tiers=list(wish.tiers),
            provisions=wish.provisions,
            links=wish.links,
            fetch_after=now,
            created_at=now,
            updated_at=now,
        )
        return made

    def _discovered(self, url: str) -> str:
        """Return where an issuer says its keys are; it must say that it is who we asked for."""
        try:
            said = self._keys.document(url.rstrip("/") + DISCOVERY)
        except (Unavailable, Invalid) as error:
            raise _odd("issuerUrl", error) from error
        if said.get("issuer") != url or not isinstance(said.get("jwks_uri"), str):
            words = f"{DISCOVERY} there is not of an issuer that is spelled like this."
            raise Invalid(details=[Detail("issuerUrl", words)])
        return str(said["jwks_uri"])

    def _read(self, jwks_url: str) -> list[dict[str, Any]]:
        try:
            return self._keys.read(jwks_url)
        except (Unavailable, Invalid) as error:
            raise _odd("jwksUrl", error) from error

    def _note(
        self, action: str, issuer: Issuer, owner: Owner, details: Mapping[str, Any] | None = None
    ) -> None:
        AuditEntry.create(
            account_id=owner.account_id,
            person_id=owner.person_id,
            actor_id=owner.person_id,
            action=action,
            details={
                "issuer": issuer.url,
                "issuer_id": wire_id("iss", issuer.id),
                **(details or {}),
            },
            request_id=owner.request_id,
            created_at=self._clock.now(),
        )


def known(issuer_id: UUID) -> Issuer:
    """Return an issuer, trusted now or not; raise `NotFound` for any other."""
    issuer = Issuer.by_id(issuer_id)
    if issuer is None:
        raise NotFound("there is no such issuer")
    return issuer


def _odd(field: str, error: Unavailable | Invalid) -> Invalid:
    return Invalid(details=[Detail(field, f"Its keys cannot be read: {error.message}.")])

"""Principals: who calls, by which credential, and what that lets them do.

A credential is looked up at every request, so that what is revoked or suspended ends at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request

from api.endpoints import ANY_PRINCIPAL
from jobs.accounts import KEY_MARK, Grantor, standing, use_key
from jobs.tokens import Tokens
from models.accounts import KeyStanding, Standing
from models.kernel.clock import Clock
from models.kernel.errors import InsufficientPermissions, Unauthorized
from models.roles import permissions_of

SESSION: Final = "session"
API_KEY: Final = "api_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls. `scopes` are those of an API key; empty means all its person may do."""

    account_id: UUID
    user_id: UUID
    role: str
    tier: str
    mode: str
    scopes: frozenset[str]
    permissions: frozenset[str]
    credential: str
    key_id: UUID | None = None
    ai_preferences: Mapping[str, Any] = field(default_factory=dict)

    def may(self, permission: str) -> bool:
        """Say whether this caller carries a permission."""
        return permission == ANY_PRINCIPAL or permission in self.permissions

    @property
    def grantor(self) -> Grantor:
        """On whose behalf keys are made by this caller."""
        return Grantor(self.account_id, self.user_id, self.mode, self.permissions, self.scopes)


class Doorkeeper:
    """Tells who calls, and refuses who may not."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        """Take what reads access tokens, and the time."""
        self._tokens = tokens
        self._clock = clock

    def admit(self, req: Request, permission: str) -> Principal:
        """Return who calls; raise `Unauthorized` or `InsufficientPermissions`."""
        principal = self._identify(_credential(req))
        if not principal.may(permission):
            raise InsufficientPermissions(f"this needs the permission {permission}")
        return principal

    def _identify(self, credential: str) -> Principal:
        if credential.startswith(KEY_MARK):
            key = use_key(credential, self._clock)
            return _principal(key.person, key)
        return _principal(standing(self._tokens.read(credential)), None)


def _principal(person: Standing, key: KeyStanding | None) -> Principal:
    permissions = permissions_of(person.role)
    scopes = key.scopes if key else frozenset()
    return Principal(
        account_id=person.account_id,
        user_id=person.person_id,
        role=person.role,
        tier=person.tier,
        mode=key.mode if key else "live",
        scopes=scopes,
        permissions=permissions & scopes if scopes else permissions,
        credential=API_KEY if key else SESSION,
        key_id=key.id if key else None,
        ai_preferences=person.ai_preferences,
    )


def _credential(req: Request) -> str:
    """Return the one credential a request carries."""
    scheme, _, bearer = (req.get_header("Authorization") or "").partition(" ")
    key: Any = req.get_header("X-API-Key")
    if scheme and scheme.lower() != "bearer":
        raise Unauthorized("only the Bearer scheme is taken")
    given = {text.strip() for text in (bearer, key or "") if text.strip()}
    if len(given) != 1:
        raise Unauthorized("send one credential" if given else None)
    return str(given.pop())

"""What a caller shows: one credential, by header, message or cookie, and for whom they act."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request

from models.kernel.errors import NotFound, Unauthorized
from models.kernel.ids import parse_id

ORGANIZATION: Final = "X-Organization"
NO_ORGANIZATION: Final = "there is no such organization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A credential; or, in its place, the login that a browser's cookie names.

    `organization` is the organization they name, as they write it.
    """

    credential: str = field(default="", repr=False)
    login_id: UUID | None = None
    organization: str | None = None

    @property
    def organization_id(self) -> UUID | None:
        """The organization they act for; raises `NotFound` for what cannot be one."""
        if self.organization is None:
            return None
        try:
            return parse_id("org", self.organization)
        except ValueError as error:
            raise NotFound(NO_ORGANIZATION) from error


def shown_by(req: Request) -> Shown:
    """Return what a request shows by its headers; raise `Unauthorized` unless it is one thing."""
    scheme, _, bearer = (req.get_header("Authorization") or "").partition(" ")
    key: Any = req.get_header("X-API-Key")
    if scheme and scheme.lower() != "bearer":
        raise Unauthorized("only the Bearer scheme is taken")
    given = {text.strip() for text in (bearer, key or "") if text.strip()}
    if len(given) != 1:
        raise Unauthorized("send one credential" if given else None)
    return Shown(credential=given.pop(), organization=req.get_header(ORGANIZATION))


def shows_any(req: Request) -> bool:
    """Say whether a request carries a credential in its headers at all."""
    return any(req.get_header(name) is not None for name in ("Authorization", "X-API-Key"))

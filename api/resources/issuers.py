"""Outside issuers whose tokens are taken, for administrators (A-05, X-2)."""

from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.oauth_apps import owner_of
from api.schemas.issuers import IssuerSchema
from api.schemas.lists import page_of
from jobs.issuers.trust import IssuerWish, Trust, known
from models.issuers import Issuer
from models.kernel.ids import wire_id
from models.listings import Listing

_ISSUER: Final = IssuerSchema()
_ISSUERS: Final = page_of(IssuerSchema)


class Issuers:
    """The issuers that are trusted, and those that were."""

    def __init__(self, trust: Trust) -> None:
        """Take what says who is trusted."""
        self._trust = trust

    def on_get(self, req: Request, resp: Response) -> None:
        """List them, newest first."""
        resp.media = _ISSUERS.dump(Listing.of(Issuer.newest(), **req.context.query))

    def on_post(self, req: Request, resp: Response) -> None:
        """Trust another one."""
        issuer = self._trust.register(IssuerWish(**req.context.body), owner_of(req))
        resp.media = _told(issuer)
        resp.set_header("Location", f"/v1/admin/issuers/{wire_id('iss', issuer.id)}")

    def on_get_one(self, _req: Request, resp: Response, issuer_id: UUID) -> None:
        """Look at one."""
        resp.media = _told(known(issuer_id))

    def on_patch(self, req: Request, resp: Response, issuer_id: UUID) -> None:
        """Trust one otherwise, or no more."""
        resp.media = _told(self._trust.change(issuer_id, req.context.body, owner_of(req)))

    def on_delete(self, req: Request, _resp: Response, issuer_id: UUID) -> None:
        """Forget one, and who people were to it."""
        self._trust.delete(issuer_id, owner_of(req))


def _told(issuer: Issuer) -> dict[str, Any]:
    told: dict[str, Any] = _ISSUER.dump(issuer)
    return told

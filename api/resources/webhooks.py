"""The webhooks of an account."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.schemas.lists import page_of
from api.schemas.webhooks import NewWebhookSchema, PingSchema, WebhookSchema
from jobs.webhooks.endpoints import Endpoints, public_keys
from jobs.webhooks.keepers import Keeper
from jobs.webhooks.pinging import ping
from jobs.webhooks.signing import Secret
from models.kernel.ids import wire_id
from models.listings import Listing
from models.webhooks import Webhook

_WEBHOOK: Final = WebhookSchema()
_NEW: Final = NewWebhookSchema()
_PAGE: Final = page_of(WebhookSchema)
_PING: Final = PingSchema()


class MyWebhooks:
    """The endpoints that an account has registered."""

    def __init__(self, endpoints: Endpoints) -> None:
        """Take what registers them."""
        self._endpoints = endpoints

    def on_post(self, req: Request, resp: Response) -> None:
        """Register an endpoint and show its secret this once."""
        row, secret = self._endpoints.register(req.context.body, keeper_of(req))
        resp.media = _with_secret(row, secret)
        resp.set_header("Location", f"/v1/webhooks/{wire_id('wh', row.id)}")

    def on_get(self, req: Request, resp: Response) -> None:
        """List them, newest first."""
        principal = req.context.principal
        rows = Webhook.of(principal.account_id, principal.mode)
        listing = Listing.of(rows, **req.context.query)
        _name_keys(listing.data)
        resp.media = _PAGE.dump(listing)

    def on_get_one(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """Look at one."""
        resp.media = _told(owned(req, wh_id))

    def on_patch(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """Change one."""
        resp.media = _told(self._endpoints.change(wh_id, req.context.body, keeper_of(req)))

    def on_delete(self, req: Request, _resp: Response, wh_id: UUID) -> None:
        """End one."""
        self._endpoints.delete(wh_id, keeper_of(req))

    def on_post_rotate(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """Give one another secret and show it this once."""
        overlap = req.context.body["overlap_seconds"]
        resp.media = _with_secret(*self._endpoints.rotate(wh_id, overlap, keeper_of(req)))

    def on_post_ping(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """Send one an event of its own."""
        resp.media = _PING.dump(ping(owned(req, wh_id)))


def keeper_of(req: Request) -> Keeper:
    """Return who calls, as who registers and changes endpoints."""
    principal = req.context.principal
    return Keeper(
        account_id=principal.account_id,
        user_id=principal.user_id,
        mode=principal.mode,
        permissions=principal.permissions,
        request_id=req.context.request_id,
    )


def owned(req: Request, webhook_id: UUID) -> Webhook:
    """Return an endpoint of who calls; raise `NotFound` for any other."""
    principal = req.context.principal
    return Webhook.owned_by(principal.account_id, principal.mode, webhook_id)


def _told(row: Webhook) -> Any:
    _name_keys([row])
    return _WEBHOOK.dump(row)


def _with_secret(row: Webhook, secret: Secret) -> Any:
    row.public_key = secret.public_key
    row.secret = secret.shown
    return _NEW.dump(row)


def _name_keys(rows: Sequence[Webhook]) -> None:
    """Give rows the public key that verifies what they are sent."""
    keys = public_keys([row.id for row in rows])
    for row in rows:
        row.public_key = keys[row.id]

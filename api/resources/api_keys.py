"""API keys of whoever calls."""

from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.schemas.accounts import ApiKeySchema, NewApiKeySchema
from api.schemas.lists import page_of
from jobs.accounts import KeyWish, make_key, revoke_key
from models.accounts import ApiKey
from models.kernel.clock import Clock
from models.kernel.ids import wire_id
from models.listings import Listing

_NEW: Final = NewApiKeySchema()
_PAGE: Final = page_of(ApiKeySchema)


class ApiKeys:
    """The keys a person holds."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Make a key and show it this once."""
        body = req.context.body
        wish = KeyWish(**{**body, "scopes": tuple(body["scopes"])})
        row, key = make_key(wish, req.context.principal.grantor, self._clock)
        resp.media = {**_NEW.dump(row), "key": key}
        resp.set_header("Location", f"/v1/api-keys/{wire_id('key', row.id)}")

    def on_get(self, req: Request, resp: Response) -> None:
        """List the keys that are not revoked, newest first."""
        held = ApiKey.held_by(req.context.principal.user_id)
        resp.media = _PAGE.dump(Listing.of(held, **req.context.query))

    def on_delete(self, req: Request, _resp: Response, key_id: UUID) -> None:
        """Revoke a key at once."""
        revoke_key(key_id, req.context.principal.user_id, self._clock)

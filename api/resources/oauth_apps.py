"""The apps of an account, and what whoever calls has granted to apps."""

from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.schemas.lists import page_of
from api.schemas.oauth import CONFIDENTIAL, AppSchema, GrantSchema, NewAppSchema
from jobs.oauth.apps import Apps, AppWish, Owner, held
from jobs.oauth.standing import end_grant
from models.kernel.clock import Clock
from models.kernel.ids import wire_id
from models.listings import Listing
from models.oauth import App, Grant

_APP: Final = AppSchema()
_NEW: Final = NewAppSchema()
_APPS: Final = page_of(AppSchema)
_GRANTS: Final = page_of(GrantSchema)


class MyApps:
    """The apps that an account has registered."""

    def __init__(self, apps: Apps) -> None:
        """Take what registers them."""
        self._apps = apps

    def on_post(self, req: Request, resp: Response) -> None:
        """Register an app and show its secret this once."""
        body = {**req.context.body}
        wish = AppWish(is_confidential=body.pop("client_type") == CONFIDENTIAL, **body)
        app, secret = self._apps.register(wish, owner_of(req))
        resp.media = {**_told(_NEW, app), "clientSecret": secret}
        resp.set_header("Location", f"/v1/oauth/apps/{wire_id('app', app.id)}")

    def on_get(self, req: Request, resp: Response) -> None:
        """List them, newest first."""
        mine = App.of_account(req.context.principal.account_id)
        resp.media = _APPS.dump(Listing.of(mine, **req.context.query))

    def on_get_one(self, req: Request, resp: Response, app_id: UUID) -> None:
        """Look at one."""
        resp.media = _told(_APP, held(app_id, req.context.principal.account_id))

    def on_patch(self, req: Request, resp: Response, app_id: UUID) -> None:
        """Change what is told of one."""
        resp.media = _told(_APP, self._apps.change(app_id, req.context.body, owner_of(req)))

    def on_delete(self, req: Request, _resp: Response, app_id: UUID) -> None:
        """End one, and every token of it."""
        self._apps.delete(app_id, owner_of(req))

    def on_post_rotate(self, req: Request, resp: Response, app_id: UUID) -> None:
        """Give one another secret and show it this once."""
        app, secret = self._apps.rotate_secret(app_id, owner_of(req))
        resp.media = {**_told(_NEW, app), "clientSecret": secret}


class MyGrants:
    """What a person has granted to apps."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List what holds, newest first."""
        held_now = Grant.held_by(req.context.principal.user_id)
        resp.media = _GRANTS.dump(Listing.of(held_now, **req.context.query))

    def on_delete(self, req: Request, _resp: Response, grant_id: UUID) -> None:
        """End one at once."""
        principal = req.context.principal
        end_grant(grant_id, principal.user_id, req.context.request_id, self._clock)


def owner_of(req: Request) -> Owner:
    """Return who calls, as who registers and changes things."""
    principal = req.context.principal
    return Owner(
        account_id=principal.account_id,
        person_id=principal.user_id,
        request_id=req.context.request_id,
    )


def _told(shape: AppSchema, app: App) -> dict[str, Any]:
    told: dict[str, Any] = shape.dump(app)
    return told

"""Signing in at providers, and who somebody is there (A-16)."""

from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.origins import origin_of
from api.resources.logins import Desk
from api.schemas.lists import page_of
from api.schemas.social import IdentitySchema
from jobs.logins import LoginWish
from jobs.social.identities import unlink
from jobs.social.signing_in import TRIP_SECONDS, Returned, SocialLogins
from models.issuers import Identity
from models.listings import Listing

COOKIE: Final = "ilm_social"
PATH: Final = "/v1/auth/social"
FOUND: Final = 302

_LAX: Final = "Lax"
_IDENTITIES: Final = page_of(IdentitySchema)


class Providers:
    """Where people sign in, the way there, the way back, and the login at its end."""

    def __init__(self, social: SocialLogins, desk: Desk, *, is_https: bool) -> None:
        """Take what signs people in, what logs them in, and whether clients use https."""
        self._social = social
        self._desk = desk
        self._is_https = is_https

    def on_get(self, _req: Request, resp: Response) -> None:
        """List the providers that are set up."""
        resp.media = {
            "data": [
                {"name": name, "title": each.client.title, "url": f"{PATH}/{name}"}
                for name, each in self._social.providers.items()
            ]
        }

    def on_get_begin(self, req: Request, resp: Response, provider: str) -> None:
        """Send a browser to a provider."""
        query = req.context.query
        address, kept = self._social.begin(provider, query["return_to"], query["code_challenge"])
        resp.set_cookie(
            COOKIE, kept, path=PATH, http_only=True, same_site=_LAX, secure=self._is_https,
            max_age=TRIP_SECONDS,
        )  # fmt: skip
        resp.status, resp.location = FOUND, address

    def on_get_callback(self, req: Request, resp: Response, provider: str) -> None:
        """Take a browser back, and send it on."""
        query, kept = req.context.query, req.cookies.get(COOKIE, "")
        returned = Returned(query["state"], query["code"], query["iss"])
        origin = origin_of(req, self._desk.proxies)
        resp.unset_cookie(COOKIE, path=PATH, same_site=_LAX)
        resp.status, resp.location = FOUND, self._social.finish(provider, returned, kept, origin)

    def on_post_token(self, req: Request, resp: Response) -> None:
        """Open a login for a code."""
        body = req.context.body
        wish = LoginWish(
            email="",
            password="",
            device=body["device"],
            device_token=body["device_token"],
            has_cookie=body["cookie"],
        )
        opened = self._social.redeem(
            body["login_code"], body["code_verifier"], wish, origin_of(req, self._desk.proxies)
        )
        resp.media = self._desk.told(resp, opened)


class Identities:
    """Who the person that calls is elsewhere."""

    def __init__(self, desk: Desk) -> None:
        """Take what knows the time."""
        self._desk = desk

    def on_get(self, req: Request, resp: Response) -> None:
        """List it, newest first."""
        mine = Identity.of_person(req.context.principal.user_id)
        resp.media = _IDENTITIES.dump(Listing.of(mine, **req.context.query))

    def on_delete(self, req: Request, _resp: Response, identity_id: UUID) -> None:
        """Forget one of them."""
        person_id = req.context.principal.user_id
        unlink(identity_id, person_id, req.context.request_id, self._desk.clock)

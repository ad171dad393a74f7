"""Passkeys of whoever calls, and logging in with one."""

from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.origins import origin_of
from api.resources.factors import bearer_of
from api.resources.logins import Desk
from api.schemas.lists import page_of
from api.schemas.passkeys import PasskeySchema
from jobs.logins import LoginWish
from jobs.passkeys import Passkeys
from models.kernel.ids import wire_id
from models.listings import Listing
from models.passkeys import Passkey

_PASSKEY: Final = PasskeySchema()
_PAGE: Final = page_of(PasskeySchema)


class MyPasskeys:
    """The passkeys of whoever is logged in, and the login of who has one."""

    def __init__(self, passkeys: Passkeys, desk: Desk) -> None:
        """Take what checks passkeys, and what opens logins."""
        self._passkeys = passkeys
        self._desk = desk

    def on_post_options(self, req: Request, resp: Response) -> None:
        """Answer what a new passkey is made with."""
        resp.media = self._passkeys.options(bearer_of(req))

    def on_post(self, req: Request, resp: Response) -> None:
        """Keep a new passkey."""
        origin, body = origin_of(req, self._desk.proxies), req.context.body
        row, codes = self._passkeys.enrol(bearer_of(req), body["name"], body["credential"], origin)
        resp.media = {**_PASSKEY.dump(row), "recoveryCodes": codes}
        resp.set_header("Location", f"/v1/auth/passkeys/{wire_id('passkey', row.id)}")

    def on_get(self, req: Request, resp: Response) -> None:
        """List them, newest first."""
        held = Passkey.held_by(bearer_of(req).person_id)
        resp.media = _PAGE.dump(Listing.of(held, **req.context.query))

    def on_patch(self, req: Request, resp: Response, passkey_id: UUID) -> None:
        """Call one otherwise."""
        person_id, name = bearer_of(req).person_id, req.context.body["name"]
        resp.media = _PASSKEY.dump(self._passkeys.rename(passkey_id, person_id, name))

    def on_delete(self, req: Request, _resp: Response, passkey_id: UUID) -> None:
        """Take one away."""
        self._passkeys.remove(passkey_id, bearer_of(req))

    def on_post_login_options(self, _req: Request, resp: Response) -> None:
        """Answer what any passkey of this place has to sign."""
        resp.media = self._passkeys.login_options()

    def on_post_login(self, req: Request, resp: Response) -> None:
        """Open the login of whose passkey has signed."""
        body, origin = {**req.context.body}, origin_of(req, self._desk.proxies)
        person = self._passkeys.recognize(body.pop("credential"), origin)
        wish = LoginWish(email=person.email, password="", has_cookie=body.pop("cookie"), **body)
        resp.media = self._desk.told(resp, self._desk.logins.welcome(person, wish, origin))

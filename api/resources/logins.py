"""Logging in and out, refreshing, and the logins of whoever calls."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.cookies import Cookies
from api.origins import origin_of
from api.schemas.lists import page_of
from api.schemas.logins import LoginSessionSchema, TokenSchema
from jobs.logins import Logins, LoginWish, Opened
from jobs.tokens import Tokens
from models.kernel.clock import Clock
from models.kernel.ids import wire_id
from models.kernel.settings import Network
from models.listings import Listing
from models.logins import LoginSession

_TOKEN: Final = TokenSchema()
_PAGE: Final = page_of(LoginSessionSchema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the routes of logging in act through."""

    logins: Logins
    tokens: Tokens
    cookies: Cookies
    proxies: tuple[Network, ...]
    clock: Clock

    def told(self, resp: Response, opened: Opened) -> dict[str, Any]:
        """Return the tokens of a login; those of a browser's go into its cookies."""
        token = {
            "access_token": self.tokens.issue(opened.person, opened.session.id),
            "token_type": "Bearer",
            "expires_in": self.tokens.seconds,
        }
        if opened.device_token:
            token["device_token"] = opened.device_token
        if opened.session.has_cookie:
            token["csrf_token"] = self.cookies.set(resp, opened.session, opened.refresh_token)
        else:
            token["refresh_token"] = opened.refresh_token
        told: dict[str, Any] = _TOKEN.dump(token)
        return told


class LoggingIn:
    """Tokens for e-mail and password."""

    def __init__(self, desk: Desk) -> None:
        """Take what logs people in."""
        self._desk = desk

    def on_post(self, req: Request, resp: Response) -> None:
        """Check the password and open a login."""
        body = {**req.context.body}
        wish = LoginWish(has_cookie=body.pop("cookie"), **body)
        opened = self._desk.logins.login(wish, origin_of(req, self._desk.proxies))
        resp.media = self._desk.told(resp, opened)


class Refreshing:
    """Fresh tokens for a refresh token."""

    def __init__(self, desk: Desk) -> None:
        """Take what logs people in."""
        self._desk = desk

    def on_post(self, req: Request, resp: Response) -> None:
        """Replace the refresh token of the body, or of the cookie."""
        token = req.context.body["refresh_token"] or self._desk.cookies.refresh_token(req)
        opened = self._desk.logins.refresh(token, origin_of(req, self._desk.proxies))
        resp.media = self._desk.told(resp, opened)


class LoggingOut:
    """The end of the login that calls."""

    def __init__(self, desk: Desk) -> None:
        """Take what logs people in."""
        self._desk = desk

    def on_post(self, req: Request, resp: Response) -> None:
        """End it at once, its access tokens too."""
        principal = req.context.principal
        self._desk.logins.end(principal.login_id, principal.user_id, "logout")
        self._desk.cookies.clear(resp)


class Sessions:
    """The logins a person has open."""

    def __init__(self, desk: Desk) -> None:
        """Take what logs people in."""
        self._desk = desk

    def on_get(self, req: Request, resp: Response) -> None:
        """List them, newest first, and say which one asks."""
        mine = wire_id("sess", req.context.principal.login_id)
        now, idle = self._desk.clock.now(), self._desk.logins.idle
        held = LoginSession.open_of(req.context.principal.user_id, now, idle)
        page = _PAGE.dump(Listing.of(held, **req.context.query))
        resp.media = {
            **page,
            "data": [{**each, "isCurrent": each["id"] == mine} for each in page["data"]],
        }

    def on_delete(self, req: Request, _resp: Response, session_id: UUID) -> None:
        """End one of them at once."""
        principal = req.context.principal
        reason = "logout" if session_id == principal.login_id else "revoked"
        self._desk.logins.end(session_id, principal.user_id, reason)

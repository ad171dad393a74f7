"""Cookies: the refresh token where no script can read it, and what shows that a page of ours asks.

`ilm_refresh` is HttpOnly, SameSite=Strict and sent to the routes of logging in alone; `ilm_csrf`
can be read by our own pages and has to come back as `X-CSRF-Token`. `ilm_session` names the login
to the pages that apps send people to: HttpOnly, and Lax, since they come from elsewhere;
`ilm_device` shows them that somebody logged in there before. `ilm_live` names the login to
`/v1/live` alone: HttpOnly, Strict, and believed of our own pages only. All are Secure where clients
use https.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from jobs.refresh_tokens import RefreshToken
from models.kernel.errors import Forbidden, Unauthorized
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from models.logins import LoginSession

REFRESH: Final = "ilm_refresh"
CSRF: Final = "ilm_csrf"
SESSION: Final = "ilm_session"
DEVICE: Final = "ilm_device"
LIVE: Final = "ilm_live"
DEVICE_SECONDS: Final = 365 * 86_400
CSRF_HEADER: Final = "X-CSRF-Token"
PATH: Final = "/v1/auth"
PAGES: Final = "/oauth"
SOCKET: Final = "/v1/live"

_STRICT: Final = "Strict"
_LAX: Final = "Lax"
_LONGEST_DEVICE: Final = 100
_PARTS: Final = re.compile(r"([0-9a-f]{32})\.([\w=-]{44})", re.ASCII)


class Cookies:
    """Sets, reads and takes back the cookies of a browser's login."""

    def __init__(self, secrets: Secrets, settings: Settings) -> None:
        """Take the house's secret, and whether clients use https."""
        self._key = secrets.derive("csrf")
        self._session_key = secrets.derive("session-cookies")
        self._live_key = secrets.derive("live-cookies")
        self._is_https = settings.is_https

    def set(self, resp: Response, session: LoginSession, refresh_token: str) -> str:
        """Set the cookies until the login's end; return the token against forged requests."""
        csrf = self._csrf(session.id)
        usual = {"secure": self._is_https, "expires": session.expires_at}
        strict = {**usual, "same_site": _STRICT}
        resp.set_cookie(REFRESH, refresh_token, path=PATH, http_only=True, **strict)
        resp.set_cookie(CSRF, csrf, path="/", http_only=False, **strict)
        named = _naming(self._session_key, session.id)
        resp.set_cookie(SESSION, named, path=PAGES, http_only=True, same_site=_LAX, **usual)
        live = _naming(self._live_key, session.id)
        resp.set_cookie(LIVE, live, path=SOCKET, http_only=True, **strict)
        return csrf

    def session_id(self, req: Request) -> UUID | None:
        """Return the login a browser's cookie names, None without one of ours."""
        return _named(self._session_key, req.cookies.get(SESSION, ""))

    def live_session_id(self, req: Request) -> UUID | None:
        """Return the login that a browser's cookie names to a WebSocket, None without one."""
        return _named(self._live_key, req.cookies.get(LIVE, ""))

    def keep_device(self, resp: Response, token: str) -> None:
        """Let a browser show that it is known, for a year."""
        resp.set_cookie(
            DEVICE, token, path=PAGES, http_only=True, same_site=_LAX, secure=self._is_https,
            max_age=DEVICE_SECONDS,
        )  # fmt: skip

    def device_token(self, req: Request) -> str:
        """Return what shows that a browser is known, empty without any."""
        return str(req.cookies.get(DEVICE, ""))[:_LONGEST_DEVICE]

    def refresh_token(self, req: Request) -> str:
        """Return the refresh token of the cookie.

        Raises `Unauthorized` without one, `Forbidden` when the request may be forged.
        """
        token = req.cookies.get(REFRESH, "")
        if not token:
            raise Unauthorized("send the refresh token")
        expected = self._csrf(RefreshToken.read(token).session_id)
        given = req.get_header(CSRF_HEADER) or ""
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass")):
            raise Forbidden(f"send the cookie {CSRF} as {CSRF_HEADER}")
        return token

    def clear(self, resp: Response) -> None:
        """Take the cookies back."""
        resp.unset_cookie(REFRESH, path=PATH, same_site=_STRICT)
        resp.unset_cookie(CSRF, path="/", same_site=_STRICT)
        resp.unset_cookie(SESSION, path=PAGES, same_site=_LAX)
        resp.unset_cookie(LIVE, path=SOCKET, same_site=_STRICT)

    def _csrf(self, session_id: UUID) -> str:
        return _mac(self._key, session_id)


def _mac(key: bytes, session_id: UUID) -> str:
    return urlsafe_b64encode(hmac.digest(key, session_id.bytes, "sha256")).decode()


def _naming(key: bytes, session_id: UUID) -> str:
    """Return what names a login in a cookie, and shows that we did."""
    return f"{session_id.hex}.{_mac(key, session_id)}"


def _named(key: bytes, text: str) -> UUID | None:
    """Return the login that is named, None when not by us."""
    found = _PARTS.fullmatch(text)
    if found is None:
        return None
    session_id = UUID(hex=found[1])
    return session_id if hmac.compare_digest(_mac(key, session_id), found[2]) else None

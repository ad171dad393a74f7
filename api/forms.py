"""Forms: what shows that a page of ours sent one, for this browser and this very request.

The token is an HMAC over the login, or, before there is one, over a cookie of the browser; and over
the fields of the request. It fits no other login, browser or request.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from falcon.asgi import Request, Response

from models.kernel.errors import Forbidden
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings

COOKIE: Final = "ilm_form"
PATH: Final = "/oauth"

_BYTES: Final = 32
_LONGEST: Final = 100


class Forms:
    """Makes and checks the tokens of forms."""

    def __init__(self, secrets: Secrets, settings: Settings) -> None:
        """Take the house's secret, and whether clients use https."""
        self._key = secrets.derive("forms")
        self._is_https = settings.is_https

    def for_login(self, session_id: UUID, fields: Mapping[str, str]) -> str:
        """Return the token of a form for who is logged in."""
        return self._token(session_id.hex, fields)

    def for_browser(self, req: Request, resp: Response, fields: Mapping[str, str]) -> str:
        """Return the token of a form for who is not logged in; give the browser its cookie."""
        cookie = req.cookies.get(COOKIE, "")
        if not 0 < len(cookie) <= _LONGEST:
            cookie = secrets.token_urlsafe(_BYTES)
            resp.set_cookie(
                COOKIE, cookie, path=PATH, http_only=True, secure=self._is_https, same_site="Lax"
            )
        return self._token(cookie, fields)

    def check_login(self, session_id: UUID, fields: Mapping[str, str], given: str) -> None:
        """Raise `Forbidden` for a form that no page of ours sent by this login."""
        self._check(session_id.hex, fields, given)

    def check_browser(self, req: Request, fields: Mapping[str, str], given: str) -> None:
        """Raise `Forbidden` for a form that no page of ours sent from this browser."""
        cookie = req.cookies.get(COOKIE, "")
        if not cookie:
            raise Forbidden(
                "this form was not sent by the page of this browser: go back, try again"
            )
        self._check(cookie, fields, given)

    def _check(self, bearer: str, fields: Mapping[str, str], given: str) -> None:
        expected = self._token(bearer, fields).encode()
        if not hmac.compare_digest(expected, given.encode("utf-8", "surrogatepass")):
            raise Forbidden(
                "this form was not sent by the page of this browser: go back, try again"
            )

    def _token(self, bearer: str, fields: Mapping[str, str]) -> str:
        text = f"{bearer}\n{urlencode(sorted(fields.items()))}"
        mac = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
        return urlsafe_b64encode(mac).decode()

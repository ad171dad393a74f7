"""A provider on loopback at which people sign in: an OpenID Connect one and a GitHub at once."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from jobs.social.exchanging import challenge_of
from tests.fakes.issuer import DISCOVERY, FakeIssuer

CLIENT_ID: Final = "ilm at the provider"
SECRET: Final = "a secret: of ours"


class FakeProvider(FakeIssuer):
    """`own` are claims beside the usual; `forge` makes an ID token another way.

    `user` and `emails` are what its API says, as GitHub's does.
    """

    def __init__(self) -> None:
        self.own: dict[str, Any] = {}
        self.forge: Callable[[dict[str, Any]], str] | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.metadata: dict[str, Any] = {}
        self.user: Any = {"id": 7, "login": "somebody", "name": None}
        self.emails: Any = [
            {"email": "old@example.org", "primary": False, "verified": True},
            {"email": "somebody@example.org", "primary": True, "verified": True},
        ]
        super().__init__()
        self.pages |= {"/user": self.user, "/user/emails": self.emails}

    def publish(self) -> None:
        """Say where people sign in, too."""
        super().publish()
        self.pages[DISCOVERY] |= {
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            **self.metadata,
        }

    def consent(self, address: str, **answer: str) -> str:
        """Let somebody say yes at an address; return the path and query they come back with."""
        asked = dict(parse_qsl(urlsplit(address).query))
        code = f"code{len(self.codes)}"
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], **answer}
        told = {name: value for name, value in back.items() if value}
        return f"{urlsplit(asked['redirect_uri']).path}?{urlencode(told)}"

    def posted(self, body: str, authorization: str) -> dict[str, Any] | None:
        """Exchange a code, once, for who shows our secret and its verifier."""
        form = dict(parse_qsl(body))
        if not _is_ours(form, authorization):
            return None
        asked = self.codes.pop(form.get("code", ""), None)
        fits = (
            asked is not None
            and asked["redirect_uri"] == form.get("redirect_uri")
            and asked["code_challenge"] == challenge_of(form.get("code_verifier", ""))
        )
        if asked is None or not fits:
            return None
        own = {"aud": CLIENT_ID, "nonce": asked.get("nonce"), **self.own}
        token = self.forge(own) if self.forge else self.token(**own)
        return {"access_token": "an access token", "id_token": token}


def _is_ours(form: dict[str, str], authorization: str) -> bool:
    """Say whether our secret is shown, in either way of RFC 6749 §2.3.1."""
    scheme, _, text = authorization.partition(" ")
    if scheme == "Basic":
        name, _, secret = b64decode(text).decode().partition(":")
        return (unquote(name), unquote(secret)) == (CLIENT_ID, SECRET)
    return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, SECRET)

"""What apps talk to: discovery, tokens, their end, what they are, and who somebody is (A-14)."""

import base64
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from falcon.asgi import Request, Response

from api.origins import origin_of
from api.resources.accounts import JWKS_CACHE
from jobs.accounts import present
from jobs.oauth.apps import CODE, CREDENTIALS, REFRESH, recognized
from jobs.oauth.granting import Exchange, Granting
from jobs.oauth.scopes import EMAIL, OPENID, PROFILE, known
from jobs.oauth.standing import Inspector
from jobs.signing_keys import ALGORITHM
from models.kernel.clock import Clock
from models.kernel.denials import AppRefused, InvalidClient
from models.kernel.errors import InsufficientPermissions
from models.kernel.ids import wire_id
from models.kernel.settings import Network
from models.oauth import App

_SHOWN_BY: Final = ("client_secret_basic", "client_secret_post", "none")
_CLAIMS: Final = (
    "iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "amr", "at_hash",
    "name", "updated_at", "email", "email_verified",
)  # fmt: skip


class Discovery:
    """What there is and where."""

    def __init__(self, issuer: str) -> None:
        """Take the public address that issues."""
        self.told = _metadata(issuer)

    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer the metadata."""
        resp.media = self.told
        resp.set_header("Cache-Control", JWKS_CACHE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """What the endpoints of apps act through."""

    granting: Granting
    inspector: Inspector
    proxies: tuple[Network, ...]
    clock: Clock

    def app_of(self, req: Request) -> App:
        """Return the app that calls; raise `InvalidClient`, or `AppRefused` for two in one."""
        client_id, secret = _client(req)
        return recognized(client_id, secret, origin_of(req, self.proxies), self.clock)


class TokenEndpoint:
    """Tokens for apps."""

    def __init__(self, till: Till) -> None:
        """Take what the endpoints act through."""
        self._till = till

    def on_post(self, req: Request, resp: Response) -> None:
        """Answer tokens for a code, a refresh token, or the app itself."""
        app, origin = self._till.app_of(req), origin_of(req, self._till.proxies)
        resp.media = self._till.granting.exchange(Exchange(app, req.context.body, origin))
        resp.set_header("Pragma", "no-cache")

    def on_post_revoke(self, req: Request, _resp: Response) -> None:
        """End a token, and what came of the same authorization."""
        self._till.inspector.revoke(_token(req), self._till.app_of(req))

    def on_post_introspect(self, req: Request, resp: Response) -> None:
        """Say what a token of the app is good for."""
        app = self._till.app_of(req)
        if not app.is_confidential:
            raise InvalidClient("only an app with a secret looks at tokens")
        resp.media = self._till.inspector.inspect(_token(req), app)


class Users:
    """Who somebody is, for apps."""

    def on_get(self, req: Request, resp: Response) -> None:
        """Tell as much as the scopes of the token allow."""
        principal = req.context.principal
        scopes = principal.scopes
        if OPENID not in scopes:
            raise InsufficientPermissions(f"this needs an app's token with the scope {OPENID}")
        person = present(principal.user_id)
        told: dict[str, Any] = {"sub": wire_id("user", person.id)}
        if PROFILE in scopes:
            told |= {"name": person.name, "updated_at": int(person.updated_at.timestamp())}
        if EMAIL in scopes:
            is_verified = person.email_verified_at is not None
            told |= {"email": person.email, "email_verified": is_verified}
        resp.media = told


def _client(req: Request) -> tuple[str, str]:
    """Return what an app calls itself and shows: by HTTP Basic or in the form, and not by both."""
    body = req.context.body
    header = req.get_header("Authorization") or ""
    if not header:
        return body.get("client_id", ""), body.get("client_secret", "")
    if "client_secret" in body:
        raise AppRefused("show the secret by HTTP Basic or in the form, and not by both")
    client_id, secret = _basic(header)
    if body.get("client_id", client_id) != client_id:
        raise AppRefused("client_id is another in the form")
    return client_id, secret


def _basic(header: str) -> tuple[str, str]:
    """Read HTTP Basic as RFC 6749 §2.3.1 has it: both parts are encoded as in a form."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (NotBase64, ValueError) as error:
        raise InvalidClient from error
    client_id, colon, secret = text.partition(":")
    if not colon or "\0" in text or "%00" in text:
        raise InvalidClient
    return unquote_plus(client_id), unquote_plus(secret)


def _token(req: Request) -> str:
    token: str = req.context.body.get("token", "")
    if not token:
        raise AppRefused("token is missing")
    return token


def _metadata(issuer: str) -> dict[str, Any]:
    endpoints = ("token", "userinfo", "authorize", "revoke", "introspect")
    at = {name: f"{issuer}/oauth/{name}" for name in endpoints}
    return {
        "issuer": issuer,
        "authorization_endpoint": at["authorize"],
        "token_endpoint": at["token"],
        "userinfo_endpoint": at["userinfo"],
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "revocation_endpoint": at["revoke"],
        "introspection_endpoint": at["introspect"],
        "scopes_supported": list(known()),
        "claims_supported": list(_CLAIMS),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [CODE, REFRESH, CREDENTIALS],
        "subject_types_supported": ["public"],
        "prompt_values_supported": ["none", "login", "consent"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(_SHOWN_BY),
        "revocation_endpoint_auth_methods_supported": list(_SHOWN_BY),
        "introspection_endpoint_auth_methods_supported": list(_SHOWN_BY[:2]),
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "service_documentation": f"{issuer}/docs",
    }

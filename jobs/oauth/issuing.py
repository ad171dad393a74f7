"""Issuing: the tokens an app is answered with (RFC 9068, OpenID Connect Core §2)."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from jobs.oauth.scopes import OPENID
from jobs.tokens import Delegated, Tokens
from models.kernel.ids import wire_id
from models.oauth import App, Authorization

_HALF: Final = 16


@dataclass(frozen=True, slots=True)
class Issue:
    """What tokens are made for: an authorization, its app, and the scopes of this time."""

    authorization: Authorization
    app: App
    scopes: frozenset[str]

    @property
    def subject(self) -> str:
        """Whom the tokens are about: a person, or an app that acts for itself."""
        if self.authorization.grant_id is None:
            return str(self.app.client_id)
        return wire_id("user", self.authorization.user_id)


def answer(issue: Issue, refresh_token: str, tokens: Tokens) -> dict[str, Any]:
    """Return the answer of the token endpoint (RFC 6749 §5.1)."""
    access_token = _access_token(issue, tokens)
    told: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": tokens.seconds,
        "scope": " ".join(sorted(issue.scopes)),
    }
    if refresh_token:
        told["refresh_token"] = refresh_token
    if OPENID in issue.scopes:
        told["id_token"] = _id_token(issue, access_token, tokens)
    return told


def _access_token(issue: Issue, tokens: Tokens) -> str:
    delegated = Delegated(issue.authorization.id, issue.scopes)
    return tokens.issue_for_app(issue.subject, delegated, {"client_id": issue.app.client_id})


def _id_token(issue: Issue, access_token: str, tokens: Tokens) -> str:
    authorization, client_id = issue.authorization, str(issue.app.client_id)
    own = {
        "azp": client_id,
        "auth_time": int(authorization.authenticated_at.timestamp()),
        "amr": list(authorization.methods),
        "at_hash": _half_hash(access_token),
        **({"nonce": authorization.nonce} if authorization.nonce is not None else {}),
    }
    return tokens.issue_id_token(issue.subject, client_id, own)


def _half_hash(token: str) -> str:
    """Return the left half of a token's SHA-256, which binds an ID token to it."""
    half = sha256(token.encode()).digest()[:_HALF]
    return urlsafe_b64encode(half).decode().rstrip("=")

"""Standing: whether an app's token holds, asked at each request; looking at tokens; ending them.

RFC 7662 (introspection), RFC 7009 (revocation). An app learns of its own tokens alone, and ends
no other's; for anything else the answer is that of a token nobody made.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jobs.oauth.scopes import narrowed
from jobs.refresh_tokens import AppRefreshToken
from jobs.tokens import Delegated, Tokens
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import NotFound, TokenExpired, Unauthorized
from models.oauth import REVOKED, App, Authorization, AuthorizationStanding, Grant
from models.people import AuditEntry


def standing_of(delegated: Delegated, clock: Clock) -> tuple[AuthorizationStanding, frozenset[str]]:
    """Return how an authorization stands, and the scopes a token of it opens now.

    Raises `Unauthorized` for one that ended, whose grant ended, or whose person does not hold;
    `TokenExpired`.
    """
    found = AuthorizationStanding.of_id(delegated.authorization_id)
    if found is None or not found.person.is_active:
        raise Unauthorized("this authorization has ended")
    if found.expires_at <= clock.now():
        raise TokenExpired("this authorization is over")
    return found, narrowed(delegated.scopes & found.scopes, found.person.permissions)


def end_grant(grant_id: UUID, person_id: UUID, request_id: str, clock: Clock) -> None:
    """End what a person granted an app, and every token of it; raise `NotFound`."""
    now = clock.now()
    with database.unit():
        if not Grant.end(grant_id, person_id, now):
            raise NotFound("there is no such grant")
        Authorization.end(Authorization.grant == grant_id, REVOKED, now)
        grant = Grant.get_by_id(grant_id)
        AuditEntry.create(
            account_id=grant.account_id,
            person_id=person_id,
            actor_id=person_id,
            action="oauth.grant.ended",
            details={"client_id": grant.app.client_id},
            request_id=request_id,
            created_at=now,
        )


class Inspector:
    """Looks at tokens for the app they were made for, and ends them."""

    def __init__(self, tokens: Tokens, key: bytes, clock: Clock) -> None:
        """Take what reads access tokens, the key of the chain of refresh tokens, and the time."""
        self._tokens = tokens
        self._key = key
        self._clock = clock

    def inspect(self, token: str, app: App) -> dict[str, Any]:
        """Return what an app may know of a token; no more than that it does not hold, if not."""
        row = self._authorization(token)
        if row is None or row.app_id != app.id:
            return {"active": False}
        try:
            return {"active": True, **self._told(token, row)}
        except Unauthorized:
            return {"active": False}

    def revoke(self, token: str, app: App) -> None:
        """End the authorization of a token of this app, and so every token of it."""
        row = self._authorization(token)
        if row is not None and row.app_id == app.id:
            Authorization.end(Authorization.id == row.id, REVOKED, self._clock.now())

    def _authorization(self, token: str) -> Authorization | None:
        """Return that of an access token that is good, or of the last refresh token."""
        try:
            if token.startswith(AppRefreshToken.mark):
                return self._refreshable(AppRefreshToken.read(token))
            delegated, _ = self._tokens.read_of_app(token)
        except Unauthorized:
            return None
        return Authorization.by_id(delegated.authorization_id)

    def _refreshable(self, given: AppRefreshToken) -> Authorization | None:
        row = Authorization.by_id(given.session_id)
        if row is None or row.refresh_digest is None:
            return None
        last = given.descendant(self._key, row.generation)
        return row if last.is_kept(row.kept_digest) else None

    def _told(self, token: str, row: Authorization) -> Mapping[str, Any]:
        if not token.startswith(AppRefreshToken.mark):
            delegated, claims = self._tokens.read_of_app(token)
            _, scopes = standing_of(delegated, self._clock)
            kept = {name: claims[name] for name in ("iss", "aud", "sub", "iat", "exp", "jti")}
            return {
                **kept,
                "scope": " ".join(sorted(scopes)),
                "client_id": row.app.client_id,
                "token_type": "Bearer",
            }
        if AppRefreshToken.read(token).generation != row.generation:
            raise Unauthorized
        _, scopes = standing_of(Delegated(row.id, frozenset(row.scopes)), self._clock)
        return {
            "scope": " ".join(sorted(scopes)),
            "client_id": row.app.client_id,
            "exp": int(row.expires_at.timestamp()),
        }

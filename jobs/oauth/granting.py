"""Granting: tokens for a code, for a refresh token, or for an app itself (RFC 6749 §4 and §6).

A code is good once, for a minute, for the app, redirect URI and PKCE challenge it was made for;
shown again, it ends what came of it. A refresh token is replaced at each use; an old one ends its
authorization, unless the answer to it may just have been lost.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from jobs.attempts import OK, WRONG, Attempt, Origin, record
from jobs.logins import GRACE
from jobs.oauth.apps import CODE, CREDENTIALS, GRANT_TYPES, REFRESH, owner_of
from jobs.oauth.authorizing import digest_of
from jobs.oauth.issuing import Issue, answer
from jobs.oauth.scopes import OFFLINE, as_permissions, asked_for, narrowed
from jobs.refresh_tokens import AppRefreshToken
from jobs.tokens import Tokens
from models.kernel.clock import Clock
from models.kernel.denials import (
    AppRefused,
    InvalidGrant,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from models.kernel.errors import Unauthorized
from models.kernel.ids import new_id
from models.kernel.secrets import Secrets
from models.oauth import App, Authorization, AuthorizationStanding

PURPOSE: Final = "app-refresh-tokens"

_ACTION: Final = "oauth_token"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What an app that has shown who it is sends to the token endpoint, and from where."""

    app: App
    fields: Mapping[str, str]
    origin: Origin

    def needed(self, name: str) -> str:
        """Return a field; raise `AppRefused` without it."""
        value = self.fields.get(name, "")
        if not value:
            raise AppRefused(f"{name} is missing")
        return value


class Granting:
    """Answers the token endpoint."""

    def __init__(self, tokens: Tokens, secrets: Secrets, days: int, clock: Clock) -> None:
        """Take what signs, the house's secret, how long an authorization lasts, and the time."""
        self._tokens = tokens
        self._key = secrets.derive(PURPOSE)
        self._longest = timedelta(days=days)
        self._clock = clock

    def exchange(self, exchange: Exchange) -> dict[str, Any]:
        """Return tokens; raise one of `AppRefused`'s family. Every try is written down."""
        kind = exchange.needed("grant_type")
        if kind not in GRANT_TYPES:
            raise UnsupportedGrantType
        if kind not in exchange.app.grant_types:
            raise UnauthorizedClient
        by = {CODE: self._by_code, REFRESH: self._by_refresh, CREDENTIALS: self._by_credentials}
        try:
            told, row = by[kind](exchange)
        except AppRefused:
            self._note(WRONG, exchange)
            raise
        self._note(OK, exchange, row)
        return told

    def _by_code(self, exchange: Exchange) -> tuple[dict[str, Any], Authorization]:
        verifier, uri = exchange.needed("code_verifier"), exchange.needed("redirect_uri")
        row = Authorization.of_code(digest_of(exchange.needed("code")))
        if row is None or row.app_id != exchange.app.id:
            raise InvalidGrant
        if row.redeemed_at is not None:
            raise self._replayed(row, exchange)
        if row.redirect_uri != uri:
            raise InvalidGrant("redirect_uri is not the one the code was made for")
        if not hmac.compare_digest(_challenge(verifier), row.challenge.encode()):
            raise InvalidGrant("code_verifier does not fit")
        return self._redeemed(row, exchange)

    def _redeemed(
        self, row: Authorization, exchange: Exchange
    ) -> tuple[dict[str, Any], Authorization]:
        is_lasting = OFFLINE in row.scopes and REFRESH in exchange.app.grant_types
        token = AppRefreshToken.first(row.id) if is_lasting else None
        now = self._clock.now()
        ends = now + (self._longest if token else timedelta(seconds=self._tokens.seconds))
        if not row.redeem(token.digest if token else None, now, ends):
            fresh = Authorization.by_id(row.id)
            raise self._replayed(row, exchange) if fresh and fresh.redeemed_at else InvalidGrant
        return self._told(row, exchange, frozenset(row.scopes), token), row

    def _replayed(self, row: Authorization, exchange: Exchange) -> InvalidGrant:
        """End what came of a code that is shown again: one of the two who have it stole it."""
        Authorization.end(Authorization.id == row.id, "replay", self._clock.now())
        self._note("reused", exchange, row)
        return InvalidGrant("this code was used before: what came of it has ended")

    def _by_refresh(self, exchange: Exchange) -> tuple[dict[str, Any], Authorization]:
        try:
            given = AppRefreshToken.read(exchange.needed(REFRESH))
            row = self._alive(given, exchange)
            return self._refreshed(given, row, exchange), row
        except Unauthorized as error:
            raise InvalidGrant from error

    def _refreshed(
        self, given: AppRefreshToken, row: Authorization, exchange: Exchange
    ) -> dict[str, Any]:
        scopes = frozenset(row.scopes)
        if exchange.fields.get("scope"):
            scopes = asked_for(exchange.fields["scope"], scopes)
        if self._is_last(given, row):
            child = given.child(self._key)
            if row.rotate(child.digest, self._clock.now()):
                return self._told(row, exchange, scopes, child)
            row = self._alive(given, exchange)
        return self._told(row, exchange, scopes, self._reused(given, row, exchange))

    def _alive(self, given: AppRefreshToken, exchange: Exchange) -> Authorization:
        row = Authorization.by_id(given.session_id)
        if row is None or row.app_id != exchange.app.id or row.refresh_digest is None:
            raise InvalidGrant
        if row.ended_at is not None or row.expires_at <= self._clock.now():
            raise InvalidGrant("this authorization is over")
        return row

    def _is_last(self, given: AppRefreshToken, row: Authorization) -> bool:
        return given.generation == row.generation and given.is_kept(row.kept_digest)

    def _reused(
        self, given: AppRefreshToken, row: Authorization, exchange: Exchange
    ) -> AppRefreshToken:
        """Return the last token to who used the one before a moment ago; else end them all."""
        last = given.descendant(self._key, row.generation)
        if given.generation == row.generation or not last.is_kept(row.kept_digest):
            raise InvalidGrant
        now = self._clock.now()
        if given.generation + 1 == row.generation and now - row.rotated_at <= GRACE:
            return last
        Authorization.end(Authorization.id == row.id, "reuse", now)
        self._note("reused", exchange, row)
        raise InvalidGrant("this refresh token was used before: the authorization has ended")

    def _by_credentials(self, exchange: Exchange) -> tuple[dict[str, Any], Authorization]:
        """Let an app act for the account that registered it, within what its owner may do."""
        app, now = exchange.app, self._clock.now()
        if not app.is_confidential or owner_of(app) is None:
            raise UnauthorizedClient
        may = as_permissions(frozenset(app.scopes))
        scopes = asked_for(exchange.fields.get("scope", ""), may) or may
        if not scopes:
            raise InvalidScope("the app has no scope to act with by itself")
        row = Authorization.create(
            id=new_id(),
            account=app.account_id,
            user=app.user_id,
            app=app.id,
            scopes=sorted(scopes),
            authenticated_at=now,
            redeemed_at=now,
            rotated_at=now,
            created_at=now,
            expires_at=now + timedelta(seconds=self._tokens.seconds),
        )
        return self._told(row, exchange, scopes, None), row

    def _told(
        self,
        row: Authorization,
        exchange: Exchange,
        scopes: frozenset[str],
        token: AppRefreshToken | None,
    ) -> dict[str, Any]:
        """Return the answer, of what still stands: the grant, the person, and what they may."""
        found = AuthorizationStanding.of_id(row.id)
        if found is None or not found.person.is_active:
            raise InvalidGrant("this authorization is over")
        issue = Issue(row, exchange.app, narrowed(scopes & found.scopes, found.person.permissions))
        return answer(issue, token.text if token else "", self._tokens)

    def _note(self, outcome: str, exchange: Exchange, row: Authorization | None = None) -> None:
        attempt = Attempt(
            action=_ACTION,
            outcome=outcome,
            person_id=row.user_id if row else None,
            session_id=row.id if row else None,
        )
        record(attempt, exchange.origin, self._clock)


def _challenge(verifier: str) -> bytes:
    """Return what a PKCE verifier hashes to (RFC 7636 §4.6)."""
    digest = sha256(verifier.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=")

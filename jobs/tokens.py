"""Access tokens: JWTs signed RS256, good for a quarter of an hour (A-02, A-03).

A token says who, and by which login; whether both still hold is asked of their rows at each
request. What signs it is in `jobs/signing_keys.py`.

A pass is a token of another audience: the password fits, the second factor is still to come. It
opens nothing, and is good for five minutes. Tokens of apps (RFC 9068) have an audience of their own
too, and ID tokens that of their app: none passes for another kind.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import RSAKey

from jobs.signing_keys import ALGORITHM, SigningKeys
from models.accounts import Person
from models.kernel.clock import Clock
from models.kernel.errors import TokenExpired, Unauthorized
from models.kernel.ids import new_id, parse_id, wire_id
from models.kernel.loopback import is_loopback
from models.kernel.secrets import Secrets

MINUTES: Final = 15
MFA_SECONDS: Final = 300
AUDIENCE: Final = "ilm"
MFA_AUDIENCE: Final = "ilm-mfa"
APP_AUDIENCE: Final = "ilm-api"
RFC_9068: Final = "at+jwt"

_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whom a token is of, and by which login."""

    person_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class Delegated:
    """By which authorization an app's token is, and the scopes it is for."""

    authorization_id: UUID
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pass:
    """Whose password fitted, and what they wanted of the login."""

    person_id: UUID
    device: str
    has_cookie: bool


class Tokens:
    """Issues and reads access tokens."""

    def __init__(
        self, issuer: str, secrets: Secrets, clock: Clock, *, minutes: int = MINUTES
    ) -> None:
        """Take the public address that issues, what unseals the keys, and the time.

        `minutes` is for how long the tokens are good that are issued here (A-03).
        """
        self._issuer = issuer
        self._clock = clock
        self._keys = SigningKeys(secrets, clock)
        self.seconds: Final = minutes * 60
        """For how long an access token is good."""

    def issue(self, person: Person, session_id: UUID) -> str:
        """Return a token that says who this is, until it is over."""
        own = {"sid": wire_id("sess", session_id), "role": person.role_held, "tier": person.tier}
        return self._signed(wire_id("user", person.id), AUDIENCE, self.seconds, own)

    def issue_for_app(self, subject: str, delegated: Delegated, own: Mapping[str, Any]) -> str:
        """Return an app's access token (RFC 9068), as good for long as a login's."""
        claims = {
            **own,
            "scope": " ".join(sorted(delegated.scopes)),
            "authorization": delegated.authorization_id.hex,
        }
        return self._signed(subject, APP_AUDIENCE, self.seconds, claims, kind=RFC_9068)

    def issue_id_token(self, subject: str, client_id: str, own: Mapping[str, Any]) -> str:
        """Return what tells an app who somebody is (OpenID Connect Core §2)."""
        return self._signed(subject, client_id, self.seconds, own)

    def read(self, token: str) -> Claimed:
        """Return whose token this is; raise `TokenExpired` or `Unauthorized`."""
        return _claimed(self._verified(token, AUDIENCE))

    def read_any(self, token: str) -> Claimed | Delegated:
        """Return whose token this is, or by which authorization; raise as `read` does."""
        claims = self._verified(token, AUDIENCE, APP_AUDIENCE)
        return _delegated(claims) if claims["aud"] == APP_AUDIENCE else _claimed(claims)

    def read_of_app(self, token: str) -> tuple[Delegated, Mapping[str, Any]]:
        """Return by which authorization an app's token is, and all its claims; raise as `read`."""
        claims = self._verified(token, APP_AUDIENCE)
        return _delegated(claims), claims

    def issue_pass(self, granted: Pass) -> str:
        """Return what ends a login together with a second factor, for five minutes."""
        own = {"device": granted.device, "cookie": granted.has_cookie}
        return self._signed(wire_id("user", granted.person_id), MFA_AUDIENCE, MFA_SECONDS, own)

    def read_pass(self, token: str) -> Pass:
        """Return whose password fitted; raise `TokenExpired` or `Unauthorized`."""
        claims = self._verified(token, MFA_AUDIENCE)
        try:
            person_id = parse_id("user", str(claims["sub"]))
        except ValueError as error:
            raise Unauthorized from error
        return Pass(person_id, str(claims.get("device", "")), claims.get("cookie") is True)

    def _signed(
        self, subject: str, audience: str, seconds: int, own: Mapping[str, Any], *, kind: str = ""
    ) -> str:
        now = int(self._clock.now().timestamp())
        signer = self._keys.signer
        claims = {
            "iss": self._issuer,
            "aud": audience,
            "sub": subject,
            "iat": now,
            "exp": now + seconds,
            "jti": new_id().hex,
            **own,
        }
        header = {"alg": ALGORITHM, "kid": signer.kid, **({"typ": kind} if kind else {})}
        return jwt.encode(header, claims, signer, algorithms=[ALGORITHM])

    def _verified(self, token: str, *audiences: str) -> dict[str, Any]:
        """Return the claims of a token of ours that is good now."""
        if len(token) > _LONGEST:
            raise Unauthorized
        try:
            claims = jwt.decode(token, self._key_of, algorithms=[ALGORITHM]).claims
            self._rules(audiences).validate(claims)
        except ExpiredTokenError as error:
            raise TokenExpired from error
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthorized from error
        if claims["aud"] not in audiences or not self._is_ours(str(claims["iss"])):
            raise Unauthorized
        return claims

    def published(self) -> dict[str, Any]:
        """Return the public halves as a JWK set (RFC 7517)."""
        return {"keys": list(self._keys.published)}

    def _is_ours(self, issuer: str) -> bool:
        """Say whether an issuer is this installation: on one machine, any of its ports."""
        return issuer == self._issuer or (is_loopback(issuer) and is_loopback(self._issuer))

    def _rules(self, audiences: Sequence[str]) -> jwt.JWTClaimsRegistry:
        """Say what must hold; of one audience, so that no token passes for another kind."""
        return jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            iss={"essential": True},
            aud={"essential": True, "values": list(audiences)},
            sub={"essential": True},
            exp={"essential": True},
        )

    def _key_of(self, token: Any) -> RSAKey:
        """Return the key a token names."""
        return self._keys.named(str(token.headers().get("kid", "")))


def ends_at(token: str) -> datetime | None:
    """Return when a token ends that was found good; None for what is no JWT, such as a key."""
    try:
        claims = json.loads(jws.extract_compact(token.encode()).payload)
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (JoseError, ValueError, TypeError, KeyError, OverflowError, OSError):
        return None


def _claimed(claims: Mapping[str, Any]) -> Claimed:
    try:
        session_id = parse_id("sess", str(claims.get("sid")))
        return Claimed(parse_id("user", str(claims["sub"])), session_id)
    except ValueError as error:
        raise Unauthorized from error


def _delegated(claims: Mapping[str, Any]) -> Delegated:
    try:
        authorization_id = UUID(hex=str(claims.get("authorization")))
    except ValueError as error:
        raise Unauthorized from error
    return Delegated(authorization_id, frozenset(str(claims.get("scope", "")).split()))

"""OpenID Connect providers, Google among them: the code flow with PKCE, state and nonce (A-16)."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from jobs.issuers.keys import ALGORITHMS, IssuerKeys, Key, imported
from jobs.issuers.newcomers import Outsider, Source, email_of, name_of
from jobs.issuers.signatures import audiences_of, verified
from jobs.issuers.trust import DISCOVERY
from jobs.social.exchanging import challenge_of, exchanged
from jobs.social.provider import Client, Trip, source_of
from models.kernel.clock import Clock
from models.kernel.errors import Unauthorized, Unavailable
from models.kernel.http import Egress

FRESH_SECONDS: Final = 3_600.0
PAUSE_SECONDS: Final = 60.0
FIRST_PAUSE_SECONDS: Final = 5.0

_BASIC: Final = "client_secret_basic"
_ADDRESSES: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class _Known:
    """What a provider has published, and when it was read."""

    told: Mapping[str, Any]
    keys: Mapping[str, tuple[Key, tuple[str, ...]]]
    read_at: float


class OpenIdProvider:
    """One issuer at which people sign in."""

    def __init__(self, client: Client, egress: Egress, clock: Clock) -> None:
        """Take who we are there, what calls out, and the time."""
        self.client = client
        self._egress = egress
        self._reader = IssuerKeys(egress, clock)
        self._clock = clock
        self._known: _Known | None = None
        self._asked_at = -PAUSE_SECONDS

    @property
    def source(self) -> Source:
        """Whose word it is."""
        return source_of(self.client)

    def address(self, trip: Trip) -> str:
        """Return where to send somebody."""
        asked = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": trip.redirect_uri,
            "scope": "openid email profile",
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": challenge_of(trip.verifier),
            "code_challenge_method": "S256",
        }
        endpoint = str(self._published().told["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def whom(self, code: str, issuer: str, trip: Trip) -> Outsider:
        """Return who came back, by the ID token (OpenID Connect Core §3.1.3.7)."""
        told = self._published().told
        wants_issuer = told.get("authorization_response_iss_parameter_supported") is True
        if (issuer or wants_issuer) and issuer != self.client.url:
            raise Unauthorized
        claims = self._read(self._id_token(told, code, trip))
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode("utf-8", "surrogatepass"), trip.nonce.encode()
        ):
            raise Unauthorized
        return Outsider(
            subject=claims["sub"],
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            email=email_of(claims.get("email")) if claims.get("email_verified") is True else "",
            name=name_of(claims.get("name")),
        )

    def _id_token(self, told: Mapping[str, Any], code: str, trip: Trip) -> str:
        methods = told.get("token_endpoint_auth_methods_supported", [_BASIC])
        own, headers = {"client_id": self.client.client_id}, {}
        if isinstance(methods, list) and _BASIC in methods:
            pair = f"{quote(self.client.client_id, safe='')}:{quote(self.client.secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            own["client_secret"] = self.client.secret
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": trip.verifier}
        form |= {"redirect_uri": trip.redirect_uri, **own}
        said = exchanged(self._egress, str(told["token_endpoint"]), form, headers)
        token = said.get("id_token")
        if not isinstance(token, str):
            raise Unauthorized
        return token

    def _read(self, token: str) -> Mapping[str, Any]:
        """Return the claims of an ID token that this issuer signed for us."""
        claims = verified(token, self._key, ALGORITHMS, self._clock.now())
        named = audiences_of(claims)
        ours = self.client.client_id
        is_party = claims.get("azp", ours) == ours and (len(named) == 1 or "azp" in claims)
        if claims["iss"] != self.client.url or ours not in named or not is_party:
            raise Unauthorized
        return claims

    def _key(self, kid: str, algorithm: str) -> Key:
        known = self._published()
        if kid not in known.keys and self._may_ask():
            known = self._ask()
        key, algorithms = known.keys.get(kid, (None, ()))
        if key is None or algorithm not in algorithms:
            raise Unauthorized
        return key

    def _published(self) -> _Known:
        """Return what the provider has published, read again after an hour if it answers."""
        known = self._known
        if known is not None and self._clock.elapsed() - known.read_at < FRESH_SECONDS:
            return known
        if not self._may_ask():
            if known is None:
                raise Unavailable("this provider does not answer", retry_after=FIRST_PAUSE_SECONDS)
            return known
        try:
            return self._ask()
        except Unavailable:
            if known is None:
                raise
            return known

    def _may_ask(self) -> bool:
        """Say whether the last try is long enough ago; before the first success that is sooner."""
        pause = FIRST_PAUSE_SECONDS if self._known is None else PAUSE_SECONDS
        return self._clock.elapsed() - self._asked_at >= pause

    def _ask(self) -> _Known:
        self._asked_at = self._clock.elapsed()
        told = self._reader.document(self.client.url.rstrip("/") + DISCOVERY)
        if told.get("issuer") != self.client.url:
            raise Unavailable("this provider says that it is another one")
        if not all(str(told.get(name)).startswith(("https://", "http://")) for name in _ADDRESSES):
            raise Unavailable("this provider does not say where to sign in")
        keys = imported(self._reader.read(str(told["jwks_uri"])))
        self._known = _Known(told, keys, self._clock.elapsed())
        return self._known

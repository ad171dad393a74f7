"""Outsiders: who calls with a token of an issuer outside this house (A-05, X-2).

The token's `iss` names the issuer, to the letter; everything else is the issuer's own: its keys,
the algorithms it signs with, the audiences that mean us. A token for another place does not pass
here, nor one that is good only together with something else (`cnf`, RFC 7800).
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from jobs.attempts import Origin
from jobs.issuers.keys import IssuerKeys
from jobs.issuers.newcomers import Newcomers, Outsider, Source, email_of, name_of
from jobs.issuers.signatures import LONGEST, audiences_of, verified
from jobs.people import TIERS
from models.accounts import Standing
from models.issuers import Issuer
from models.kernel.clock import Clock
from models.kernel.errors import Unauthorized
from models.roles import roles

_LONGEST_URL: Final = 500
_PARTS: Final = 3


class Outsiders:
    """Tells who calls by a token of a trusted issuer."""

    def __init__(self, own: str, keys: IssuerKeys, clock: Clock) -> None:
        """Take our own `iss`, what finds the keys of others, and the time."""
        self._own = own
        self._keys = keys
        self._newcomers = Newcomers(clock)
        self._clock = clock

    def standing(self, token: str, origin: Origin) -> Standing | None:
        """Return how the person stands whose token this is; None if no trusted issuer's.

        Raises `TokenExpired`, `Unauthorized`, and `Unavailable` when the issuer's keys cannot be
        read.
        """
        url = _issuer_of(token)
        issuer = Issuer.trusted(url) if url and url != self._own else None
        if issuer is None:
            return None
        claims = self._verified(token, issuer)
        person = self._newcomers.person_of(Source.of(issuer), _told(claims, issuer), origin)
        if not person.is_active:
            raise Unauthorized
        return person

    def _verified(self, token: str, issuer: Issuer) -> Mapping[str, Any]:
        """Return the claims of a token that the issuer has signed for us, and that is good now."""
        claims = verified(
            token,
            lambda kid, algorithm: self._keys.find(issuer, kid, algorithm),
            issuer.algorithms,
            self._clock.now(),
        )
        if claims["iss"] != issuer.url or not set(audiences_of(claims)) & set(issuer.audiences):
            raise Unauthorized
        return claims


def _issuer_of(token: str) -> str:
    """Return the `iss` a token claims, before anything of it is believed; empty for none."""
    parts = token.split(".")
    if len(token) > LONGEST or len(parts) != _PARTS:
        return ""
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return ""
    url = claims.get("iss") if isinstance(claims, dict) else None
    is_address = isinstance(url, str) and url.isprintable() and len(url) <= _LONGEST_URL
    return str(url) if is_address else ""


def _told(claims: Mapping[str, Any], issuer: Issuer) -> Outsider:
    """Return what the issuer tells of somebody, as far as it may."""
    named = issuer.claims
    is_verified = claims.get(named.get("email_verified", "")) is True
    return Outsider(
        subject=str(claims["sub"]),
        issued_at=datetime.fromtimestamp(float(claims["iat"]), UTC),
        email=email_of(claims.get(named.get("email", ""))) if is_verified else "",
        name=name_of(claims.get(named.get("name", ""))),
        role=_greatest(claims.get(named.get("role", "")), issuer.roles, roles()),
        tier=_greatest(claims.get(named.get("tier", "")), issuer.tiers, TIERS),
    )


def _greatest(said: Any, allowed: Sequence[str], order: Sequence[str]) -> str:
    """Return the greatest of what is said that the issuer may give, empty when nothing is."""
    named = said if isinstance(said, list) else [said]
    may = [each for each in order if each in named and each in allowed]
    return may[-1] if may else ""

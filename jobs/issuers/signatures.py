"""Signatures of tokens that others issue: what is checked of each, whoever it is for (RFC 8725)."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

from jobs.issuers.keys import Key
from models.kernel.errors import TokenExpired, Unauthorized

LEEWAY_SECONDS: Final = 60
LONGEST: Final = 8_192
LONGEST_SUBJECT: Final = 255

_TYPES: Final = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})


def verified(
    token: str,
    key_of: Callable[[str, str], Key],
    algorithms: Collection[str],
    now: datetime,
) -> Mapping[str, Any]:
    """Return the claims of a token that one of these algorithms signed, and that is good now.

    `key_of` finds a key by its kid and the algorithm. The claims `iss`, `aud`, `sub`, `exp` and
    `iat` are there; whom they name is for the caller to check. Raises `TokenExpired`,
    `Unauthorized`, and what `key_of` raises.
    """
    if len(token) > LONGEST:
        raise Unauthorized

    def named(signed: Any) -> Key:
        header = signed.headers()
        kid, algorithm = header.get("kid"), header.get("alg")
        is_kind = str(header.get("typ", "")).lower() in _TYPES
        if not isinstance(kid, str) or not is_kind or algorithm not in algorithms:
            raise Unauthorized
        return key_of(kid, algorithm)

    registry = _Signatures(algorithms=algorithms, strict_check_header=False)
    try:
        claims = jwt.decode(token, named, registry=registry).claims
        _rules(now).validate(claims)
    except ExpiredTokenError as error:
        raise TokenExpired from error
    except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unauthorized from error
    if not _is_whole(claims):
        raise Unauthorized
    return claims


class _Signatures(JWSRegistry):
    """The algorithms of one issuer, and no other.

    Also `EdDSA`, of which the library would warn for its name alone (RFC 9864).
    """

    def get_alg(self, name: str) -> Any:
        """Return an algorithm; raise `UnsupportedAlgorithmError` for any other."""
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


def _rules(now: datetime) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True},
        aud={"essential": True},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )


def _is_whole(claims: Mapping[str, Any]) -> bool:
    """Say whether a subject and its times can be kept, and whoever bears the token may use it."""
    subject = claims["sub"]
    is_text = isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT
    is_timely = bool(0 < claims["iat"] < claims["exp"])
    return is_text and subject.isprintable() and is_timely and "cnf" not in claims


def audiences_of(claims: Mapping[str, Any]) -> list[str]:
    """Return whom a token is for."""
    named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    return [each for each in named if isinstance(each, str)]

"""Keys of outside issuers: read from where they publish them, kept, and used while they are away.

They are read again after an hour, and when a token names a key that is not among them: once a
minute at most, by one thread of the whole fleet, since the turn is taken in the issuer's row. An
issuer that fails is left alone for longer each time. Nobody else waits: kept keys go on being used
for a day, and then no token of the issuer can be checked.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from models.issuers import Issuer
from models.kernel.clock import Clock
from models.kernel.errors import Invalid, Unauthorized, Unavailable
from models.kernel.http import Egress
from models.kernel.logs import get_logger

Key = RSAKey | ECKey | OKPKey

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
SECONDS: Final = 3.0
FRESH: Final = timedelta(hours=1)
PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(minutes=15)
KEPT: Final = timedelta(days=1)
MOST_KEYS: Final = 50

_LONGEST_KID: Final = 256
_DOUBLINGS: Final = 4
_OK: Final = 200
_MODULUS: Final = (342, 683)
"""Characters of an RSA modulus of 2 048 to 4 096 bits in base64url."""
_EXPONENT: Final = 6
_RSA: Final = ("RSA", "")
_KINDS: Final[Mapping[tuple[str, str], tuple[type[Any], tuple[str, ...]]]] = {
    _RSA: (RSAKey, ("RS256", "PS256")),
    ("EC", "P-256"): (ECKey, ("ES256",)),
    ("OKP", "Ed25519"): (OKPKey, ("EdDSA", "Ed25519")),
}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    """The keys of an issuer as a process holds them, by their kid."""

    read_at: datetime
    keys: Mapping[str, tuple[Key, tuple[str, ...]]]


class IssuerKeys:
    """Finds the key that a token of an outside issuer names."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        """Take what calls out, and the time."""
        self._egress = egress
        self._clock = clock
        self._held: dict[UUID, _Held] = {}

    def find(self, issuer: Issuer, kid: str, algorithm: str) -> Key:
        """Return the key of this name that is for this algorithm.

        Raises `Unauthorized` when the issuer has none, and `Unavailable` when its keys were not
        read for a day.
        """
        now = self._clock.now()
        held = self._holding(issuer)
        if held is None or kid not in held.keys or held.read_at + FRESH <= now:
            held = self._read_in_turn(issuer, now) or held
        if held is None or held.read_at + KEPT <= now:
            raise Unavailable("the keys of this token's issuer cannot be read", retry_after=60)
        key, algorithms = held.keys.get(kid, (None, ()))
        if key is None or algorithm not in algorithms:
            raise Unauthorized
        return key

    def read(self, url: str) -> list[dict[str, Any]]:
        """Return the public keys published at an address; raise `Unavailable` and `Invalid`."""
        keys = self.document(url).get("keys")
        usable = [
            _public(entry)
            for entry in (keys if isinstance(keys, list) else ())
            if _is_usable(entry)
        ]
        if not usable:
            raise Unavailable("the address has no key that a token could be checked with")
        return usable[:MOST_KEYS]

    def document(self, url: str) -> Mapping[str, Any]:
        """Return a JSON object from an address, within three seconds; raise as `read` does."""
        answered = self._egress.send("GET", url, seconds=SECONDS)
        if answered.status != _OK:
            raise Unavailable(f"the address answers {answered.status}")
        try:
            said = json.loads(answered.body)
        except (ValueError, RecursionError) as error:
            raise Unavailable("the address does not answer with JSON") from error
        if not isinstance(said, dict):
            raise Unavailable("the address does not answer with an object")
        return said

    def _read_in_turn(self, issuer: Issuer, now: datetime) -> _Held | None:
        """Read the keys if it is our turn; None when it is not, or they cannot be read."""
        if issuer.fetch_after > now or not issuer.claim_fetch(now, now + PAUSE):
            return None
        try:
            keys = self.read(issuer.jwks_url)
        except (Unavailable, Invalid) as error:
            self._leave_alone(issuer, now)
            log.warning("issuer.away", issuer=str(issuer.id), why=error.message)
            return None
        keep(issuer, keys, now)
        return self._holding(issuer)

    def _leave_alone(self, issuer: Issuer, now: datetime) -> None:
        """Count the fault, and ask again after a pause that doubles."""
        pause = min(PAUSE * 2 ** min(issuer.fetch_faults, _DOUBLINGS), LONGEST_PAUSE)
        fresh = {"fetch_after": now + pause, "fetch_faults": Issuer.fetch_faults + 1}
        Issuer.update(fresh).where(Issuer.id == issuer.id).execute()

    def _holding(self, issuer: Issuer) -> _Held | None:
        """Return the keys of the row, taken apart once for as long as they stay the same."""
        if issuer.keys_read_at is None:
            return None
        held = self._held.get(issuer.id)
        if held is None or held.read_at != issuer.keys_read_at:
            held = self._held[issuer.id] = _Held(issuer.keys_read_at, imported(issuer.keys))
        return held


def keep(issuer: Issuer, keys: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Keep keys that were read just now."""
    issuer.keys, issuer.keys_read_at, issuer.fetch_faults = list(keys), now, 0
    issuer.fetch_after = now + PAUSE
    issuer.save(only=[Issuer.keys, Issuer.keys_read_at, Issuer.fetch_faults, Issuer.fetch_after])


def _is_usable(entry: Any) -> bool:
    """Say whether this is a public key to check signatures with, strong and not too large."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return False
    kid, kind = entry.get("kid"), (str(entry.get("kty")), str(entry.get("crv", "")))
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID or kind not in _KINDS:
        return False
    least, most = _MODULUS
    exponent, modulus = str(entry.get("e", "")), str(entry.get("n", ""))
    if kind == _RSA and (len(exponent) > _EXPONENT or not least <= len(modulus) <= most):
        return False
    try:
        _KINDS[kind][0].import_key(_public(entry))
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return True


def _public(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a key is public, and what names it."""
    told = ("kty", "crv", "kid", "alg", "n", "e", "x", "y")
    return {name: entry[name] for name in told if isinstance(entry.get(name), str)}


def imported(keys: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Key, tuple[str, ...]]]:
    """Return usable keys by their kid, each with the algorithms it is for."""
    found = {}
    for entry in keys:
        made, algorithms = _KINDS[entry["kty"], entry.get("crv", "")]
        said = entry.get("alg")
        only = tuple(each for each in algorithms if said in {None, each})
        found[entry["kid"]] = (made.import_key(dict(entry)), only)
    return found

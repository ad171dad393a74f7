"""Challenges: what an authenticator has to sign, good once, for five minutes, for one end (XC-06).

A challenge carries its own end and a MAC over what it was made for, so that asking for one writes
no row; answering it does, and no row is written twice.
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from models.kernel.clock import Clock
from models.kernel.secrets import Secrets
from models.passkeys import UsedChallenge

GOOD_FOR: Final = timedelta(minutes=5)

_RANDOM: Final = 16
_TIME: Final = 8
_LENGTH: Final = _RANDOM + _TIME + 32


class Challenges:
    """Makes and takes challenges, with a key of its own (HMAC-SHA-256)."""

    def __init__(self, house: Secrets, clock: Clock) -> None:
        """Take the house's secret, and the time."""
        self._key = house.derive("passkey-challenges")
        self._clock = clock

    def issue(self, purpose: str, bound: bytes = b"") -> bytes:
        """Return a challenge for a purpose, and for whom it is bound to, if for anybody."""
        ends = int((self._clock.now() + GOOD_FOR).timestamp())
        head = secrets.token_bytes(_RANDOM) + ends.to_bytes(_TIME)
        return head + self._mac(head, purpose, bound)

    def use(self, challenge: bytes, purpose: str, bound: bytes = b"") -> bool:
        """Use a challenge up; False for one that is not ours, is for another end, over, or used."""
        head, mac = challenge[: _RANDOM + _TIME], challenge[_RANDOM + _TIME :]
        is_ours = hmac.compare_digest(mac, self._mac(head, purpose, bound))
        if len(challenge) != _LENGTH or not is_ours:
            return False
        ends = datetime.fromtimestamp(int.from_bytes(head[_RANDOM:]), UTC)
        if ends <= self._clock.now():
            return False
        return UsedChallenge.use(sha256(challenge).digest(), ends)

    def _mac(self, head: bytes, purpose: str, bound: bytes) -> bytes:
        text = head + len(purpose).to_bytes(1) + purpose.encode() + bound
        return hmac.digest(self._key, text, "sha256")

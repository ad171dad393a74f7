"""Signed addresses: good for up to an hour, for whoever holds them, and for nothing else (P-05)."""

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final

from models.kernel.clock import Clock

LIFETIME: Final = 3600
STEP: Final = 300
"""Addresses made within the same five minutes are the same, so that caches can keep what they
lead to; they are good for 55 to 60 minutes."""


class Links:
    """Signs paths and checks them, with a key of its own (HMAC-SHA-256)."""

    def __init__(self, key: bytes, base_url: str, clock: Clock) -> None:
        """Take the key, the public address, the time."""
        self._key = key
        self._base_url = base_url
        self._clock = clock

    def sign(self, path: str) -> str:
        """Return the whole address of a path, signed."""
        expires = (self._now() // STEP) * STEP + LIFETIME
        return f"{self._base_url}{path}?expires={expires}&signature={self._mac(path, expires)}"

    def seconds_left(self, path: str, expires: int, signature: str) -> int:
        """Return for how long an address is still good; 0 when it is not, or never was."""
        expected = self._mac(path, expires)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return 0
        return max(0, min(expires - self._now(), LIFETIME))

    def _mac(self, path: str, expires: int) -> str:
        text = f"{path}\n{expires}".encode()
        return hmac.new(self._key, text, sha256).hexdigest()

    def _now(self) -> int:
        moment: datetime = self._clock.now()
        return int(moment.timestamp())

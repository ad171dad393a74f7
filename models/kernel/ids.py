"""Ids: UUIDv7 inside (RFC 9562 §5.7), prefixed on the wire (`job_0193…`)."""

import re
import secrets
import time
from threading import Lock
from typing import Final
from uuid import UUID, uuid5

KINDS: Final = frozenset(
    {"user", "acct", "book", "job", "chat", "msg", "txn", "evt", "key", "wh", "sess", "file"}
    | {"batch", "org", "team", "inv", "rule", "req", "prompt", "alert", "app", "grant", "passkey"}
    | {"iss", "identity", "budget", "purchase", "delivery"}
)

_HEX: Final = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE
)
_RANDOM_BITS: Final = 74
_STEP_BITS: Final = 32
_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62
_LOW: Final = (1 << 62) - 1


class _Sequence:
    """The numbers of this process, each greater than the one before (RFC 9562 §6.2, method 2)."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = Lock()
        self._last = 0

    def next(self) -> int:
        """Return 48 bits of Unix milliseconds and 74 random ones; those of one moment grow."""
        number = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        with self._lock:
            if number <= self._last or number >> _RANDOM_BITS == self._last >> _RANDOM_BITS:
                number = self._last + 1 + secrets.randbits(_STEP_BITS)
            self._last = number
        return number


_sequence: Final = _Sequence()


def new_id() -> UUID:
    """Return a UUIDv7, greater than every one that this process made before."""
    number = _sequence.next()
    milliseconds, random = number >> _RANDOM_BITS, number & ((1 << _RANDOM_BITS) - 1)
    high, low = random >> 62, random & _LOW
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | _VERSION | high << 64 | _VARIANT | low)


def derived_id(parent: UUID, name: str) -> UUID:
    """Return the id that a part of something always has: a UUIDv5 of its whole and its name."""
    return uuid5(parent, name)


def wire_id(kind: str, value: UUID) -> str:
    """Write an id for the wire: its kind, an underscore, 32 hex digits."""
    return f"{kind}_{value.hex}"


def parse_id(kind: str, text: str) -> UUID:
    """Read a wire id of this kind; raise `ValueError` for anything else.

    Dashed UUIDs are accepted after the prefix; a foreign prefix or a bare UUID is not.
    """
    prefix = f"{kind}_"
    digits = text.removeprefix(prefix)
    if not text.startswith(prefix) or not _HEX.fullmatch(digits):
        raise ValueError(f"expected an id that begins with {prefix}")
    return UUID(digits)

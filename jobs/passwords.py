"""Passwords: argon2id, few at a time, and the same time for a name nobody has.

19 MiB and three passes are above OWASP's least; two at once keep the process's memory bounded.
"""

import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from models.kernel.errors import Unavailable

LEAST: Final = 8
MOST: Final = 256
NO_PASSWORD: Final = ""
"""What is kept of a person who has none: nothing fits it."""

_AT_ONCE: Final = 2
_QUEUED: Final = 2
_hasher: Final = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)
_admitted: Final = BoundedSemaphore(_AT_ONCE + _QUEUED)
_running: Final = BoundedSemaphore(_AT_ONCE)


def hashed(password: str) -> str:
    """Return what to keep of a password; raise `Unavailable` when too many are at it."""
    with _turn():
        return _hasher.hash(_canonical(password))


def matches(password: str, kept: str | None) -> bool:
    """Say whether a password is the one kept.

    `None` is nobody's, and `NO_PASSWORD` that of who has none: they cost the same and fail.
    """
    with _turn():
        try:
            return _hasher.verify(kept or _nobodys(), _canonical(password)) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Say whether a kept hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@contextmanager
def _turn() -> Generator[None]:
    """Let a few hash and as few wait: a flood of logins must not hold every thread."""
    if not _admitted.acquire(blocking=False):
        raise Unavailable("too many logins at this moment", retry_after=1)
    try:
        with _running:
            yield
    finally:
        _admitted.release()


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")


def _canonical(password: str) -> bytes:
    """Spell a password one way however it was typed (NIST SP 800-63B §5.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8")

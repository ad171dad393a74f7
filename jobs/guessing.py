"""Guessing: five wrong ones at one thing, then a wait that begins with the last of them (A-09).

A right guess that comes while the thing is locked is refused too, so that many sent at once are
worth no more than five. What may be guessed is named by a digest: the table holds no address.
"""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Final, TypeVar

from models.kernel.clock import Clock
from models.kernel.denials import AccountLocked
from models.logins import Guess

T = TypeVar("T")

MOST: Final = 5
REST: Final = timedelta(minutes=15)


def subject_of(*parts: str) -> bytes:
    """Name something that can be guessed, the same each time."""
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).digest()


def guarded(subject: bytes, guess: Callable[[], T | None], clock: Clock) -> T | None:
    """Return what a guess finds; None is a wrong one and is counted.

    Raises `AccountLocked`, with the wait in seconds, after five wrong ones, for right ones too.
    """
    refuse_if_locked(subject, clock)
    found = guess()
    now = clock.now()
    if found is None:
        Guess.fail(subject, now, now - REST)
        return None
    since = Guess.forgive(subject, MOST, now - REST)
    if since is not None:
        raise _locked((since + REST - now).total_seconds())
    return found


def refuse_if_locked(subject: bytes, clock: Clock) -> None:
    """Raise `AccountLocked` when it was guessed wrongly too often a short while ago."""
    now = clock.now()
    since = Guess.locked_since(subject, MOST, now - REST)
    if since is not None:
        raise _locked((since + REST - now).total_seconds())


def is_spent(subject: bytes, clock: Clock) -> bool:
    """Count one use of something that may be used five times in a while; say if it was one more."""
    now = clock.now()
    if Guess.locked_since(subject, MOST, now - REST) is not None:
        return True
    Guess.fail(subject, now, now - REST)
    return False


def _locked(seconds: float) -> AccountLocked:
    return AccountLocked("too many wrong tries; come back later", retry_after=seconds)

"""Why a call out of the house was not answered, in words that may be shown to who named the place.

Invalid
└── NotAllowed     nobody may be sent there
Unavailable
└── Unanswered     nobody answered, or not with what can be used

Both tell a `cause`. It says what an outsider could have found out from elsewhere, and nothing of
what lies inside: a name that means an address of ours has the cause of a name that means nothing.
"""

import socket
import ssl
from collections.abc import Mapping
from enum import StrEnum
from http.client import IncompleteRead
from types import MappingProxyType
from typing import Final, Self

from urllib3 import exceptions

from models.kernel.errors import Invalid, Unavailable


class Cause(StrEnum):
    """What a delivery log says of a call without an answer."""

    ADDRESS = "address"
    """The address is one that nobody may be sent to, as it is written."""
    NAME = "name"
    """The name means no address that may be called."""
    UNREACHABLE = "unreachable"
    """No way leads there."""
    REFUSED = "refused"
    """Nobody listens there."""
    TLS = "tls"
    """Who answers cannot show that they are who was called (RFC 8446)."""
    TIMEOUT = "timeout"
    """The time was over before the whole answer was there."""
    RESET = "reset"
    """They hung up before the whole answer was there."""
    GARBLED = "garbled"
    """What came is not HTTP."""
    TOO_LARGE = "too_large"
    """The answer is larger than is read."""


class NotAllowed(Invalid):
    """An address nobody may be sent to; `cause` is `address`, or `name` when its name is fine."""

    cause: Cause = Cause.ADDRESS

    @classmethod
    def by_name(cls, words: str) -> Self:
        """Return the refusal of a name for what it means."""
        made = cls(words)
        made.cause = Cause.NAME
        return made


class Unanswered(Unavailable):
    """Nobody answered, or not in time, or not with what can be used; `cause` says which."""

    cause: Cause = Cause.UNREACHABLE

    @classmethod
    def by(cls, cause: Cause, words: str | None = None) -> Self:
        """Return it with its cause, and better words than the cause's own."""
        made = cls(words or _WORDS[cause])
        made.cause = cause
        return made


_WORDS: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        Cause.ADDRESS: "the address may not be called",
        Cause.NAME: "the name means no address",
        Cause.UNREACHABLE: "no way leads to the address",
        Cause.REFUSED: "nobody listens at the address",
        Cause.TLS: "the address does not show that it is who was called",
        Cause.TIMEOUT: "the address does not answer in time",
        Cause.RESET: "the address hangs up without an answer",
        Cause.GARBLED: "the address does not answer with HTTP",
        Cause.TOO_LARGE: "the answer is larger than is read",
    }
)
_CAUSES: Final = (
    ((socket.gaierror,), Cause.NAME),
    ((TimeoutError, exceptions.ReadTimeoutError), Cause.TIMEOUT),
    ((ConnectionRefusedError,), Cause.REFUSED),
    ((ConnectionError, IncompleteRead, ssl.SSLEOFError, ssl.SSLZeroReturnError), Cause.RESET),
    ((ssl.SSLError,), Cause.TLS),
    ((OSError,), Cause.UNREACHABLE),
)
"""From what is raised to what it means; the first that fits, and `garbled` when none does."""


def unanswered(error: Exception) -> Unanswered:
    """Return what a library raised as ours; the words are ours too, theirs tell addresses."""
    inner = error.__cause__
    if isinstance(error, exceptions.HTTPError) and isinstance(inner, Exception):
        return unanswered(inner)
    fitting = (cause for kinds, cause in _CAUSES if isinstance(error, kinds))
    return Unanswered.by(next(fitting, Cause.GARBLED))

"""Scopes: what an app may be granted, and what that is in words (A-15).

Those of OpenID Connect, and the permissions of the catalogue, but for administering and for
credentials. A scope opens what its person may do at that moment, and never more.
"""

from collections.abc import Mapping
from typing import Final

from models.kernel.denials import InvalidScope
from models.roles import delegable

OPENID: Final = "openid"
PROFILE: Final = "profile"
EMAIL: Final = "email"
OFFLINE: Final = "offline_access"

_ABOUT_PEOPLE: Final[Mapping[str, str]] = {
    OPENID: "Know who you are here",
    PROFILE: "See your name",
    EMAIL: "See your e-mail address",
    OFFLINE: "Go on when you are not there, until you end it",
}


def known() -> Mapping[str, str]:
    """Return every scope there is, and each in words."""
    return {**_ABOUT_PEOPLE, **delegable()}


def asked_for(text: str, allowed: frozenset[str]) -> frozenset[str]:
    """Read scopes as a request has them; raise `InvalidScope` for one that is not allowed."""
    asked = frozenset(text.split(" ")) - {""}
    if asked - allowed:
        raise InvalidScope("a scope that is asked for does not exist, or is not granted")
    return asked


def narrowed(scopes: frozenset[str], permissions: frozenset[str]) -> frozenset[str]:
    """Return those of some scopes that somebody with these permissions has to give."""
    return scopes & (_ABOUT_PEOPLE.keys() | permissions)


def as_permissions(scopes: frozenset[str]) -> frozenset[str]:
    """Return the permissions among some scopes."""
    return scopes & delegable().keys()

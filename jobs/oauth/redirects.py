"""Redirect URIs: where an app may have people sent back to, and nowhere else (A-15).

They are compared character by character, as RFC 9700 §2.1 wants. The one exception is the port of
an app on the person's own machine, which is known only when it runs (RFC 8252 §7.3).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode, urlsplit

LONGEST: Final = 500

_ALLOWED: Final = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+", re.ASCII)
_LOCAL: Final = re.compile(
    r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([1-9][0-9]{0,4}))?([/?].*)?", re.ASCII
)
_DOTS: Final = re.compile(r"(?:/|%2f|%5c)(?:\.|%2e){1,2}(?:[/?]|%2f|%5c|$)", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.ASCII)
_OURS: Final = ("code=", "state=", "iss=", "error=")
_LAST_PORT: Final = 65_535


def fault_of(uri: str) -> str:
    """Return what is wrong with a redirect URI to be registered, empty when nothing is."""
    if not _ALLOWED.fullmatch(uri) or len(uri) > LONGEST:
        return "Not a plain URI: no fragment, wildcard or blank, and at most 500 characters."
    if _DOTS.search(uri):
        return "A path with dot segments may lead elsewhere."
    if any(f"{sign}{name}" in uri for name in _OURS for sign in "?&"):
        return "Its query has a field that answers have."
    if uri.startswith("http://"):
        return "" if _local(uri) else "Plain http leads to 127.0.0.1, [::1] or localhost alone."
    return _fault_of_https(uri)


def _fault_of_https(uri: str) -> str:
    """Say what is wrong with one that should be https; `urlsplit` reads odd ports late."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "Its host or port cannot be read."
    if parts.scheme != "https" or not uri.startswith("https://"):
        return "Only https, or http on the person's own machine."
    if "@" in parts.netloc or not _HOST.fullmatch(host) or not parts.netloc.startswith(host):
        return "Its host is a plain name in small letters, without a user."
    return ""


def is_registered(asked: str, registered: Sequence[str]) -> bool:
    """Say whether an app may have somebody sent to an address that it asks for."""
    local = _local(asked)
    return asked in registered or (
        local is not None and any(_local(each) == local for each in registered)
    )


def is_local(uri: str) -> bool:
    """Say whether a redirect URI leads to whatever listens on the person's own machine."""
    return _local(uri) is not None


def _local(uri: str) -> tuple[str, str] | None:
    """Return a loopback URI without its port, None for any other."""
    found = _LOCAL.fullmatch(uri)
    if found is None or int(found[2] or 0) > _LAST_PORT:
        return None
    return found[1], found[3] or ""


def answered(uri: str, answer: Mapping[str, str]) -> str:
    """Return a redirect URI with an answer in its query, beside what was there."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"


def origin_of(uri: str) -> str:
    """Return the source that a Content-Security-Policy names for a registered URI."""
    parts = urlsplit(uri)
    return f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"

"""Headers that somebody outside has us send, such as with the events they are told of (H-12)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from models.kernel.errors import Detail, Invalid

MOST_HEADERS: Final = 20
MOST_BYTES: Final = 4_096
LONGEST_NAME: Final = 64

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?|")
_OURS: Final = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type",
        "expect", "forwarded", "host", "keep-alive", "te", "trailer", "transfer-encoding",
        "upgrade", "via",
    }
)  # fmt: skip
"""What frames a request, leads it, or says whom it comes through (RFC 9110 §7, RFC 9112 §6)."""
_FAMILIES: Final = ("proxy-", "sec-", "x-forwarded-", "x-ilm-", "x-real-", "webhook-")
"""What proxies believe, and what we sign or say ourselves."""


def check_headers(headers: Mapping[str, str], field: str = "headers") -> None:
    """Raise `Invalid` for names and values that an outsider may not have us send.

    At most twenty, of 4 KiB in all, in visible ASCII (RFC 9110 §5); each wrong one is named.
    """
    wrong = [
        Detail(f"{field}.{name[:LONGEST_NAME]}" if _is_name(name) else field, words)
        for name, words in _faults(headers)
    ]
    size = sum(len(name) + len(value) for name, value in headers.items())
    if len(headers) > MOST_HEADERS or size > MOST_BYTES:
        most = f"there may be {MOST_HEADERS} headers, of {MOST_BYTES} bytes together"
        wrong.insert(0, Detail(field, most))
    if wrong:
        raise Invalid("Some headers may not be sent.", details=wrong)


def _faults(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each name that is wrong, and why; values are not repeated, they may be secrets."""
    seen: set[str] = set()
    for name, value in headers.items():
        plain = name.lower()
        if not _is_name(name):
            yield name, "a name has letters, digits and hyphens, 64 at most"
        elif plain in _OURS or plain.startswith(_FAMILIES):
            yield name, "this header is ours to send"
        elif plain in seen:
            yield name, "this header is there twice"
        elif not _VALUE.fullmatch(value):
            yield name, "a value has visible ASCII characters, and spaces only between them"
        seen.add(plain)


def _is_name(name: str) -> bool:
    return len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None

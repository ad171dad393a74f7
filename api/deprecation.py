"""Deprecation: how a route says that it will end, in every answer (G-11)."""

from email.utils import format_datetime
from typing import Final

from api.endpoints import Deprecation

GUIDE: Final = '<{guide}>; rel="deprecation"; type="text/html"'


def notice_of(deprecated: Deprecation) -> dict[str, str]:
    """Return the headers of RFC 9745 and RFC 8594: since when, until when, and what to read."""
    return {
        "Deprecation": f"@{int(deprecated.since.timestamp())}",
        "Sunset": format_datetime(deprecated.ends, usegmt=True),
        "Link": GUIDE.format(guide=deprecated.guide),
    }

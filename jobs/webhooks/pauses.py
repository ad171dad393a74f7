"""When a delivery is tried again, and how long its endpoint is left alone (H-05, H-09)."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

JITTER: Final = 0.2
LONGEST_RETRY_AFTER: Final = 86_400.0
THROTTLED: Final = 30.0
"""Seconds for which an endpoint that says 429 or 503, and not until when, is left alone."""
BUSY: Final = frozenset({429, 503})


def pause_before(schedule: Sequence[float], attempt: int, chance: random.Random) -> float | None:
    """Return the seconds between this attempt and the next, ± 20 %; None when it was the last."""
    if attempt > len(schedule):
        return None
    return schedule[attempt - 1] * chance.uniform(1 - JITTER, 1 + JITTER)


def asked_pause(status: int, headers: Mapping[str, str], now: datetime) -> float:
    """Return for how many seconds an answer asks to be left alone (RFC 9110 §10.2.3); 0 for not.

    Its headers are found by names in any case.
    An endpoint that says it has too much to do is left alone even if it says not for how long.
    """
    seconds = _seconds(headers.get("Retry-After", "").strip(), now)
    if seconds is None:
        return THROTTLED if status in BUSY else 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _seconds(written: str, now: datetime) -> float | None:
    if written.isdecimal() and written.isascii():
        return float(written)
    try:
        moment = parsedate_to_datetime(written)
    except ValueError:
        return None
    return (moment - now).total_seconds() if moment.tzinfo else None

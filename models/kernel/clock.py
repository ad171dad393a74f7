"""The time: aware, UTC, and read in this file alone."""

from datetime import UTC, datetime
from time import monotonic
from typing import Protocol


class Clock(Protocol):
    """What tells the time; tests pass one that stands still."""

    def now(self) -> datetime:
        """Return the time of day, aware and in UTC."""
        ...

    def elapsed(self) -> float:
        """Return seconds since a fixed but unknown moment; only differences mean anything."""
        ...


class SystemClock:
    """The clock of this machine. Leases do not use it: they live by the database's clock."""

    def now(self) -> datetime:
        """Return the time of day, aware and in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Return monotonic seconds."""
        return monotonic()


def wire_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with milliseconds: `2026-11-20T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""The calendar: when each schedule is due. It stands in `catalogue/schedules.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.triggers.cron import CronTrigger

from models.catalogue.reader import entries

FIELDS: Final = ("minute", "hour", "day", "month", "day_of_week")

_SECOND: Final = timedelta(seconds=1)
_RAREST: Final = timedelta(days=9 * 366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule of the catalogue, which explains its fields."""

    words: str
    most_seconds: int
    cron: str = ""
    every: int = 0

    def __post_init__(self) -> None:
        """Refuse one without exactly one calendar, or with a calendar that is none."""
        if bool(self.cron) is bool(self.every):
            raise ValueError("a schedule has either `cron` or `every`")
        if self.cron:
            self._trigger()

    def latest(self, now: datetime) -> datetime:
        """Return the last slot that has come."""
        if self.every:
            return datetime.fromtimestamp(now.timestamp() // self.every * self.every, UTC)
        span, slot = timedelta(minutes=1), self._from(now - timedelta(minutes=1))
        while slot > now:
            span *= 2
            slot = self._from(now - span)
        while (after := self.next(slot)) <= now:
            slot = after
        return slot

    def next(self, now: datetime) -> datetime:
        """Return the first slot that is still to come."""
        if self.every:
            return self.latest(now) + timedelta(seconds=self.every)
        return self._from(now.replace(microsecond=0) + _SECOND)

    def interval(self, now: datetime) -> timedelta:
        """Return the time between the last slot and the next one."""
        return self.next(now) - self.latest(now)

    def _from(self, moment: datetime) -> datetime:
        """Return the first slot at a moment or after it."""
        slot = self._trigger().get_next_fire_time(None, moment)
        if slot is None or slot - moment > _RAREST:
            raise ValueError(f"{self.cron} never comes")
        found: datetime = slot
        return found.astimezone(UTC)

    def _trigger(self) -> CronTrigger:
        fields = dict(zip(FIELDS, self.cron.split(), strict=True))
        return CronTrigger(**fields, timezone=UTC)


def schedules() -> Mapping[str, Schedule]:
    """Return every schedule by name."""
    return entries("schedules", Schedule)

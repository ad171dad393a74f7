"""How much API keys are used: requests by key and day, in UTC (A-18)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from peewee import BigIntegerField, CompositeKey, DateField, ForeignKeyField

from models.accounts import ApiKey
from models.kernel.database import Table, database

WEEK: Final = timedelta(days=7)

_ADD: Final = """
insert into key_usage as old (key_id, day, requests)
select id, day, requests
from unnest(%s::uuid[], %s::date[], %s::bigint[]) as seen (key_id, day, requests)
join api_key on id = key_id order by id, day
on conflict (key_id, day) do update set requests = old.requests + excluded.requests
"""
_TOTALS: Final = """
select key_id, sum(requests), coalesce(sum(requests) filter (where day > %s), 0)
from key_usage where key_id = any(%s::uuid[]) group by key_id
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """How many requests a key has seen, ever and in the last seven days, today among them."""

    requests: int = 0
    last_7_days: int = 0


class KeyUsage(Table):
    """The requests of one key on one day."""

    key_id: UUID
    key = ForeignKeyField(ApiKey, on_delete="CASCADE")
    day = DateField()
    requests = BigIntegerField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("key", "day")

    @classmethod
    def add(cls, seen: Mapping[tuple[UUID, date], int]) -> None:
        """Add counts, in one statement; those of keys that are gone are dropped."""
        keys = [str(key_id) for key_id, _ in seen]
        days = [day for _, day in seen]
        database.rows(_ADD, (keys, days, list(seen.values())))

    @classmethod
    def totals(cls, key_ids: Iterable[UUID], today: date) -> Mapping[UUID, Totals]:
        """Return the totals of keys; one that is not in the answer was never used."""
        wanted = [str(key_id) for key_id in key_ids]
        rows: Sequence[tuple[Any, ...]] = database.rows(_TOTALS, (today - WEEK, wanted))
        return {UUID(str(key_id)): Totals(int(every), int(week)) for key_id, every, week in rows}

    @classmethod
    def by_day(cls, key_id: UUID, since: date) -> "list[KeyUsage]":
        """Return the days on which a key was used since one, the newest first."""
        which = (cls.key == key_id) & (cls.day >= since)
        return list(cls.select().where(which).order_by(cls.day.desc()))

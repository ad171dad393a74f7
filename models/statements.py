"""Months of an account as they are told, and what is kept of those that are over for good (B-12).

`models/sql/statements.sql` says which movement belongs to which month.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CompositeKey,
    DateField,
    UUIDField,
)
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.errors import NotFound
from models.kernel.ids import wire_id
from models.kernel.money import Nano

OPEN: Final = "open"
PROVISIONAL: Final = "provisional"
FINAL: Final = "final"

_NAME: Final = re.compile("[1-9][0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)
_MOVED: Final = ("granted", "expired", "purchased", "refunded", "adjusted", "charged")
_TAKEN: Final = frozenset({"expired", "charged"})
_MONTHS: Final = f"""
select period, tier, closed_at, held_nano, closing, {", ".join(_MOVED)}
from statement_months(%s) order by period desc
"""
_DUE: Final = "select * from statements_due(%s)"
_KEEP: Final = "select statement_keep(%s, %s, %s::jsonb, %s)"
_PAST: Final = "select * from usage_past(%s, %s)"
_FORGET: Final = "select usage_forget(%s, %s, %s)"
_KEYS: Final = "select id, name from api_key where account_id = %s and id = any(%s::uuid[])"
_PEOPLE: Final = "select id, name from person where id = any(%s::uuid[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What moved in a month. `moved` is signed, by kind; it leads from `opening` to `closing`."""

    period: date
    tier: str
    closed_at: datetime | None
    held: Nano
    closing: Nano
    moved: Mapping[str, Nano]

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> Self:
        """Read a row of `_MONTHS`."""
        period, tier, closed_at, held, closing, *amounts = row
        moved = {
            kind: -Nano(amount) if kind in _TAKEN else Nano(amount)
            for kind, amount in zip(_MOVED, amounts, strict=True)
        }
        return cls(
            period=period, tier=tier, closed_at=closed_at, held=Nano(held), closing=Nano(closing),
            moved=moved,
        )  # fmt: skip

    @property
    def status(self) -> str:
        """Whether it runs, may still change by what is held of it, or is over for good."""
        if self.closed_at is None:
            return OPEN
        return PROVISIONAL if self.held else FINAL

    @property
    def name(self) -> str:
        """What it is called: `2026-11`."""
        return f"{self.period:%Y-%m}"

    @property
    def opening(self) -> Nano:
        """The balance it began with."""
        return self.closing - sum(self.moved.values(), Nano(0))

    @property
    def charged(self) -> Nano:
        """What its work cost."""
        return -self.moved["charged"]

    @property
    def end(self) -> date:
        """The first day of the month after it."""
        return (self.period + timedelta(days=32)).replace(day=1)

    def with_charges(self, charged: Nano) -> Self:
        """Return it as it is with these charges instead."""
        more = charged - self.charged
        moved = {**self.moved, "charged": -charged}
        return replace(self, moved=moved, closing=self.closing - more)


class Statement(Table):
    """The statement of a month that is over for good."""

    account_id = UUIDField()
    period = DateField()
    body = BinaryJSONField(index=False)
    charged_nano = BigIntegerField()
    usage_gone = BooleanField(default=False)
    made_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("account_id", "period")

    @classmethod
    def kept(cls, account_id: UUID, period: date) -> Mapping[str, Any] | None:
        """Return what is kept of a month, None when nothing."""
        row = cls.found(account_id=account_id, period=period)
        body: Mapping[str, Any] | None = row.body if row else None
        return body

    @classmethod
    def keep(cls, account_id: UUID, month: Month, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep a month unless that was done; return what is kept."""
        given = (account_id, month.period, json.dumps(body), month.charged)
        ((kept,),) = database.rows(_KEEP, given)
        whole: Mapping[str, Any] = kept
        return whole


class Paper(Table):
    """A statement as a PDF; `digest` is that of the text on it."""

    account_id = UUIDField()
    period = DateField()
    digest = BlobField()
    content = BlobField()
    made_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        table_name = "statement_paper"
        primary_key = CompositeKey("account_id", "period")

    @classmethod
    def of(cls, account_id: UUID, period: date) -> Self | None:
        """Return the paper of a month, None while there is none."""
        return cls.found(account_id=account_id, period=period)


def first_of(name: str) -> date:
    """Return the first day of a month that is called `2026-11`; raise `NotFound` for no month."""
    if not _NAME.fullmatch(name):
        raise NotFound("there is no statement of this month")
    year, month = name.split("-")
    return date(int(year), int(month), 1)


def months(account_id: UUID) -> list[Month]:
    """Return the months of an account, newest first."""
    return [Month.of_row(row) for row in database.rows(_MONTHS, (account_id,))]


def statements_due(limit: int) -> list[tuple[UUID, date]]:
    """Return months that are over for good and have no statement yet."""
    return [(account_id, period) for account_id, period in database.rows(_DUE, (limit,))]


def months_past(days: int, limit: int) -> list[tuple[UUID, date]]:
    """Return months that ended so many days ago and still have the sums of their days."""
    return [(account_id, period) for account_id, period in database.rows(_PAST, (days, limit))]


def forget_days(account_id: UUID, period: date, days: int) -> int | None:
    """Delete the sums of a month's days; None when they are not what its statement charges."""
    ((gone,),) = database.rows(_FORGET, (account_id, period, days))
    return None if gone is None else int(gone)


def labels(account_id: UUID, keys: Iterable[UUID], people: Iterable[UUID]) -> Mapping[str, str]:
    """Return what keys of an account and people are called today, by their ids on the wire."""
    named = database.rows(_KEYS, (account_id, [str(key) for key in keys]))
    known = database.rows(_PEOPLE, ([str(person) for person in people],))
    return {wire_id("key", key): name for key, name in named} | {
        wire_id("user", person): name for person, name in known
    }

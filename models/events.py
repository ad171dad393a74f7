"""Events: what happened to an account's things, as rows, and in which order it is told (H-02).

The order is that of the transactions that wrote them. What a transaction that still runs may yet
add before it is not told of, so that no commit that comes late is skipped (CONTRACT §2).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from peewee import CharField, TextField, UUIDField
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.ids import new_id

SPAN: Final = 5_000
"""Events that are looked at for one answer, whatever their types."""

_PLACE: Final = """
select written_by::text::bigint, seq from event where id = %s and account_id = %s and mode = %s
"""
_FOLLOWING: Final = """
with span as materialized (
    select id, type = any(%s) as is_wanted, row_number() over (order by written_by, seq) as place
    from event
    where account_id = %s and mode = %s and (written_by, seq) > (%s::text::xid8, %s)
      and written_by < pg_snapshot_xmin(pg_current_snapshot())
    order by written_by, seq limit %s
), chosen as (
    select * from span where is_wanted or place = (select max(place) from span)
    order by place limit %s
)
select id::text, is_wanted, place, case when is_wanted then event_payload(event) end
from chosen join event using (id) order by place
"""
_ONE: Final = """
select event_payload(event) from event
where id = %s and account_id = %s and mode = %s and type = any(%s)
"""
_FORGET: Final = "select events_forget(%s, %s)"

Payload = Mapping[str, Any]
"""An event as it is told: `{"id", "type", "timestamp", "data"}`. Only SQL writes it (H-03)."""


class Place(NamedTuple):
    """A place in the order of events: a transaction, and the number of what it wrote."""

    transaction: int
    number: int


BEGINNING: Final = Place(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Some events, the earliest first; the last one looked at, and whether more may follow it."""

    events: Sequence[Payload]
    last_id: UUID | None
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whose events somebody reads: an account's, live or test, of the types they may read."""

    account_id: UUID
    mode: str
    types: Collection[str]


class Event(Table):
    """Something that happened, written by the transaction that made it happen."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    mode = CharField()
    type = CharField()
    data = BinaryJSONField(index=False)
    once = TextField(null=True)
    created_at = DateTimeTZField()


def place_of(listener: Listener, event_id: UUID) -> Place | None:
    """Return where an event of an account stands, of whatever type; None when it is not there."""
    rows = database.rows(_PLACE, (event_id, listener.account_id, listener.mode))
    return Place(*rows[0]) if rows else None


def following(listener: Listener, after: Place, most: int) -> Told:
    """Return at most so many events after a place that are settled in their order."""
    types = list(listener.types)
    whose = (listener.account_id, listener.mode)
    place = (str(after.transaction), after.number)
    found = database.rows(_FOLLOWING, (types, *whose, *place, SPAN, most + 2))
    wanted = [row for row in found if row[1]]
    shown, is_cut = wanted[:most], len(wanted) > most
    last = shown[-1] if is_cut else (found[-1] if found else None)
    return Told(
        events=[payload for *_, payload in shown],
        last_id=UUID(last[0]) if last else None,
        has_more=is_cut or bool(last and last[2] >= SPAN),
    )


def payload(listener: Listener, event_id: UUID) -> Payload | None:
    """Return one event as it is told; None when it is not there, or not theirs to read."""
    whose = (listener.account_id, listener.mode, list(listener.types))
    rows = database.rows(_ONE, (event_id, *whose))
    return rows[0][0] if rows else None


def made_at(event_id: UUID) -> datetime | None:
    """Return when an id was made, None of one that does not say: only a UUIDv7 does."""
    if event_id.version != 7:
        return None
    return datetime.fromtimestamp((event_id.int >> 80) / 1_000, UTC)


def forget(days: int, most: int) -> int:
    """Delete at most so many events that are older than these days; count them."""
    ((gone,),) = database.rows(_FORGET, (days, most))
    return int(gone)

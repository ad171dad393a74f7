"""Changes: what was made, changed or deleted since a place in the order of transactions (G-24).

A row tells by `changed_in` which transaction changed it last. What a transaction that still runs
may yet add before it is not told of, so that no commit that comes late is skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from models.chats import Talker
from models.kernel.database import database

_OF_ONE: Final = """
(select '{kind}', id, changed_in, deleted_at from {table}
 where account_id = %s and mode = %s and (%s or person_id = %s)
   and (changed_in, id) > (%s::xid8, %s) and changed_in < pg_snapshot_xmin(pg_current_snapshot())
 order by changed_in, id limit %s)
"""
_MERGED: Final = """
select kind, id::text, changed_in::text, deleted_at
from ({feeds}) as feed (kind, id, changed_in, deleted_at)
order by changed_in, id limit %s
"""


class Position(NamedTuple):
    """A place in the order of changes: a transaction, and a row it changed."""

    transaction: int
    row_id: UUID


BEGINNING: Final = Position(0, UUID(int=0))


@dataclass(frozen=True, slots=True)
class Feed:
    """A kind of thing on the wire, and the table it is in: owned by a person, in a mode."""

    kind: str
    table: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was changed, or deleted."""

    kind: str
    id: UUID
    position: Position
    deleted_at: datetime | None


def changes(feeds: Sequence[Feed], whose: Talker, after: Position, most: int) -> list[Change]:
    """Return what has changed of somebody's after a position, the earliest first."""
    if not feeds:
        return []
    of_each = (_OF_ONE.format(kind=feed.kind, table=feed.table) for feed in feeds)
    owner = (str(whose.account_id), whose.mode, whose.is_shared, str(whose.person_id))
    since = (str(after.transaction), str(after.row_id))
    sql = _MERGED.format(feeds=" union all ".join(of_each))
    rows = database.rows(sql, (*(*owner, *since, most) * len(feeds), most))
    return [
        Change(kind, UUID(row_id), Position(int(transaction), UUID(row_id)), deleted_at)
        for kind, row_id, transaction, deleted_at in rows
    ]

"""Syncing: what has changed since a cursor, and the cursor after it (G-24).

A cursor is a place in the order of changes and the day it was given. One older than deleted things
are kept has missed deletions: who holds it begins anew.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from models.changes import BEGINNING, Change, Feed, Position, changes
from models.chats import Talker
from models.kernel.clock import Clock
from models.kernel.errors import Conflict, Detail, Invalid

CHATS: Final = "chats"
PERMISSIONS: Final[Mapping[str, str]] = MappingProxyType({CHATS: "chats:read"})
"""The types there are, and what reading them needs."""

_FEEDS: Final = {CHATS: Feed(CHATS, "chat")}
_CURSOR: Final = re.compile(r"c1_([0-9a-f]{1,16})_([0-9a-f]{32})_([0-9a-f]{1,12})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to where somebody knows: a position, and when they were told, in epoch seconds."""

    position: Position
    told_at: int

    def __str__(self) -> str:
        """Write it as clients keep it."""
        return f"c1_{self.position.transaction:x}_{self.position.row_id.hex}_{self.told_at:x}"

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Read what `str` wrote; raise `Invalid` for anything else."""
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise Invalid(details=[Detail("since", "Not a cursor of this route.")])
        transaction, row_id, told_at = match.groups()
        return cls(Position(int(transaction, 16), UUID(row_id)), int(told_at, 16))


@dataclass(frozen=True, slots=True)
class Synced:
    """Some changes in order, the cursor after them, and whether more follow."""

    changes: Sequence[Change]
    cursor: Cursor
    has_more: bool


class Syncing:
    """Tells what has changed."""

    def __init__(self, clock: Clock, retention_days: int) -> None:
        """Take the time, and for how long deleted things are kept."""
        self._clock = clock
        self._kept = timedelta(days=retention_days)

    def since(self, text: str | None, kinds: Sequence[str], whose: Talker, most: int) -> Synced:
        """Return at most so many changes after a cursor, from the beginning without one.

        Raises `Invalid` for what is no cursor, and `Conflict` for one that is too old.
        """
        now = int(self._clock.now().timestamp())
        known = Cursor.read(text) if text else Cursor(BEGINNING, now)
        if now - known.told_at > self._kept.total_seconds():
            raise Conflict("this cursor is too old: begin anew, without `since`")
        found = changes([_FEEDS[kind] for kind in kinds], whose, known.position, most + 1)
        shown = found[:most]
        reached = shown[-1].position if shown else known.position
        has_more = len(found) > most
        return Synced(shown, Cursor(reached, now), has_more)

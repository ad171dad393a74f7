"""Events: rows written by the transaction that changes the state (ARCHITECTURE §10, H-02).

They are read in an order in which nothing is skipped, and kept for `ILM_EVENTS_DAYS` days.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from psycopg2.extras import Json

from jobs.run import Effect
from models import events
from models.catalogue.events import event_types, types_like
from models.events import BEGINNING, Listener, Payload, Place, Told
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import (
    Conflict,
    Detail,
    InsufficientPermissions,
    Invalid,
    NotFound,
)
from models.kernel.ids import new_id
from models.kernel.logs import get_logger

AT_ONCE: Final = 1_000
"""Events that one statement forgets, with what hangs on them."""

_RECORD: Final = """
insert into event (id, account_id, mode, type, data, once) values (%s, %s, %s, %s, %s, %s)
on conflict (once) do nothing
"""
_A_DAY: Final = timedelta(days=1)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens to one account's things. With `once`, it happens only once."""

    account_id: UUID
    mode: str
    type: str
    data: dict[str, Any]
    once: str | None = None

    def __post_init__(self) -> None:
        """Refuse a type that the catalogue does not know, or does not know yet."""
        known = event_types().get(self.type)
        if known is None or known.is_coming:
            raise ValueError(f"{self.type} is no type of events that is told")

    @property
    def effect(self) -> Effect:
        """The statement that writes it down."""
        values = (
            new_id(), self.account_id, self.mode, self.type, Json(self.data), self.once,
        )  # fmt: skip
        return Effect(_RECORD, values)


def record(happening: Happening) -> None:
    """Write an event in the transaction that is open."""
    effect = happening.effect
    database.rows(effect.sql, effect.parameters)


class Feed:
    """Tells what happened, in order."""

    def __init__(self, clock: Clock, days: int) -> None:
        """Take the time, and for how many days events are kept."""
        self._clock = clock
        self._kept = timedelta(days=days)

    def since(self, event_id: UUID | None, listener: Listener, most: int) -> Told:
        """Return at most so many events after one, without it from the oldest that is kept.

        Raises `NotFound` for an event that is not theirs, `Conflict` for one that is forgotten.
        """
        after = self._place(event_id, listener) if event_id else BEGINNING
        told = events.following(listener, after, most)
        return told if told.last_id else replace(told, last_id=event_id)

    def one(self, event_id: UUID, listener: Listener) -> Payload:
        """Return one event; raise `NotFound` for any that is not theirs to read."""
        found = events.payload(listener, event_id)
        if found is None:
            raise NotFound("there is no such event")
        return found

    def _place(self, event_id: UUID, listener: Listener) -> Place:
        found = events.place_of(listener, event_id)
        if found is not None:
            return found
        made_at = events.made_at(event_id)
        if made_at is not None and made_at < self._clock.now() - self._kept + _A_DAY:
            raise Conflict("this event is older than events are kept: begin anew, without `after`")
        raise NotFound("there is no such event")


def wanted(patterns: Sequence[str] | None, readable: Collection[str]) -> frozenset[str]:
    """Return the types that patterns mean, of those that may be read; without any, all of them.

    Raises `Invalid` for a pattern that means nothing, `InsufficientPermissions` for one of which
    nothing may be read.
    """
    if patterns is None:
        return frozenset(readable)
    chosen: frozenset[str] = frozenset()
    for pattern in patterns:
        meant = types_like(pattern)
        if not meant:
            raise Invalid(details=[Detail("types", f"There is no event {pattern}.")])
        if not meant & frozenset(readable):
            needed = event_types()[min(meant)].permission
            raise InsufficientPermissions(f"{pattern} needs the permission {needed}")
        chosen |= meant & frozenset(readable)
    return chosen


def forget_events(days: int) -> int:
    """Delete some events that are older than they are kept, and what hangs on them; count them."""
    gone = events.forget(days, AT_ONCE)
    if gone:
        log.info("events.forgotten", events=gone)
    return gone

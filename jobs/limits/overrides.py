"""Overrides: what administrators set over the catalogue, and how processes come to know of it.

Each process reads the few rows that there are every five seconds, when a request comes; without
the database it goes on with what it knew.
"""

from collections import OrderedDict
from collections.abc import Collection
from threading import Lock
from typing import Final
from uuid import UUID

from peewee import InterfaceError, OperationalError

from jobs.audit import Actor, Deed, note
from jobs.limits import rules
from jobs.limits.rules import Rules
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Detail, Invalid, NotFound
from models.kernel.ids import parse_id
from models.limits import Catalogued, RateLimit, limit_of_key

KNOWN_SECONDS: Final = 5.0
KEY_SECONDS: Final = 60.0
MOST_KEYS: Final = 10_000

KINDS: Final = (
    rules.USER, rules.USER_AI, rules.KEY, rules.TIER, rules.TIER_AI, rules.ROUTE, rules.ANONYMOUS,
    rules.ADDRESS, rules.GLOBAL,
)  # fmt: skip
"""What a limit can be set for."""

_IDS: Final = {rules.USER: "user", rules.USER_AI: "user", rules.KEY: "key"}
_ONLY: Final = {
    rules.ANONYMOUS: rules.EVERY_ADDRESS,
    rules.ADDRESS: rules.EVERY_ADDRESS,
    rules.GLOBAL: rules.EVERYBODY,
}


class CurrentRules:
    """The rules of this moment, read again when they are five seconds old."""

    def __init__(self, clock: Clock) -> None:
        """Read no row yet."""
        self._catalogued = Catalogued.read()
        self._clock = clock
        self._lock = Lock()
        self._overrides: rules.Overrides = {}
        self._rules = Rules(self._catalogued, {})
        self._read_at = float("-inf")
        self._keys: OrderedDict[UUID, tuple[float, int | None]] = OrderedDict()

    def get(self) -> tuple[Rules, bool]:
        """Return the rules, and whether they have changed since somebody asked."""
        now = self._clock.elapsed()
        if now - self._read_at < KNOWN_SECONDS or not self._lock.acquire(blocking=False):
            return self._rules, False
        try:
            self._read_at = now
            found = {(each.kind, each.subject): each.per_minute for each in RateLimit.everything()}
        except (OperationalError, InterfaceError):
            return self._rules, False
        finally:
            self._lock.release()
        if found == self._overrides:
            return self._rules, False
        self._overrides, self._rules = found, Rules(self._catalogued, found)
        return self._rules, True

    def of_key(self, key_id: UUID) -> int | None:
        """Return the limit that an API key was made with."""
        now = self._clock.elapsed()
        known = self._keys.get(key_id)
        if known is not None and now - known[0] < KEY_SECONDS:
            return known[1]
        limit = limit_of_key(key_id)
        with self._lock:
            self._keys[key_id] = (now, limit)
            if len(self._keys) > MOST_KEYS:
                self._keys.popitem(last=False)
        return limit


def set_limit(
    place: tuple[str, str], per_minute: int, actor: Actor, clock: Clock, *, routes: Collection[str]
) -> RateLimit:
    """Set the limit of a kind and subject, over the one there was; write down who did (A-20).

    Raises as `kept_place` does, and `Invalid` for a route that is none of those that have limits.
    """
    kind, subject = kept_place(*place)
    if kind == rules.ROUTE and subject not in routes:
        raise Invalid(details=[Detail("subject", "Must be the operationId of a limited route.")])
    row = {
        "kind": kind,
        "subject": subject,
        "per_minute": per_minute,
        "set_by": actor.person_id,
        "set_at": clock.now(),
    }
    fresh = {name: row[name] for name in ("per_minute", "set_by", "set_at")}
    with database.unit():
        RateLimit.insert(**row).on_conflict(
            conflict_target=[RateLimit.kind, RateLimit.subject], update=fresh
        ).execute()
        note(Deed(action="limit.set", details=_details(place, per_minute)), actor, clock)
    return RateLimit(**row)


def lift_limit(place: tuple[str, str], actor: Actor, clock: Clock) -> None:
    """Let the catalogue's limit hold again, and write down who let it (A-20).

    Raises as `kept_place` does, and `NotFound` where none was set.
    """
    kind, subject = kept_place(*place)
    mine = (RateLimit.kind == kind) & (RateLimit.subject == subject)
    with database.unit():
        lifted = RateLimit.select().where(mine).for_update().first()
        if lifted is None:
            raise NotFound("no such limit is set")
        RateLimit.delete().where(mine).execute()
        note(Deed(action="limit.lifted", details=_details(place, lifted.per_minute)), actor, clock)


def kept_place(kind: str, subject: str) -> tuple[str, str]:
    """Return how a kind and a subject of the wire are kept; raise `Invalid` for odd ones."""
    if kind not in KINDS:
        raise Invalid(details=[Detail("kind", f"Must be one of: {', '.join(KINDS)}.")])
    if kind in _IDS:
        return kind, _uuid(_IDS[kind], subject).hex
    choices = _choices(kind)
    if choices and subject not in choices:
        raise Invalid(details=[Detail("subject", f"Must be one of: {', '.join(choices)}.")])
    return kind, subject


def shown_subject(kind: str, subject: str) -> str:
    """Return a kept subject as the wire has it."""
    return f"{_IDS[kind]}_{subject}" if kind in _IDS else subject


def _details(place: tuple[str, str], per_minute: int) -> dict[str, str | int]:
    return {"kind": place[0], "subject": place[1], "per_minute": per_minute}


def _choices(kind: str) -> tuple[str, ...]:
    if kind in {rules.TIER, rules.TIER_AI}:
        return tuple(Catalogued.read().tiers)
    return (_ONLY[kind],) if kind in _ONLY else ()


def _uuid(kind: str, text: str) -> UUID:
    try:
        return parse_id(kind, text)
    except ValueError as error:
        raise Invalid(details=[Detail("subject", f"Must begin with {kind}_.")]) from error

"""Runs of schedules: who inserts a slot first carries it out, on the database's clock (B-02).

A run that is open has a lease, which its process keeps up. One whose lease is over has lost its
process, and whoever comes takes it up. `MOST_LOST` times, then it is given up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from peewee import CharField, CompositeKey, IntegerField, TextField, UUIDField, fn
from playhouse.postgres_ext import DateTimeTZField

from models.kernel.database import Table, database

if TYPE_CHECKING:
    from peewee import ModelSelect

SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
LOST: Final = "lost"
WAITING: Final = "waiting"
RUNNING: Final = "running"
LEFT: Final = "left"
STATUSES: Final = (WAITING, RUNNING, LEFT, SUCCEEDED, FAILED, SKIPPED, LOST)

CALENDAR: Final = "calendar"
BY_HAND: Final = "by hand"
SOURCES: Final = (CALENDAR, BY_HAND)

MOST_LOST: Final = 5
REST_SECONDS: Final = 5.0
"""Longer than a connection that rests goes unasked whether it is alive."""
LONGEST_WORDS: Final = 500

_STANDS: Final = """
select wanted.name, billing_now(),
    (select max(slot) from scheduled_run run where run.name = wanted.name and asked_by is null)
from unnest(%s) as wanted (name)
"""
_BEGIN: Final = """
insert into scheduled_run (name, slot, attempts, worker, started_at, lease_until)
select %(name)s, %(slot)s, 1, %(worker)s, now(),
    clock_timestamp() + make_interval(secs => %(lease)s)
where %(slot)s <= billing_now()
on conflict do nothing returning attempts
"""
_LEFT_OVER: Final = """
select name, slot from scheduled_run
where finished_at is null and coalesce(lease_until < clock_timestamp(), true) order by slot
"""
_TAKE_UP: Final = """
update scheduled_run
set worker = %(worker)s, attempts = attempts + 1, started_at = now(),
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
where name = %(name)s and slot = %(slot)s and finished_at is null
  and coalesce(lease_until < clock_timestamp(), true)
returning attempts
"""
_GIVE_UP: Final = """
update scheduled_run
set finished_at = now(), outcome = 'lost', lease_until = null,
    words = 'its process was lost ' || attempts || ' times'
where finished_at is null and lease_until < clock_timestamp() and attempts >= %s
returning name, slot
"""
_OURS: Final = """
where name = %(name)s and slot = %(slot)s and worker = %(worker)s and attempts = %(attempt)s
  and finished_at is null returning 1
"""
_KEEP: Final = f"""
update scheduled_run set lease_until = clock_timestamp() + make_interval(secs => %(lease)s) {_OURS}
"""
_FINISH: Final = f"""
update scheduled_run
set finished_at = now(), outcome = %(outcome)s, words = %(words)s, lease_until = null {_OURS}
"""
_GIVE_BACK: Final = f"""
update scheduled_run set lease_until = null, worker = null, attempts = attempts - 1 {_OURS}
"""
_LEAVE: Final = f"""
update scheduled_run set lease_until = clock_timestamp() + make_interval(secs => %(rest)s) {_OURS}
"""
_ASK: Final = """
insert into scheduled_run (name, slot, asked_by, attempts) values (%s, billing_now(), %s, 0)
on conflict do nothing returning slot
"""
_FORGET: Final = """
with kept as (
    select name, max(slot) filter (where asked_by is null) as latest,
        max(slot) filter (where outcome = 'succeeded') as good
    from scheduled_run group by name)
delete from scheduled_run where (name, slot) in (
    select run.name, run.slot from scheduled_run run join kept using (name)
    where finished_at < now() - make_interval(days => %s)
      and slot is distinct from latest and slot is distinct from good limit %s)
returning 1
"""
_HEALTH: Final = """
select wanted.name, good.at,
    extract(epoch from now() - coalesce(good.at,
        (select min(started_at) from scheduled_run run where run.name = wanted.name)))::float,
    (select outcome from scheduled_run run
     where run.name = wanted.name and outcome is not null order by slot desc limit 1)
from unnest(%s) as wanted (name), lateral (
    select max(finished_at) as at from scheduled_run run
    where run.name = wanted.name and outcome = 'succeeded') as good
"""


class ScheduledRun(Table):
    """One run: a slot of the calendar, or of whoever asked for it by hand.

    `attempts` counts the processes that took it up, `words` tell what came of it.
    """

    name = CharField()
    slot = DateTimeTZField()
    asked_by = UUIDField(null=True)
    attempts = IntegerField(default=0)
    worker = TextField(null=True)
    started_at = DateTimeTZField(null=True)
    lease_until = DateTimeTZField(null=True)
    finished_at = DateTimeTZField(null=True)
    outcome = CharField(null=True)
    words = TextField(default="")

    is_left: bool = False
    """Whether its lease was over when it was read by `listed`."""

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("name", "slot")

    @property
    def status(self) -> str:
        """How it ended, or how it stands: `left` is one whose process is gone."""
        if self.outcome is not None:
            return str(self.outcome)
        if self.lease_until is None:
            return WAITING
        return LEFT if self.is_left else RUNNING

    @property
    def source(self) -> str:
        """Who wanted it."""
        return CALENDAR if self.asked_by is None else BY_HAND

    @property
    def seconds(self) -> float | None:
        """How long the last attempt at it took, None while it is not over."""
        if self.finished_at is None or self.started_at is None:
            return None
        return float((self.finished_at - self.started_at).total_seconds())

    @classmethod
    def listed(cls, name: str) -> "ModelSelect[Self]":
        """Select the runs of a schedule, the newest first."""
        is_left = fn.coalesce(cls.lease_until < fn.clock_timestamp(), False).alias("is_left")
        return cls.select(cls, is_left).where(cls.name == name).order_by(cls.slot.desc())


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to carry a run out, as long as its lease is kept up."""

    name: str
    slot: datetime
    worker: str
    attempt: int

    @property
    def fields(self) -> dict[str, Any]:
        """Its parts, as statements name them."""
        return {
            "name": self.name, "slot": self.slot, "worker": self.worker, "attempt": self.attempt,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a schedule stands: the database's time, and the last slot that anybody took."""

    name: str
    now: datetime
    last: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a schedule does: its last success, or else its first try, is `age` seconds ago."""

    succeeded_at: datetime | None
    age: float
    outcome: str | None


def stands(names: Sequence[str]) -> list[Stand]:
    """Return where schedules stand, by one query."""
    rows = database.rows(_STANDS, (list(names),))
    return [Stand(name=name, now=now, last=last) for name, now, last in rows]


def begin(name: str, slot: datetime, worker: str, lease: float) -> Claim | None:
    """Be the first at a slot that has come; None when another is, or another run is open."""
    return _claimed(_BEGIN, name, slot, worker, lease)


def left_over() -> list[tuple[str, datetime]]:
    """Return the runs that nobody carries out: asked for by hand, given back, or lost."""
    return [(name, slot) for name, slot in database.rows(_LEFT_OVER)]


def take_up(name: str, slot: datetime, worker: str, lease: float) -> Claim | None:
    """Carry on with a run that is left over; None when another does."""
    return _claimed(_TAKE_UP, name, slot, worker, lease)


def give_up() -> list[tuple[str, datetime]]:
    """End the runs that have lost too many processes; return them."""
    return [(name, slot) for name, slot in database.rows(_GIVE_UP, (MOST_LOST,))]


def keep(claim: Claim, lease: float) -> bool:
    """Keep a lease up; False when the run is another's by now."""
    return bool(database.rows(_KEEP, {**claim.fields, "lease": lease}))


def finish(claim: Claim, outcome: str, words: str) -> bool:
    """Write down what came of a run; False when it is another's by now."""
    told = {"outcome": outcome, "words": words[:LONGEST_WORDS]}
    return bool(database.rows(_FINISH, {**claim.fields, **told}))


def give_back(claim: Claim) -> bool:
    """Leave a run to another, at once and as if it had not been begun."""
    return bool(database.rows(_GIVE_BACK, claim.fields))


def leave(claim: Claim) -> bool:
    """Leave a run to whoever comes after a rest, as if its process had died; it counts as lost.

    A server that was started anew has cut the connections of every scheduler. Without a rest they
    would take the run up one after the other within a blink, each by one that is dead.
    """
    return bool(database.rows(_LEAVE, {**claim.fields, "rest": REST_SECONDS}))


def ask(name: str, person_id: UUID) -> datetime | None:
    """Ask for a run by hand; return its slot, None while a run is open."""
    rows = database.rows(_ASK, (name, person_id))
    return rows[0][0] if rows else None


def forget_runs(days: int, most: int) -> int:
    """Delete at most so many runs that ended longer ago; never the last one, nor the last good."""
    return len(database.rows(_FORGET, (days, most)))


def healths(names: Sequence[str]) -> dict[str, Health]:
    """Return how those of these schedules do that were ever begun."""
    return {
        name: Health(succeeded_at=at, age=age, outcome=outcome)
        for name, at, age, outcome in database.rows(_HEALTH, (list(names),))
        if age is not None
    }


def _claimed(sql: str, name: str, slot: datetime, worker: str, lease: float) -> Claim | None:
    wanted = {"name": name, "slot": slot, "worker": worker, "lease": lease}
    rows = database.rows(sql, wanted)
    return Claim(name=name, slot=slot, worker=worker, attempt=rows[0][0]) if rows else None

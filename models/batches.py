"""Batches, their lines, and the steps of a line: each one function of `models/sql/batches.sql`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from peewee import BigIntegerField, CharField, IntegerField, TextField, UUIDField
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField
from psycopg2.extras import Json

from models.kernel.database import Table, database
from models.kernel.errors import NotFound
from models.kernel.ids import new_id
from models.kernel.money import ZERO, Estimate, Nano

OPENAI: Final = "openai"
ANTHROPIC: Final = "anthropic"

VALIDATING: Final = "validating"
COMPLETED: Final = "completed"
CANCELLED: Final = "cancelled"
EXPIRED: Final = "expired"
OVER: Final = frozenset({COMPLETED, "failed", CANCELLED, EXPIRED})

WAITING: Final = "waiting"
ANSWERED: Final = "answered"
FAILED: Final = "failed"

HELD: Final = "held"
POOR: Final = "poor"
GONE: Final = "over"

_DUE: Final = """
select id from batch_line
where batch_id = %s and state = 'waiting' and not_before <= clock_timestamp()
  and not id = any(%s::uuid[])
order by not_before, number limit %s
"""
_WAITS: Final = "select exists (select from batch_line where batch_id = %s and state = 'waiting')"
_SIZE: Final = """
select coalesce(sum(octet_length(written) + 1), 0) from batch_line
where batch_id = %s and state = any(%s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Which part of a list, newest first: what follows one, or what comes just before one."""

    after: UUID | None = None
    before: UUID | None = None


class Batch(Table):
    """Many calls as one job. It is an `Asker` too: its lines are planned for whoever opened it."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    mode = CharField()
    job_id = UUIDField(unique=True)
    shape = CharField()
    endpoint = CharField()
    input_key = TextField()
    input_file_id = UUIDField(null=True)
    output_file_id = UUIDField()
    error_file_id = UUIDField(null=True)
    tier = CharField()
    ai_preferences = BinaryJSONField(default=dict, index=False)
    metadata = BinaryJSONField(null=True, index=False)
    status = CharField(default=VALIDATING)
    faults = BinaryJSONField(default=list, index=False)
    total = IntegerField(default=0)
    answered = IntegerField(default=0)
    failed = IntegerField(default=0)
    cancelled = IntegerField(default=0)
    cost_nano = BigIntegerField(default=0)
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    begun_at = DateTimeTZField(null=True)
    finalizing_at = DateTimeTZField(null=True)
    cancelling_at = DateTimeTZField(null=True)
    ended_at = DateTimeTZField(null=True)
    deleted_at = DateTimeTZField(null=True)

    @property
    def is_over(self) -> bool:
        """Whether no line will be answered any more."""
        return self.status in OVER

    @property
    def waiting(self) -> int:
        """How many lines have not ended; of a batch that is over, those that were never run."""
        return int(self.total - self.answered - self.failed - self.cancelled)

    @property
    def cost(self) -> Nano:
        """What its lines were charged so far."""
        return Nano(self.cost_nano)

    @classmethod
    def owned_by(cls, account_id: UUID, mode: str, batch_id: UUID, shape: str) -> Self:
        """Return a batch of this account, mode and shape; raise `NotFound` for any other."""
        found = cls.found(
            id=batch_id, account_id=account_id, mode=mode, shape=shape, deleted_at=None
        )
        if found is None:
            raise NotFound("there is no such batch")
        return found

    @classmethod
    def newest(
        cls, account_id: UUID, mode: str, shape: str, *, between: Between, most: int
    ) -> list[Self]:
        """Return at most so many batches of an account, newest first."""
        rows = cls.select().where(
            cls.account_id == account_id,
            cls.mode == mode,
            cls.shape == shape,
            cls.deleted_at.is_null(),
        )
        if between.after is not None:
            rows = rows.where(cls.id < between.after)
        if between.before is not None:
            rows = rows.where(cls.id > between.before)
            return list(rows.order_by(cls.id.asc()).limit(most))[::-1]
        return list(rows.order_by(cls.id.desc()).limit(most))


class BatchLine(Table):
    """One call of a batch. `asked` and `written` are JSON as text."""

    id = UUIDField(primary_key=True)
    batch_id = UUIDField()
    number = IntegerField()
    custom_id = TextField()
    wire = CharField()
    asked = TextField()
    state = CharField(default=WAITING)
    tries = IntegerField(default=0)
    not_before = DateTimeTZField()
    written = TextField(null=True)

    class Meta:
        """peewee's configuration."""

        table_name = "batch_line"

    @property
    def body(self) -> Mapping[str, Any]:
        """What was sent."""
        body: Mapping[str, Any] = json.loads(self.asked)
        return body

    @classmethod
    def due(cls, batch_id: UUID, besides: Sequence[UUID], most: int) -> list[UUID]:
        """Return lines whose turn it is, first those never tried; `besides` are being asked."""
        return [line for (line,) in database.rows(_DUE, (batch_id, list(besides), most))]

    @classmethod
    def any_waits(cls, batch_id: UUID) -> bool:
        """Say whether a line has not ended."""
        ((waits,),) = database.rows(_WAITS, (batch_id,))
        return bool(waits)

    @classmethod
    def size_written(cls, batch_id: UUID, states: Sequence[str]) -> int:
        """Return how many bytes the lines in some states have come to."""
        ((size,),) = database.rows(_SIZE, (batch_id, list(states)))
        return int(size)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEnd:
    """How a line ends: `answered`, `failed` or `cancelled`, and what it brings with it."""

    state: str
    written: str
    cost: Nano = ZERO
    usage: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """The attempt that has a batch: its job and its fencing token."""

    job_id: UUID
    attempt: int


def begin_line(holder: Holder, line_id: UUID, hold: Estimate) -> str:
    """Take a line's hold before it is asked: `held`, `poor`, `over`, or `lost`."""
    values = (holder.job_id, holder.attempt, line_id, hold.cost, hold.tokens)
    ((outcome,),) = database.rows("select batch_line_begin(%s, %s, %s, %s, %s)", values)
    return str(outcome)


def end_line(holder: Holder, line_id: UUID, end: LineEnd) -> bool:
    """End a line with its money and the counts; False: not ours any more, nothing was written."""
    usage = Json(list(end.usage)) if end.usage else None
    values = (holder.job_id, holder.attempt, line_id, end.state, end.written, end.cost, usage)
    ((is_ours,),) = database.rows("select batch_line_end(%s, %s, %s, %s, %s, %s, %s)", values)
    return bool(is_ours)


def put_back_line(holder: Holder, line_id: UUID, delay: float) -> bool:
    """Let a line wait for another try, seconds from now; False: not ours any more."""
    values = (holder.job_id, holder.attempt, line_id, delay)
    ((is_ours,),) = database.rows("select batch_line_put_back(%s, %s, %s, %s)", values)
    return bool(is_ours)

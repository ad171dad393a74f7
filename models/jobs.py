"""Jobs as rows: the letter, of which the broker carries only the address."""

from typing import Any, Final, Self
from uuid import UUID

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    IntegerField,
    ModelSelect,
    SmallIntegerField,
    TextField,
    UUIDField,
)
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from models.kernel.database import Table
from models.kernel.errors import NotFound
from models.kernel.ids import new_id

TERMINAL: Final = frozenset({"succeeded", "failed", "cancelled"})


class JobRow(Table):
    """One job. Only the functions of `models/sql/engine.sql` and `reconcile.sql` change it."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    mode = CharField()
    type = CharField()
    queue = CharField()
    input = BinaryJSONField(index=False)
    subject_id = UUIDField(null=True)
    state = CharField()
    priority = SmallIntegerField()
    attempt = IntegerField()
    failures = IntegerField()
    lost = IntegerField()
    max_attempts = IntegerField()
    run_at = DateTimeTZField()
    deadline_at = DateTimeTZField()
    dispatched_at = DateTimeTZField(null=True)
    resend_at = DateTimeTZField(null=True)
    sends = IntegerField()
    lease_until = DateTimeTZField(null=True)
    worker = CharField(null=True)
    cancel_requested_at = DateTimeTZField(null=True)
    completed = IntegerField()
    total = IntegerField()
    result = BinaryJSONField(null=True, index=False)
    error_code = CharField(null=True)
    error_message = TextField(null=True)
    request_id = CharField(null=True)
    created_at = DateTimeTZField()
    started_at = DateTimeTZField(null=True)
    finished_at = DateTimeTZField(null=True)

    class Meta:
        """peewee's configuration."""

        table_name = "job"

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in TERMINAL

    @classmethod
    def owned_by(cls, account_id: UUID, mode: str, job_id: UUID) -> Self:
        """Return a job of this account and mode; raise `NotFound` for anybody else's."""
        job: Self | None = cls.of_account(account_id, mode).where(cls.id == job_id).first()
        if job is None:
            raise NotFound("there is no such job")
        return job

    @classmethod
    def of_account(cls, account_id: UUID, mode: str) -> "ModelSelect[Self]":
        """Select an account's jobs, newest first."""
        return (
            cls.select()
            .where(cls.account_id == account_id, cls.mode == mode)
            .order_by(cls.id.desc())
        )

    @classmethod
    def open_about(cls, subject_id: UUID) -> list[Self]:
        """Return the jobs about one subject that are not over."""
        return list(
            cls.select().where(cls.subject_id == subject_id, cls.state.in_(["queued", "running"]))
        )

    @classmethod
    def latest_about(cls, subject_id: UUID, kind: str) -> Self | None:
        """Return the newest job of a type about one subject."""
        newest: Self | None = (
            cls.select()
            .where(cls.subject_id == subject_id, cls.type == kind)
            .order_by(cls.id.desc())
            .first()
        )
        return newest


class Lane(Table):
    """One account's share of one queue: what is in the broker or running, and what waits."""

    account_id = UUIDField(primary_key=True)
    queue = CharField()
    in_flight = IntegerField()
    waiting = IntegerField()


class QueueControl(Table):
    """Whether an operator has paused a queue."""

    queue = CharField(primary_key=True)
    paused = BooleanField(default=False)
    changed_at = DateTimeTZField()


class Event(Table):
    """Something that happened, written by the transaction that made it happen."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    mode = CharField()
    type = CharField()
    data = BinaryJSONField(index=False)
    once = TextField(null=True)
    created_at = DateTimeTZField()


class CreditHold(Table):
    """What a job may cost at most, reserved until the job ends. Amounts in nano-USD."""

    job_id = UUIDField(primary_key=True)
    account_id = UUIDField()
    amount_nano = BigIntegerField()
    settled_nano = BigIntegerField()
    state = CharField()
    created_at = DateTimeTZField()
    resolved_at = DateTimeTZField(null=True)


Json = dict[str, Any]

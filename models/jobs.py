"""Jobs as rows: the letter, of which the broker carries only the address."""

from typing import Any, Final, Self
from uuid import UUID

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    DateField,
    IntegerField,
    ModelSelect,
    SmallIntegerField,
    TextField,
    UUIDField,
    fn,
)
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.errors import NotFound
from models.kernel.ids import new_id

TERMINAL: Final = frozenset({"succeeded", "failed", "cancelled"})

_FORGET: Final = (
    "insert into forgotten_answer (job_id, account_id) values (%s, %s) on conflict do nothing"
)


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
    user_id = UUIDField(null=True)
    key_id = UUIDField(null=True)
    created_at = DateTimeTZField()
    started_at = DateTimeTZField(null=True)
    finished_at = DateTimeTZField(null=True)

    credits_used: int | None = None
    """What of the account's means and limits was used up when it was accepted, in percent."""

    class Meta:
        """peewee's configuration."""

        table_name = "job"

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in TERMINAL

    @property
    def is_forgotten(self) -> bool:
        """Whether its owner has deleted what it answered: nobody is to read it any more."""
        return ForgottenAnswer.found(job_id=self.id) is not None

    def forget(self) -> None:
        """Let nobody read it any more; once is enough."""
        database.rows(_FORGET, (self.id, self.account_id))

    @classmethod
    def owned_by(cls, account_id: UUID, mode: str, job_id: UUID) -> Self:
        """Return a job of this account and mode; raise `NotFound` for others and forgotten ones."""
        job = cls.found(id=job_id, account_id=account_id, mode=mode)
        if job is None or job.is_forgotten:
            raise NotFound("there is no such job")
        return job

    @classmethod
    def of_account(cls, account_id: UUID, mode: str) -> "ModelSelect[Self]":
        """Select an account's jobs, newest first, without those that are forgotten."""
        forgotten = ForgottenAnswer.select(ForgottenAnswer.job_id).where(
            ForgottenAnswer.job_id == cls.id
        )
        return (
            cls.select()
            .where(cls.account_id == account_id, cls.mode == mode, ~fn.EXISTS(forgotten))
            .order_by(cls.id.desc())
        )

    @classmethod
    def open_about(cls, subject_id: UUID) -> list[Self]:
        """Return the jobs about one subject that are not over."""
        return list(
            cls.select().where(cls.subject_id == subject_id, cls.state.in_(["queued", "running"]))
        )

    @classmethod
    def under_way(cls, account_id: UUID) -> list[Self]:
        """Return an account's jobs that are not over."""
        is_open = cls.state.in_(["queued", "running"])
        return list(cls.select().where(cls.account_id == account_id, is_open).order_by(cls.id))

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


class ForgottenAnswer(Table):
    """An answer that its owner has deleted; `purged_at` is when its job was emptied."""

    job_id = UUIDField(primary_key=True)
    account_id = UUIDField()
    forgotten_at = DateTimeTZField()
    purged_at = DateTimeTZField(null=True)

    class Meta:
        """peewee's configuration."""

        table_name = "forgotten_answer"


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


class CreditHold(Table):
    """What a job may cost at most, reserved until the job ends. Amounts in nano-USD."""

    job_id = UUIDField(primary_key=True)
    account_id = UUIDField()
    amount_nano = BigIntegerField()
    settled_nano = BigIntegerField()
    state = CharField()
    period = DateField(null=True)
    day = DateField(null=True)
    tokens = BigIntegerField(default=0)
    user_id = UUIDField(null=True)
    key_id = UUIDField(null=True)
    created_at = DateTimeTZField()
    resolved_at = DateTimeTZField(null=True)


Json = dict[str, Any]

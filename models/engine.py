"""The job engine's hot path: one statement and one commit a step (ARCHITECTURE §5).

Each function here calls the function of the same name in `models/sql/`. Whoever gets ids back
posts a message for each; if that fails, the reconciler does it later.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg2.extras
from peewee import DataError, InternalError, OperationalError, PeeweeException
from psycopg2.extensions import register_adapter

from models.credits import short_of
from models.jobs import JobRow
from models.kernel.database import database, sqlstate_of
from models.kernel.errors import IdempotencyMismatch, RateLimitExceeded
from models.kernel.money import NOTHING, ZERO, Estimate, Nano

BACKLOG_RETRY_SECONDS: Final = 30
_CLAIMED: Final = (
    "id", "account_id", "mode", "type", "queue", "input", "subject_id", "state", "attempt",
    "failures", "max_attempts", "completed", "total", "worker", "request_id", "created_at",
    "started_at", "cancel_requested_at",
)  # fmt: skip
_CLAIM: Final = f"select {', '.join(_CLAIMED)} from job_claim(%s, %s, %s)"
NO_CREDIT: Final = "ILM02"
BACKLOG_FULL: Final = "ILM29"

psycopg2.extras.register_uuid()
register_adapter(Nano, lambda nano: psycopg2.extensions.AsIs(nano.amount))


@dataclass(frozen=True, slots=True)
class Ready:
    """A job that now has a place in the broker: a message should be posted for it."""

    id: UUID
    type: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job to be accepted. `window` and `most_waiting` bound its account's lane."""

    id: UUID
    account_id: UUID
    mode: str
    type: str
    queue: str
    input: dict[str, Any]
    subject_id: UUID | None
    priority: int
    max_attempts: int
    deadline_seconds: int
    window: int
    most_waiting: int
    hold: Estimate = NOTHING
    request_id: str | None = None
    idempotency_key: str | None = None
    fingerprint: bytes | None = None
    user_id: UUID | None = None
    key_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a draft: the job's id, whether it is new, whether to post it now.

    `used` is the percent of the account's means and limits that are used up, None if it costs none.
    """

    id: UUID
    is_new: bool
    ready: tuple[Ready, ...]
    at: datetime | None
    used: int | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """One lease to renew, with the progress to record. `lease` in seconds."""

    id: UUID
    attempt: int
    completed: int
    total: int
    lease: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the row says back: still yours, and whether to stop."""

    id: UUID
    attempt: int
    cancelled: bool
    overdue: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ends: `succeeded`, `failed` or `cancelled`, and what it brings with it.

    `effects` are statements and their values, carried out with the end or not at all.
    """

    state: str
    result: dict[str, Any] | None = None
    error_code: str | None = None
    error_message: str | None = None
    cost: Nano = ZERO
    usage: Sequence[dict[str, Any]] = ()
    effects: Sequence[tuple[str, Sequence[Any]]] = ()


def accept(draft: Draft) -> Accepted:
    """Keep a job, its key and its hold, or none of them.

    Raises `PaymentRequired`, `RateLimitExceeded` when the account's waiting room is full, and
    `IdempotencyMismatch` when the key belongs to another request.
    """
    values = (
        draft.id, draft.account_id, draft.mode, draft.type, draft.queue, _json(draft.input),
        draft.subject_id, draft.priority, draft.max_attempts, draft.deadline_seconds,
        draft.window, draft.most_waiting, draft.hold.cost, draft.request_id,
        draft.idempotency_key, draft.fingerprint, draft.hold.tokens, draft.user_id, draft.key_id,
    )  # fmt: skip
    places = ("%s," * len(values))[:-1]
    try:
        ((outcome, job_id, dispatched, at, used),) = database.rows(
            f"select * from job_accept({places})",
            values,
        )
    except (InternalError, OperationalError, DataError, PeeweeException) as error:
        raise _refusal(error) from error
    if outcome == "mismatch":
        raise IdempotencyMismatch("this Idempotency-Key was used for another request")
    ready = (Ready(job_id, draft.type, draft.queue),) if dispatched else ()
    return Accepted(job_id, outcome == "accepted", ready, at, used)


def claim(job_id: UUID, worker: str, lease: float) -> JobRow | None:
    """Take a job and its lease, or return None: the message is then dropped."""
    rows = database.rows(_CLAIM, (job_id, worker, lease))
    return JobRow(**dict(zip(_CLAIMED, rows[0], strict=True))) if rows else None


def finish(job: JobRow, ending: Ending, window: int) -> tuple[bool, list[Ready]]:
    """End a job in one transaction; False: another attempt holds the row, nothing was written.

    When it ended, `job` is brought up to what the row now says.
    """
    with database.borrowed():
        effects = [database.written(*effect) for effect in ending.effects]
        ((done, ids, types, ended_at),) = database.rows(
            "select * from job_finish(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::text[], %s)",
            (
                job.id, job.attempt, ending.state, _json(ending.result), ending.error_code,
                ending.error_message, job.completed, job.total, ending.cost,
                _json(list(ending.usage) or None), effects, window,
            ),
        )  # fmt: skip
    if done:
        job.state, job.result, job.finished_at = ending.state, ending.result, ended_at
        job.error_code, job.error_message = ending.error_code, ending.error_message
    return done, _ready(ids, types, job.queue)


def retry(
    job: JobRow, delay: float, code: str, message: str, window: int
) -> tuple[str, list[Ready]]:
    """Put a failed attempt back for later, or end its job; return who is next too.

    The state is `queued`, `cancelled`, `failed`, or `lost` when the row was not ours any more.
    """
    ((state, ids, types),) = database.rows(
        "select * from job_retry(%s, %s, %s, %s, %s, %s)",
        (job.id, job.attempt, delay, code, message, window),
    )
    return state, _ready(ids, types, job.queue)


def give_back(job: JobRow) -> bool:
    """Return a job to its queue at once, counted as nothing; False: it was not ours any more."""
    ((given,),) = database.rows("select job_give_back(%s, %s)", (job.id, job.attempt))
    return bool(given)


def heartbeat(beats: Sequence[Beat]) -> list[Pulse]:
    """Renew many leases in one statement; those missing from the answer are lost.

    Not synchronous: losing the last half second of heartbeats in a crash only shortens a lease.
    """
    columns = [list(column) for column in zip(
        *((b.id, b.attempt, b.completed, b.total, b.lease) for b in beats), strict=True
    )]  # fmt: skip
    with database.unit():
        database.rows("set local synchronous_commit = off")
        rows = database.rows(
            "select * from job_heartbeat(%s::uuid[], %s, %s, %s, %s::double precision[])", columns
        )
    return [Pulse(*row) for row in rows]


def cancel(job: JobRow, window: int) -> tuple[str, int, list[Ready]]:
    """End a queued job, tell a running one; return the state it is in now and its attempt."""
    ((state, attempt, ids, types),) = database.rows(
        "select * from job_cancel(%s, %s)", (job.id, window)
    )
    return state, attempt, _ready(ids, types, job.queue)


def release(account_id: UUID, queue: str, window: int) -> list[Ready]:
    """Give an account's free places in a queue to its jobs that wait and are due."""
    ((ids, types),) = database.rows(
        "select * from lane_release(%s, %s, %s)", (account_id, queue, window)
    )
    return _ready(ids, types, queue)


def _ready(ids: list[UUID] | None, types: list[str] | None, queue: str) -> list[Ready]:
    return [Ready(i, t, queue) for i, t in zip(ids or (), types or (), strict=True)]


def _json(value: Any) -> Any:
    return None if value is None else psycopg2.extras.Json(value, dumps=json.dumps)


def _refusal(error: Exception) -> Exception:
    code = sqlstate_of(error)
    if code == NO_CREDIT:
        return short_of(error)
    if code == BACKLOG_FULL:
        return RateLimitExceeded(
            "too many of your jobs are waiting already", retry_after=BACKLOG_RETRY_SECONDS
        )
    return error

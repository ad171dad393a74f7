"""The queue: where a job value becomes a row, and a row a message."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from jobs.job import Job
from jobs.postman import Postman
from jobs.streams import Streams, progress_body
from models import engine
from models.catalogue.queues import queues
from models.credits import tell_exhausted
from models.engine import Draft
from models.jobs import JobRow
from models.kernel import tracing
from models.kernel.clock import wire_time
from models.kernel.denials import PaymentRequired
from models.kernel.errors import Unavailable
from models.kernel.ids import new_id, wire_id
from models.kernel.settings import Settings

DEFAULT_PRIORITY: Final = 5


@dataclass(frozen=True, slots=True)
class Sender:
    """Who submits a job, and by which request."""

    account_id: UUID
    mode: str
    request_id: str | None = None
    user_id: UUID | None = None
    key_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a client may ask of a job beside its input."""

    priority: int = DEFAULT_PRIORITY
    deadline_seconds: int | None = None
    idempotency_key: str | None = None
    fingerprint: bytes | None = None


class Queue:
    """Accepts and cancels jobs. The row is committed before any message is sent."""

    def __init__(self, postman: Postman, streams: Streams, settings: Settings) -> None:
        """Take what rings once the row is written."""
        self._postman = postman
        self._streams = streams
        self._settings = settings

    def put(self, job: Job, sender: Sender, wishes: Wishes | None = None) -> JobRow:
        """Accept a job; the same Idempotency-Key returns the row it made before.

        Raises what `engine.accept` raises. Inside a transaction, call `post` after the commit
        instead of this.
        """
        draft = self.draft(job, sender, wishes or Wishes())
        try:
            accepted = engine.accept(draft)
        except PaymentRequired as refused:
            tell_exhausted(sender.account_id, refused)
            raise
        self.post(accepted)
        return _as_accepted(draft, accepted)

    def draft(self, job: Job, sender: Sender, wishes: Wishes) -> Draft:
        """Make the row of a job by the policy of its queue."""
        policy = queues()[job.queue]
        return Draft(
            id=new_id(),
            account_id=sender.account_id,
            mode=sender.mode,
            type=job.name,
            queue=job.queue,
            input=job.to_input(),
            subject_id=job.subject,
            priority=wishes.priority,
            max_attempts=policy.attempts,
            deadline_seconds=wishes.deadline_seconds or policy.deadline,
            window=policy.window(self._settings),
            most_waiting=policy.most_waiting,
            hold=job.estimate,
            request_id=sender.request_id,
            user_id=sender.user_id,
            key_id=sender.key_id,
            idempotency_key=wishes.idempotency_key,
            fingerprint=wishes.fingerprint,
        )

    def post(self, accepted: engine.Accepted) -> None:
        """Ring for a job that a transaction of the caller's has accepted and committed."""
        with tracing.span("send job", tracing.PRODUCER):
            self._postman.post(accepted.ready)

    def cancel(self, job: JobRow) -> JobRow:
        """Cancel in any state: a queued job is over at once, a running one is rung."""
        window = queues()[job.queue].window(self._settings)
        state, _, ready = engine.cancel(job, window)
        self._postman.post(ready)
        fresh: JobRow = JobRow.get_by_id(job.id)
        if state == "running":
            self._streams.ring_cancel(job.id)
        elif job.state != state:
            self._streams.end(fresh, job_body(fresh))
        return fresh

    def forget(self, job: JobRow) -> None:
        """Let nobody read a job any more, nor what was streamed of it; one that runs is cancelled.

        Without Redis the stream stays for its hours, and nobody is let to it.
        """
        job.forget()
        if not job.is_over:
            self.cancel(job)
        with suppress(Unavailable):
            self._streams.forget([job.id])


def _as_accepted(draft: Draft, accepted: engine.Accepted) -> JobRow:
    """Return the row as it was when accepted: a replay answers what the first call answered."""
    at = accepted.at or JobRow.get_by_id(accepted.id).created_at
    row = JobRow(
        id=accepted.id, account_id=draft.account_id, mode=draft.mode, type=draft.type,
        queue=draft.queue, input=draft.input, state="queued", attempt=0, completed=0, total=0,
        max_attempts=draft.max_attempts, request_id=draft.request_id, created_at=at,
    )  # fmt: skip
    row.credits_used = accepted.used
    return row


def job_body(job: JobRow) -> dict[str, Any]:
    """Return a job as the wire shows it (CONTRACT §4), in routes and in `end` events."""
    return {
        "id": wire_id("job", job.id),
        "type": job.type,
        "status": job.state,
        "progress": progress_body(job.completed, job.total),
        "attempt": job.attempt,
        "maxAttempts": job.max_attempts,
        "createdAt": wire_time(job.created_at),
        "startedAt": job.started_at and wire_time(job.started_at),
        "finishedAt": job.finished_at and wire_time(job.finished_at),
        "result": job.result,
        "error": _error(job),
    }


def as_told(job: JobRow, body: Mapping[str, Any]) -> JobRow:
    """Return a job as the body in its `end` tells it, so that nobody need ask the database."""
    error = body["error"] or {"code": None, "message": None}
    return JobRow(**{
        **job.__data__,
        "state": body["status"], "attempt": body["attempt"], "result": body["result"],
        "error_code": error["code"], "error_message": error["message"],
    })  # fmt: skip


def _error(job: JobRow) -> Mapping[str, str] | None:
    if job.error_code is None or job.state == "succeeded":
        return None
    return {"code": job.error_code, "message": job.error_message or ""}

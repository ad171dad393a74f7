"""The intake of jobs that a client waits for: a request that is sent again joins the job it made.

By its Idempotency-Key for a day; by the count that an SDK sends with a retry of its own for a
minute (CONTRACT §5).
"""

from collections.abc import Callable
from typing import Final

from falcon.asgi import Request

from api.idempotency import idempotency_key
from api.resources.jobs import sender_of
from api.spending import spent_by
from jobs.job import Job
from jobs.queue import Queue, Wishes
from jobs.recent import RecentCalls
from models.idempotency import HOURS, fingerprint
from models.jobs import JobRow
from models.kernel.database import database

RETRY_COUNT: Final = "x-stainless-retry-count"

_KNOWN: Final = """
select job_id from idempotency_key
where account_id = %s and mode = %s and key = %s and fingerprint = %s and job_id is not null
  and created_at >= now() - make_interval(hours => %s)
"""


class Intake:
    """Where requests become jobs. Every method runs in the pool."""

    def __init__(self, queue: Queue, recent: RecentCalls) -> None:
        """Take where jobs go, and who remembers requests."""
        self._queue = queue
        self._recent = recent

    def take(self, req: Request, make: Callable[[], Job]) -> JobRow:
        """Accept the job that `make` returns, or return the one that this request repeats.

        Raises what `make` and `Queue.put` raise.
        """
        key, wanted = idempotency_key(req), _wanted(req)
        repeated = self._repeated(req, wanted) or _known(req, key, wanted)
        if repeated is not None:
            return repeated
        wishes = Wishes(idempotency_key=key, fingerprint=wanted if key else None)
        row = self._queue.put(make(), sender_of(req), wishes)
        self._expect(req, wanted, row)
        return spent_by(req, row)

    def expect_again(self, req: Request, row: JobRow) -> None:
        """Let a retry that is sent a minute from now still join the job that was taken."""
        self._expect(req, _wanted(req), row)

    def _expect(self, req: Request, wanted: bytes, row: JobRow) -> None:
        if req.get_header(RETRY_COUNT) is not None:
            self._recent.remember(_credential(req), wanted, row.id)

    def _repeated(self, req: Request, wanted: bytes) -> JobRow | None:
        """Return the job that an SDK's own retry repeats, unless that has failed."""
        if not (req.get_header(RETRY_COUNT) or "0").strip("0 "):
            return None
        job_id = self._recent.recall(_credential(req), wanted)
        row: JobRow | None = JobRow.found(id=job_id) if job_id else None
        has_failed = row is not None and row.is_over and row.state != "succeeded"
        return None if has_failed else row


def _known(req: Request, key: str | None, wanted: bytes) -> JobRow | None:
    """Return the job that an Idempotency-Key has made: it is admitted once."""
    principal = req.context.principal
    place = (principal.account_id, principal.mode, key)
    rows = database.rows(_KNOWN, (*place, wanted, HOURS)) if key else []
    return JobRow.found(id=rows[0][0]) if rows else None


def _wanted(req: Request) -> bytes:
    return fingerprint(req.method, req.path, req.context.given)


def _credential(req: Request) -> str:
    principal = req.context.principal
    return f"{principal.account_id}:{principal.mode}:{principal.key_id or principal.user_id}"

"""The reconciler: sees what the postman lost, who died at work, and whose turn it is.

One round every few seconds in every scheduler; each step compares before it sets, so that any
number may run at once. It is not a job itself: nothing it repairs could stop it.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from jobs.postman import Postman
from jobs.queue import job_body
from jobs.streams import Streams
from models import engine
from models.catalogue.queues import queues
from models.engine import Ready
from models.jobs import JobRow
from models.kernel.database import database
from models.kernel.logs import get_logger
from models.kernel.settings import Settings

BATCH: Final = 500
MOST_LOST: Final = 5
KEY_HOURS: Final = 24

_EXPIRED: Final = """
select id, attempt, queue from job
where state = 'running' and lease_until < clock_timestamp() order by lease_until limit %s
"""
_OVERDUE: Final = """
select id, queue from job where state = 'queued' and deadline_at < now()
order by deadline_at limit %s
"""
_END_OVERDUE: Final = """
select * from job_end_queued(%s, 'failed', 'DEADLINE_EXCEEDED',
                             'the job was not started before its deadline', %s)
"""
_OLD_KEYS: Final = """
delete from idempotency_key where (account_id, mode, key) in (
    select account_id, mode, key from idempotency_key
    where created_at < now() - make_interval(hours => %s) limit %s)
"""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """How much one round repaired."""

    expired: int
    overdue: int
    released: int
    resent: int
    holds: int

    @property
    def did_anything(self) -> bool:
        """Whether it is worth a line in the log."""
        return any((self.expired, self.overdue, self.resent, self.holds))


class Reconciler:
    """Puts rows right and rings for those that nobody has heard of."""

    def __init__(self, postman: Postman, streams: Streams, settings: Settings) -> None:
        """Take what rings."""
        self._postman = postman
        self._streams = streams
        self._settings = settings

    def round(self) -> Round:
        """Do every step once; raise what the database raises."""
        done = Round(
            expired=self._expire(),
            overdue=self._end_overdue(),
            released=self._release(),
            resent=self._resend(),
            holds=self._release_holds(),
        )
        database.rows(_OLD_KEYS, (KEY_HOURS, BATCH))
        if done.did_anything:
            log.info("reconciler.round", **{n: getattr(done, n) for n in Round.__slots__})
        return done

    def _expire(self) -> int:
        expired = database.rows(_EXPIRED, (BATCH,))
        for job_id, attempt, queue in expired:
            ((state, ids, types),) = database.rows(
                "select * from job_expire(%s, %s, %s, %s)",
                (job_id, attempt, MOST_LOST, self._window(queue)),
            )
            if state is not None:
                log.warning("job.lease_expired", job_id=job_id.hex, attempt=attempt, state=state)
                self._ring(ids, types, queue)
                self._tell_end(job_id)
        return len(expired)

    def _end_overdue(self) -> int:
        overdue = database.rows(_OVERDUE, (BATCH,))
        for job_id, queue in overdue:
            ((done, ids, types),) = database.rows(_END_OVERDUE, (job_id, self._window(queue)))
            if done:
                self._ring(ids, types, queue)
                self._tell_end(job_id)
        return len(overdue)

    def _release(self) -> int:
        names = list(queues())
        windows = [self._window(name) for name in names]
        lanes = database.rows("select * from lanes_to_release(%s, %s, %s)", (names, windows, BATCH))
        count = 0
        for account_id, queue in lanes:
            ready = engine.release(account_id, queue, self._window(queue))
            self._postman.post(ready)
            count += len(ready)
        return count

    def _resend(self) -> int:
        rows = database.rows("select * from job_resend(%s)", (BATCH,))
        self._postman.post(Ready(*row) for row in rows)
        return len(rows)

    def _release_holds(self) -> int:
        orphans = database.rows("select * from holds_to_release(%s)", (BATCH,))
        for (job_id,) in orphans:
            log.error("hold.orphaned", job_id=job_id.hex)
            database.rows("select money_settle(%s, 0)", (job_id,))
        return len(orphans)

    def _ring(self, ids: list[UUID] | None, types: list[str] | None, queue: str) -> None:
        pairs = zip(ids or (), types or (), strict=True)
        self._postman.post(Ready(i, t, queue) for i, t in pairs)

    def _tell_end(self, job_id: UUID) -> None:
        row: JobRow = JobRow.get_by_id(job_id)
        if row.is_over:
            self._streams.end(row, job_body(row))

    def _window(self, queue: str) -> int:
        policy = queues().get(queue)
        return policy.window(self._settings) if policy else 1

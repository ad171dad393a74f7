"""From a message to the end of a job: claim, carry out, and close in one transaction.

Nothing a job function raises goes further than this file: it becomes a state of the row.

    Outcome            succeeded
    Cancelled          cancelled
    Refused            failed, for good
    FinalFailure       failed, for good, with what else that changes
    Unavailable        back to the queue for later, until the attempts are used up
    a cut connection   back to the queue at once, counted as nothing: not the job's failure
    anything else      as Unavailable, logged with its stack: a bug may be one worker's alone
    GivenBack          back to the queue at once, counted as nothing
    LeaseLost          nothing: another attempt holds the row
"""

from collections.abc import Callable, Sequence
from random import Random
from threading import Event
from typing import Final, TypeVar
from uuid import UUID

from peewee import PeeweeException

from jobs.backoff import wait_before_retry
from jobs.job import Job
from jobs.postman import Postman
from jobs.queue import job_body
from jobs.run import Effect, FinalFailure, GivenBack, LeaseLost, Outcome
from jobs.streams import Streams
from models import engine
from models.catalogue.queues import queues
from models.engine import Ending, Ready
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.database import database, is_cut
from models.kernel.errors import Cancelled, Refused, Unavailable
from models.kernel.logs import about, get_logger
from models.kernel.settings import Settings
from workers.endings import OUTAGES, cut_short, refused, told, whole
from workers.heart import Heart
from workers.runs import ActiveRun

WRITE_WAITS: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Together less than the time a stopping worker has."""

J = TypeVar("J", bound=Job)
T = TypeVar("T")

log = get_logger(__name__)


class Desk:
    """Where messages become runs. One a worker process."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        streams: Streams,
        postman: Postman,
        heart: Heart,
        name: str,
    ) -> None:
        """Take the parts; `name` says in the row which worker holds it."""
        self._settings = settings
        self._clock = clock
        self._streams = streams
        self._postman = postman
        self._heart = heart
        self._name = name
        self._dice = Random()  # noqa: S311 - jitter, not a secret
        self._pause = Event()
        self.is_stopping = False

    def carry_out(
        self, job_id: str, kind: type[J], function: Callable[[J, ActiveRun], Outcome]
    ) -> None:
        """Claim the job a message names and see it through; drop the message if it cannot be."""
        row = self._claim(UUID(job_id), kind)
        if row is None:
            return
        ids = {"job_id": job_id, "job_type": row.type, "request_id": row.request_id or "-"}
        with about(**ids):
            lease = queues()[row.queue].lease_seconds(self._settings)
            run = ActiveRun(row, self._streams.producer(row), self._clock, lease)
            self._heart.add(run)
            if row.cancel_requested_at is not None:
                run.cancel()
            try:
                self._run(run, kind, function)
            finally:
                self._heart.remove(run)

    def _claim(self, job_id: UUID, kind: type[Job]) -> JobRow | None:
        if self.is_stopping:
            return None
        lease = queues()[kind.queue].lease_seconds(self._settings)
        try:
            return engine.claim(job_id, self._name, lease)
        except PeeweeException as error:
            log.warning("job.not_claimed", job_id=str(job_id), error=type(error).__name__)
            return None

    def _run(
        self, run: ActiveRun, kind: type[J], function: Callable[[J, ActiveRun], Outcome]
    ) -> None:
        began = self._clock.elapsed()
        run.producer.begin()
        try:
            ending, effects = self._attempt(run, kind, function)
        except LeaseLost:
            log.warning("job.lease_lost", attempt=run.attempt)
            return
        except GivenBack:
            self.give_back(run)
            return
        except OUTAGES as error:
            self._step_back(run, error)
            return
        except (Unavailable, _Bug) as error:
            self._put_back(run, error)
            return
        self._close(run, ending, effects)
        took = round((self._clock.elapsed() - began) * 1000)
        log.info("job.ended", state=ending.state, attempt=run.attempt, took_ms=took)

    def _attempt(
        self, run: ActiveRun, kind: type[J], function: Callable[[J, ActiveRun], Outcome]
    ) -> tuple[Ending, Sequence[Effect]]:
        """Call the function; return how the job ends, or raise why it does not yet."""
        try:
            outcome = function(kind.from_input(run.row.input), run)
        except Cancelled as error:
            return refused(error, state="cancelled"), ()
        except Refused as error:
            return refused(error), ()
        except FinalFailure as failure:
            return cut_short(failure), failure.effects
        except (LeaseLost, GivenBack, Unavailable, *OUTAGES):
            raise
        except Exception as error:
            log.exception("job.bug", attempt=run.attempt)
            raise _Bug from error
        return whole(outcome), outcome.effects

    def _close(self, run: ActiveRun, ending: Ending, effects: Sequence[Effect]) -> None:
        """End the row, unless another attempt holds it."""

        def end() -> tuple[bool, list[Ready]]:
            done, ready = self._finish(run.row, ending, effects)
            return done or self._ended_before(run.row), ready

        try:
            ended = self._insist(run, end)
        except PeeweeException:
            log.exception("job.not_finished", attempt=run.attempt)
            self._put_back(run, _Bug())
            return
        if ended is None:
            return
        done, ready = ended
        if not done:
            log.warning("job.zombie_refused", attempt=run.attempt)
            return
        self._postman.post(ready)
        run.producer.end(job_body(run.row))

    def _insist(self, run: ActiveRun, write: Callable[[], T]) -> T | None:
        """Write to the row, and again when PostgreSQL is away; None when it stays away.

        The attempt fences what comes late. Raises what no second try would better.
        """
        for wait in WRITE_WAITS:
            try:
                return write()
            except OUTAGES as error:
                log.warning("job.not_written", attempt=run.attempt, error=type(error).__name__)
                self._pause.wait(wait)
        try:
            return write()
        except OUTAGES:
            log.exception("job.given_up", attempt=run.attempt)
            return None

    def _finish(
        self, row: JobRow, ending: Ending, effects: Sequence[Effect]
    ) -> tuple[bool, list[Ready]]:
        window = self._window(row)
        if not effects:
            return engine.finish(row, ending, window)
        with database.unit():
            done, ready = engine.finish(row, ending, window)
            for effect in effects if done else ():
                database.rows(effect.sql, effect.parameters)
        return done, ready

    def _ended_before(self, row: JobRow) -> bool:
        """Say whether our own finish was committed although its answer never came."""
        fresh: JobRow = JobRow.get_by_id(row.id)
        if not fresh.is_over or fresh.attempt != row.attempt or fresh.worker != row.worker:
            return False
        row.__data__.update(fresh.__data__)
        return True

    def _step_back(self, run: ActiveRun, error: Exception) -> None:
        """Give a job back whose database went away: not its failure. A bad statement is one."""
        if not is_cut(error):
            self._put_back(run, error)
        elif self._insist(run, lambda: engine.give_back(run.row)):
            log.warning("job.cut_off", attempt=run.attempt, error=type(error).__name__)
            self._returned(run)

    def _put_back(self, run: ActiveRun, error: Exception) -> None:
        policy = queues()[run.row.queue]
        retry_after = getattr(error, "retry_after", None)
        delay = wait_before_retry(policy, run.row.failures + 1, self._dice, retry_after)
        code, words = told(error)
        window = self._window(run.row)
        put = self._insist(run, lambda: engine.retry(run.row, delay, code, words, window))
        if put is None:
            return
        state, ready = put
        self._postman.post(ready)
        log.warning("job.put_back", state=state, attempt=run.attempt, code=code, delay=delay)
        if state == "queued":
            run.producer.status("queued")
        elif state != "lost":
            fresh: JobRow | None = self._insist(run, lambda: JobRow.get_by_id(run.job_id))
            if fresh is not None:
                run.row.__data__.update(fresh.__data__)
                run.producer.end(job_body(run.row))

    def give_back(self, run: ActiveRun) -> None:
        """Return a run's job to its queue at once, and post it again for another worker."""
        try:
            if engine.give_back(run.row):
                log.info("job.given_back", attempt=run.attempt)
                self._returned(run)
        except PeeweeException as error:
            log.warning("job.not_given_back", error=type(error).__name__)

    def _returned(self, run: ActiveRun) -> None:
        run.producer.status("queued")
        self._postman.post([Ready(run.job_id, run.row.type, run.row.queue)])

    def _window(self, row: JobRow) -> int:
        return queues()[row.queue].window(self._settings)


class _Bug(Exception):
    """An error that is nobody's refusal and nobody's outage."""

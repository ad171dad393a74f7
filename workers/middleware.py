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

from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random
from threading import Event
from typing import Any, Final, TypeVar
from uuid import UUID

from peewee import PeeweeException

from jobs.backoff import wait_before_retry
from jobs.job import Job
from jobs.postman import Postman
from jobs.producers import Producers
from jobs.queue import job_body
from jobs.run import FinalFailure, GivenBack, LeaseLost, Outcome
from models import engine
from models.catalogue.queues import queues
from models.engine import Ending, Ready
from models.jobs import JobRow
from models.kernel import tracing
from models.kernel.clock import Clock
from models.kernel.database import is_cut
from models.kernel.errors import Cancelled, Refused, Unavailable
from models.kernel.logs import about, get_logger
from models.kernel.measures import JOB_SECONDS, JOB_WAIT_SECONDS
from models.kernel.settings import Settings
from workers.endings import OUTAGES, cut_short, refused, told, whole
from workers.heart import Heart
from workers.runs import ActiveRun

WRITE_WAITS: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Together less than the time a stopping worker has."""

PUT_BACK: Final = "put_back"
GIVEN_BACK: Final = "given_back"
LOST: Final = "lost"
"""What becomes of an attempt that does not end its job."""

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
        producers: Producers,
        postman: Postman,
        heart: Heart,
        name: str,
    ) -> None:
        """Take the parts; `name` says in the row which worker holds it."""
        self._settings = settings
        self._clock = clock
        self._producers = producers
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
        asked_at = self._clock.elapsed()
        row = self._claim(UUID(job_id), kind)
        if row is None:
            return
        ids = {"job_id": job_id, "job_type": row.type, "request_id": row.request_id or "-"}
        if row.attempt == 1:
            waited = (self._clock.now() - row.created_at).total_seconds()
            JOB_WAIT_SECONDS.observe(max(0.0, waited), row.queue)
        with about(**ids), _traced(row) as span:
            lease = queues()[row.queue].lease_seconds(self._settings)
            producer = self._producers.producer(row)
            run = ActiveRun(row, producer, self._clock, lease, asked_at=asked_at)
            self._heart.add(run)
            if row.cancel_requested_at is not None:
                run.cancel()
            began = self._clock.elapsed()
            try:
                outcome = self._run(run, kind, function)
            finally:
                self._heart.remove(run)
            JOB_SECONDS.observe(self._clock.elapsed() - began, row.type, outcome)
            if span is not None:
                span.set_attribute("ilm.outcome", outcome)

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
    ) -> str:
        """See one attempt through; return what became of it."""
        began = self._clock.elapsed()
        run.producer.begin()
        try:
            ending = self._attempt(run, kind, function)
        except LeaseLost:
            log.warning("job.lease_lost", attempt=run.attempt)
            return LOST
        except GivenBack:
            self.give_back(run)
            return GIVEN_BACK
        except OUTAGES as error:
            return self._step_back(run, error)
        except (Unavailable, _Bug) as error:
            return self._put_back(run, error)
        self._close(run, ending)
        took = round((self._clock.elapsed() - began) * 1000)
        log.info("job.ended", state=ending.state, attempt=run.attempt, took_ms=took)
        return ending.state

    def _attempt(
        self, run: ActiveRun, kind: type[J], function: Callable[[J, ActiveRun], Outcome]
    ) -> Ending:
        """Call the function; return how the job ends, or raise why it does not yet."""
        try:
            outcome = function(kind.from_input(run.row.input), run)
        except Cancelled as error:
            return refused(error, state="cancelled")
        except Refused as error:
            return refused(error)
        except FinalFailure as failure:
            return cut_short(failure)
        except (LeaseLost, GivenBack, Unavailable, *OUTAGES):
            raise
        except Exception as error:
            log.exception("job.bug", attempt=run.attempt)
            raise _Bug from error
        return whole(outcome)

    def _close(self, run: ActiveRun, ending: Ending) -> None:
        """End the row, unless another attempt holds it."""

        def end() -> tuple[bool, list[Ready]]:
            done, ready = engine.finish(run.row, ending, self._window(run.row))
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
        self._tell_end(run)

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

    def _ended_before(self, row: JobRow) -> bool:
        """Say whether our own finish was committed although its answer never came."""
        fresh: JobRow = JobRow.get_by_id(row.id)
        if not fresh.is_over or fresh.attempt != row.attempt or fresh.worker != row.worker:
            return False
        row.__data__.update(fresh.__data__)
        return True

    def _step_back(self, run: ActiveRun, error: Exception) -> str:
        """Give a job back whose database went away: not its failure. A bad statement is one."""
        if not is_cut(error):
            return self._put_back(run, error)
        if self._insist(run, lambda: engine.give_back(run.row)):
            log.warning("job.cut_off", attempt=run.attempt, error=type(error).__name__)
            self._returned(run)
        return GIVEN_BACK

    def _put_back(self, run: ActiveRun, error: Exception) -> str:
        """Let a job be tried again later; return what became of it."""
        policy = queues()[run.row.queue]
        retry_after = getattr(error, "retry_after", None)
        delay = wait_before_retry(policy, run.row.failures + 1, self._dice, retry_after)
        code, words = told(error)
        window = self._window(run.row)
        put = self._insist(run, lambda: engine.retry(run.row, delay, code, words, window))
        if put is None:
            return LOST
        state, ready = put
        self._postman.post(ready)
        log.warning("job.put_back", state=state, attempt=run.attempt, code=code, delay=delay)
        if state == "queued":
            run.producer.status("queued")
        elif state != "lost":
            fresh: JobRow | None = self._insist(run, lambda: JobRow.get_by_id(run.job_id))
            if fresh is not None:
                run.row.__data__.update(fresh.__data__)
                self._tell_end(run)
        return PUT_BACK if state == "queued" else state

    def _tell_end(self, run: ActiveRun) -> None:
        """Tell that a job is over; of one that its owner had forgotten meanwhile, keep no word."""
        run.producer.end(job_body(run.row))
        try:
            if run.row.is_forgotten:
                run.producer.forget()
        except PeeweeException as error:
            log.warning("job.not_looked_up", attempt=run.attempt, error=type(error).__name__)

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


def _traced(row: JobRow) -> AbstractContextManager[Any]:
    """Return the span of an attempt: in its request's trace, or in one of the job's own."""
    name, told = f"job {row.type}", {"messaging.destination.name": row.queue}
    within = row.request_id or f"req_{row.id.hex}"
    return tracing.span(name, tracing.CONSUMER, within=within, attributes=told)


class _Bug(Exception):
    """An error that is nobody's refusal and nobody's outage."""

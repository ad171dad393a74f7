"""Rounds: every few seconds each scheduler takes up the runs that are due and that nobody has.

When something is due is decided by the database's clock, and who carries it out by the row that is
there first, so that any number may go round, whatever their own clocks say (B-02).
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from peewee import PeeweeException

from jobs.schedules.calendar import schedules
from jobs.schedules.pulse import Interrupted, NotDone, Pulse, Skipped, TookTooLong
from models import schedules as runs
from models.kernel.clock import Clock
from models.kernel.database import database, is_cut
from models.kernel.errors import IlmError
from models.kernel.logs import get_logger
from models.kernel.measures import SCHEDULE_SECONDS
from models.schedules import FAILED, LOST, SKIPPED, SUCCEEDED, Claim

THREADS: Final = 4
"""Runs of one scheduler at once."""
TICK_SECONDS: Final = 5
LEASE_SECONDS: Final = 60.0
BEATS_PER_LEASE: Final = 6

Work = Callable[[Pulse], str]
"""What a schedule does; it says in a few words what came of it, and is safe to do twice."""

log = get_logger(__name__)


class Rounds:
    """What one scheduler carries out of the calendar."""

    def __init__(
        self, works: Mapping[str, Work], worker: str, clock: Clock, *, lease: float = LEASE_SECONDS
    ) -> None:
        """Take what is done under each name, what this process is called, and elapsed time."""
        self._works = works
        self._worker = worker
        self._clock = clock
        self._lease = lease
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="schedule")
        self._running: dict[Claim, Pulse] = {}

    def round(self) -> int:
        """Begin every run that is due, as far as there are threads; return how many.

        Raises what the database raises.
        """
        for name, slot in runs.give_up():
            log.error("schedule.given_up", schedule=name, slot=slot.isoformat())
            SCHEDULE_SECONDS.observe(0.0, name, LOST)
        begun = 0
        for claim in self._claims():
            self._start(claim)
            begun += 1
        return begun

    def beat(self) -> None:
        """Keep up the leases of what runs, but of what has taken too long."""
        for claim, pulse in list(self._running.items()):
            if not pulse.is_late and not runs.keep(claim, self._lease):
                pulse.interrupt()

    @property
    def beat_seconds(self) -> float:
        """How long it may be from one beat to the next."""
        return self._lease / BEATS_PER_LEASE

    @property
    def is_idle(self) -> bool:
        """Whether nothing of the calendar runs here."""
        return not self._running

    def stop(self) -> None:
        """Let what runs end at its next step, and leave the rest of it to others."""
        for pulse in list(self._running.values()):
            pulse.interrupt()
        self._threads.shutdown(wait=True)

    def _claims(self) -> Iterator[Claim]:
        """Take runs one by one, while there is a thread for each."""
        for name, slot in runs.left_over():
            if name in self._works and self._has_room():
                claim = runs.take_up(name, slot, self._worker, self._lease)
                if claim is not None:
                    if claim.attempt > 1:
                        log.warning("schedule.taken_up", schedule=name, attempt=claim.attempt)
                    yield claim
        for stand in runs.stands(sorted(self._works)):
            slot = schedules()[stand.name].latest(stand.now)
            is_due = stand.last is None or slot > stand.last
            if is_due and self._has_room():
                claim = runs.begin(stand.name, slot, self._worker, self._lease)
                if claim is not None:
                    yield claim

    def _has_room(self) -> bool:
        return len(self._running) < THREADS

    def _start(self, claim: Claim) -> None:
        pulse = Pulse(self._clock, schedules()[claim.name].most_seconds)
        began = self._clock.elapsed()
        self._running[claim] = pulse
        done = self._threads.submit(_carried_out, self._works[claim.name], pulse)
        done.add_done_callback(lambda done: self._end(claim, began, done))

    def _end(self, claim: Claim, began: float, done: "Future[str]") -> None:
        """Write down what came of a run; when that fails, its lease runs out.

        What lost PostgreSQL on its way goes on when somebody finds it again, as it would then.
        """
        error = done.exception()
        try:
            if isinstance(error, Interrupted):
                is_back = runs.give_back(claim)
                log.info("schedule.interrupted", schedule=claim.name, is_given_back=is_back)
            elif isinstance(error, PeeweeException) and is_cut(error):
                runs.leave(claim)
                log.warning("schedule.cut_off", schedule=claim.name, why=str(error).strip())
            else:
                self._tell(claim, self._clock.elapsed() - began, done)
        finally:
            self._running.pop(claim, None)

    def _tell(self, claim: Claim, seconds: float, done: "Future[str]") -> None:
        error = done.exception()
        outcome, words = _told(error) if error else (SUCCEEDED, done.result())
        if not runs.finish(claim, outcome, words):
            log.warning("schedule.was_taken_over", schedule=claim.name)
            return
        SCHEDULE_SECONDS.observe(seconds, claim.name, outcome)
        if outcome == FAILED:
            log.error("schedule.failed", schedule=claim.name, why=words, exc_info=error)
        else:
            log.info("schedule.done", schedule=claim.name, outcome=outcome, words=words)


def _carried_out(work: Work, pulse: Pulse) -> str:
    """Do a work, and keep no connection that its models have opened: by the next it may be dead."""
    try:
        return work(pulse)
    finally:
        if not database.is_closed():
            database.close()


def _told(error: BaseException) -> tuple[str, str]:
    """Say what an error means for a run; of one that is not ours only its name is told."""
    if isinstance(error, Skipped):
        return SKIPPED, str(error)
    if isinstance(error, TookTooLong):
        return FAILED, "it took longer than it may"
    if isinstance(error, NotDone):
        return FAILED, str(error)
    return FAILED, str(error) if isinstance(error, IlmError) else type(error).__name__

"""Running a batch: its file is taken in, its lines are answered, its files are closed (XC-02)."""

from collections import deque
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import Final
from uuid import UUID

from peewee import PeeweeException

from jobs.batches.closing import written_files
from jobs.batches.line_runs import LineRun
from jobs.batches.lines import Asked, Bench, answer_line, fail_or_put_back
from jobs.batches.open import RunBatch
from jobs.batches.taking_in import take_in
from jobs.run import Effect, FinalFailure, GivenBack, LeaseLost, Outcome, Run
from models.batches import CANCELLED, COMPLETED, EXPIRED, VALIDATING, Batch, BatchLine
from models.kernel.errors import Cancelled, DeadlineExceeded, IlmError
from models.kernel.ids import wire_id
from models.kernel.logs import get_logger

TICK_SECONDS: Final = 0.25
LAND_SECONDS: Final = 6.0
HANDFUL: Final = 64

_FINALIZING: Final = """
update batch set status = 'finalizing', finalizing_at = coalesce(finalizing_at, now())
where id = %s and ended_at is null
"""

log = get_logger(__name__)


def run_batch(job: RunBatch, bench: Bench, run: Run) -> Outcome:
    """Answer every line that has no answer yet.

    Raises `FinalFailure` for a file with faults, and when it is cancelled or overdue: with the
    files of what was answered until then.
    """
    batch: Batch = Batch.get_by_id(job.batch_id)
    try:
        if batch.status == VALIDATING:
            take_in(batch, bench.blobs, run)
        Shift(Batch.get_by_id(batch.id), bench, run).work()
    except (Cancelled, DeadlineExceeded) as stop:
        status = CANCELLED if isinstance(stop, Cancelled) else EXPIRED
        raise FinalFailure(stop, effects=_closed(batch.id, status, bench)) from stop
    run.write(_FINALIZING, (batch.id,))
    effects = _closed(batch.id, COMPLETED, bench)
    done: Batch = Batch.get_by_id(batch.id)
    counts = {"total": done.total, "completed": done.answered, "failed": done.failed}
    return Outcome({"batchId": wire_id("batch", done.id), **counts}, effects=effects)


def _closed(batch_id: UUID, status: str, bench: Bench) -> tuple[Effect, ...]:
    """Write the files as they will be once the batch has this status."""
    batch: Batch = Batch.get_by_id(batch_id)
    batch.status = status
    return tuple(written_files(batch, bench))


class Shift:
    """One attempt's work on the lines of a batch: as many at once as the room gives it."""

    def __init__(self, batch: Batch, bench: Bench, run: Run) -> None:
        """Begin with nothing asked."""
        self._batch = batch
        self._bench = bench
        self._run = run
        self._next: deque[UUID] = deque()
        self._asked: dict[Future[None], LineRun] = {}
        self._bell: SimpleQueue[Future[None] | None] = SimpleQueue()
        self._is_stopping = False
        self._counted = (-1, -1)

    def work(self) -> None:
        """Return when every line has ended; raise why it must stop before."""
        self._run.on_stop(self._stop)
        self._count()
        try:
            while self._go_on():
                self._hear()
                self._run.check()
        except (Cancelled, DeadlineExceeded):
            self._land()
            raise
        finally:
            for line in tuple(self._asked.values()):
                line.abandon()

    def _go_on(self) -> bool:
        """Ask as many lines as may be; False when none is left."""
        while self._bench.room.admits(len(self._asked)):
            line_id = self._one_due()
            if line_id is None:
                break
            self._ask(line_id)
        return bool(self._asked) or BatchLine.any_waits(self._batch.id)

    def _one_due(self) -> UUID | None:
        if not self._next:
            besides = [line.job_id for line in self._asked.values()]
            self._next.extend(BatchLine.due(self._batch.id, besides, HANDFUL))
        return self._next.popleft() if self._next else None

    def _ask(self, line_id: UUID) -> None:
        batch, bench, line = self._batch, self._bench, LineRun(self._run, line_id)
        future = bench.room.start(lambda: answer_line(batch, line_id, bench, line))
        self._asked[future] = line
        future.add_done_callback(self._bell.put)
        if self._is_stopping:
            line.stop()

    def _hear(self) -> None:
        """Wait a moment for lines that end, and count them."""
        try:
            heard = self._bell.get(timeout=TICK_SECONDS)
            while True:
                if heard is not None:
                    self._ended(heard)
                heard = self._bell.get_nowait()
        except Empty:
            self._count()

    def _ended(self, future: "Future[None]") -> None:
        line = self._asked.pop(future)
        error = future.exception()
        if isinstance(error, LeaseLost | GivenBack | Cancelled | DeadlineExceeded):
            raise error
        if isinstance(error, PeeweeException):
            raise error
        if error is not None:
            self._spoiled(line, error)

    def _spoiled(self, run: LineRun, error: BaseException) -> None:
        """Take note of a line that met an error of ours: it must not take the batch down."""
        log.error("batch.line_bug", line_id=str(run.job_id), exc_info=error)
        line: BatchLine = BatchLine.get_by_id(run.job_id)
        asked = Asked(batch=self._batch, line=line, bench=self._bench, run=run)
        fail_or_put_back(asked, IlmError("an error of ours; it is logged"))

    def _count(self) -> None:
        batch: Batch = Batch.get_by_id(self._batch.id)
        counted = (batch.total - batch.waiting, batch.total)
        if counted != self._counted:
            self._counted = counted
            self._run.progress(*counted)

    def _stop(self) -> None:
        """End the calls that are open; called from outside."""
        self._is_stopping = True
        for line in tuple(self._asked.values()):
            line.stop()
        self._bell.put(None)

    def _land(self) -> None:
        """Let the lines in flight write down what there is of them."""
        wait(tuple(self._asked), LAND_SECONDS)

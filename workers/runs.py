"""Runs in progress: what an attempt may do, and what may stop it from outside."""

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event, Lock
from typing import Any, Final
from uuid import UUID

from jobs.producers import Producer
from jobs.run import GivenBack, LeaseLost
from jobs.sayings import Saying
from models.engine import Beat
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Cancelled, DeadlineExceeded

_FENCE: Final = """
select 1 from job where id = %s and state = 'running' and attempt = %s for no key update
"""


class ActiveRun:
    """One attempt at a job; see `jobs.run.Run` for what its function may rely on."""

    def __init__(
        self,
        row: JobRow,
        producer: Producer,
        clock: Clock,
        lease: float,
        *,
        asked_at: float | None = None,
    ) -> None:
        """Begin with a lease of `lease` seconds.

        It counts from when it was asked for, in elapsed seconds; from now when that is not said.
        """
        self.row = row
        self.producer = producer
        self.lease = lease
        self._clock = clock
        self._alive_until = (clock.elapsed() if asked_at is None else asked_at) + lease
        self._reason: Exception | None = None
        self._stopped = Event()
        self._stops: list[Callable[[], None]] = []
        self._lock = Lock()

    @property
    def job_id(self) -> UUID:
        """The id of the row."""
        return self.row.id

    @property
    def account_id(self) -> UUID:
        """Whose job it is."""
        return self.row.account_id

    @property
    def mode(self) -> str:
        """`live` or `test`."""
        return self.row.mode

    @property
    def attempt(self) -> int:
        """The fencing token."""
        return self.row.attempt

    @property
    def created_at(self) -> datetime:
        """When the job was accepted."""
        created_at: datetime = self.row.created_at
        return created_at

    @property
    def beat(self) -> Beat:
        """What the next heartbeat carries out."""
        row = self.row
        return Beat(row.id, row.attempt, row.completed, row.total, self.lease)

    def check(self) -> None:
        """Raise the reason to stop, if there is one; a lease that ran out is one."""
        if self._reason is None and self._clock.elapsed() > self._alive_until:
            self.stop(LeaseLost())
        if self._reason is not None:
            raise self._reason

    def wait(self, seconds: float) -> None:
        """Let time pass; raise at once when the run is stopped."""
        self._stopped.wait(seconds)
        self.check()

    def progress(self, completed: int, total: int) -> None:
        """Keep the progress for the next heartbeat and tell whoever watches."""
        self.row.completed, self.row.total = completed, total
        self.producer.progress(completed, total)

    def delta(self, text: str) -> None:
        """Stream a piece of text."""
        self.producer.delta(text)

    def say(self, saying: Saying) -> None:
        """Stream a piece of what is said."""
        self.producer.say(saying)

    def tell(self, kind: str, **fields: Any) -> None:
        """Stream one event."""
        self.producer.tell(kind, **fields)

    def was_shown(self) -> bool:
        """Say whether an earlier attempt has shown content."""
        return self.attempt > 1 and self.producer.was_shown()

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Write in a transaction that holds the row; raise `LeaseLost` if it is not ours."""
        with database.unit():
            if not database.rows(_FENCE, (self.job_id, self.attempt)):
                self.stop(LeaseLost())
                raise LeaseLost
            database.rows(sql, parameters)

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Call `stop` when the run has to end; at once if it has to already."""
        with self._lock:
            self._stops.append(stop)
        if self._stopped.is_set():
            stop()

    def moment(self) -> float:
        """Return the elapsed seconds by the clock that its lease is kept by."""
        return self._clock.elapsed()

    def renewed(self, asked_at: float) -> None:
        """Note that the heartbeat which was sent at that moment has renewed the lease."""
        self._alive_until = asked_at + self.lease

    def cancel(self) -> None:
        """Stop because the owner cancelled."""
        self.stop(Cancelled("cancelled by its owner"))

    def overdue(self) -> None:
        """Stop because the deadline has passed."""
        self.stop(DeadlineExceeded("the job did not end before its deadline"))

    def give_back(self) -> None:
        """Stop because this worker stops."""
        self.stop(GivenBack())

    def stop(self, reason: Exception) -> None:
        """Stop for a reason; the first one counts."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            stops = tuple(self._stops)
        self._stopped.set()
        for stop in stops:
            stop()

"""The run of a line: a part of its batch's run that can be ended alone, and streams nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event, Lock
from typing import Any, Final
from uuid import UUID

from jobs.run import LeaseLost, Run
from jobs.sayings import Saying
from models.batches import Holder

MOST_TRIES: Final = 3
"""A line that fails so often, each time through its whole plan, has failed."""


class LineRun:
    """One try at one line; see `jobs.run.Run`."""

    def __init__(self, run: Run, line_id: UUID) -> None:
        """Take the batch's run, which may end at any time."""
        self._run = run
        self._stops: list[Callable[[], None]] = []
        self._lock = Lock()
        self._stopped = Event()
        self._is_abandoned = False
        self.tries = 0
        self.job_id = line_id

    @property
    def holder(self) -> Holder:
        """Who may write about the line."""
        return Holder(self._run.job_id, self._run.attempt)

    @property
    def account_id(self) -> UUID:
        """Whose batch it is."""
        return self._run.account_id

    @property
    def mode(self) -> str:
        """`live` or `test`."""
        return self._run.mode

    @property
    def attempt(self) -> int:
        """A number that no other try at this line has."""
        return (self._run.attempt - 1) * MOST_TRIES + self.tries + 1

    @property
    def created_at(self) -> datetime:
        """When the batch was opened: the day of its prices."""
        return self._run.created_at

    def check(self) -> None:
        """Raise the batch's reason to stop; `LeaseLost` if the batch let go of the line."""
        self._run.check()
        if self._is_abandoned:
            raise LeaseLost

    def wait(self, seconds: float) -> None:
        """Let time pass; raise at once when the line is stopped."""
        self._stopped.wait(seconds)
        self.check()

    def progress(self, completed: int, total: int) -> None:
        """Tell nobody: the batch counts lines."""

    def delta(self, text: str) -> None:
        """Tell nobody: a line is read once it is whole."""

    def say(self, saying: Saying) -> None:
        """Tell nobody."""

    def tell(self, kind: str, **fields: Any) -> None:
        """Tell nobody."""

    def was_shown(self) -> bool:
        """Say that nothing was."""
        return False

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Write fenced by the batch's attempt."""
        self._run.write(sql, parameters)

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Call `stop` when the line has to end; at once if it has to already."""
        with self._lock:
            self._stops.append(stop)
        if self._stopped.is_set():
            stop()

    def stop(self) -> None:
        """End the call that is open, because the batch has a reason."""
        self._stopped.set()
        with self._lock:
            stops = tuple(self._stops)
        for stop in stops:
            stop()

    def abandon(self) -> None:
        """End it although the batch's run has no reason of its own: nothing more is written."""
        self._is_abandoned = True
        self.stop()

"""The room where lines are asked: a bounded number at once in a process, shared by its batches.

A batch holds no thread of the queue's: it has one of its own here, so that batches of hours leave
the calls of who waits alone.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock, Thread
from typing import Final

from models.kernel.database import database

LINES: Final = 16
"""Lines of batches that one process asks at once, and the most batches it runs."""


class Room:
    """Places for lines, divided evenly among the batches that are here."""

    def __init__(self, lines: int = LINES) -> None:
        """Take how many lines may be asked at once."""
        self._lines = lines
        self._pool = ThreadPoolExecutor(lines, thread_name_prefix="line")
        self._lock = Lock()
        self._hosted = 0
        self._busy = 0

    def host(self, work: Callable[[], None]) -> bool:
        """Run a batch on a thread of its own; False: there is no place, somebody must ask again."""
        with self._lock:
            if self._hosted >= self._lines:
                return False
            self._hosted += 1

        def hosted() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._hosted -= 1
                _lend_back()

        Thread(target=hosted, name="batch", daemon=True).start()
        return True

    def admits(self, mine: int) -> bool:
        """Say whether a batch that asks so many lines now may ask one more."""
        with self._lock:
            share = -(-self._lines // max(self._hosted, 1))
            return self._busy < self._lines and mine < share

    def start(self, work: Callable[[], None]) -> "Future[None]":
        """Begin a line that was admitted."""
        with self._lock:
            self._busy += 1
        future = self._pool.submit(_lent, work)
        future.add_done_callback(self._done)
        return future

    def close(self) -> None:
        """Let the threads go once their lines have ended."""
        self._pool.shutdown()

    def _done(self, _: "Future[None]") -> None:
        with self._lock:
            self._busy -= 1


def _lent(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        _lend_back()


def _lend_back() -> None:
    """Give back the connection this thread was lent: its next line may be hours away."""
    pool = database.obj
    if pool is not None and not pool.is_closed():
        pool.close()

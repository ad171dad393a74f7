"""The room where messages wait for a thread of this worker.

Dramatiq's own threads look into it again and again, which costs a worker with many of them a fifth
of a core while it is idle. Here they sleep until there is something, or until the doors close.
"""

from queue import Empty, PriorityQueue
from typing import Any


class WaitingRoom(PriorityQueue[Any]):
    """A queue whose readers sleep without a clock."""

    is_closed = False

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 - as the parent has it
        """Return what waits the longest; raise `Empty` when nobody may wait for it any more."""
        del timeout
        with self.not_empty:
            while block and not self._qsize() and not self.is_closed:
                self.not_empty.wait()
            if not self._qsize():
                raise Empty
            item = self._get()
            self.not_full.notify()
            return item

    def close(self) -> None:
        """Wake everybody who waits: there will be nothing."""
        with self.not_empty:
            self.is_closed = True
            self.not_empty.notify_all()

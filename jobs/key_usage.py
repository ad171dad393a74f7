"""Counting the requests of API keys: in memory, and every few seconds into rows (A-18).

A request writes nothing. A process that is killed loses the counts of ten seconds at most; one that
drains loses none, and a database that is away gets them when it is back.
"""

from datetime import date
from threading import Event, Lock, Thread
from typing import Final
from uuid import UUID

from peewee import InterfaceError, OperationalError

from models.kernel.clock import Clock
from models.kernel.logs import get_logger
from models.key_usage import KeyUsage

EVERY_SECONDS: Final = 10.0
STOP_SECONDS: Final = 3.0
MOST: Final = 50_000
"""How many keys and days are kept while the database is away; what is new after that is lost."""

log = get_logger(__name__)


class KeyMeter:
    """The counts of one process."""

    def __init__(self, clock: Clock) -> None:
        """Start nothing yet: the thread is made with the first count, after any fork."""
        self._clock = clock
        self._seen: dict[tuple[UUID, date], int] = {}
        self._lock = Lock()
        self._stopping = Event()
        self._thread: Thread | None = None

    def count(self, key_id: UUID) -> None:
        """Count one request of a key."""
        place = key_id, self._clock.now().date()
        with self._lock:
            if place in self._seen or len(self._seen) < MOST:
                self._seen[place] = self._seen.get(place, 0) + 1
            if self._thread is None and not self._stopping.is_set():
                self._thread = Thread(target=self._walk, name="key-meter", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Write what was counted; keep it when the database does not answer."""
        with self._lock:
            seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            KeyUsage.add(seen)
        except (OperationalError, InterfaceError) as error:
            log.warning("key_usage.not_written", error=type(error).__name__)
            self._take_back(seen)

    def stop(self) -> None:
        """Write what is left, for 3 s at most, and stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _walk(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            self.flush()
        self.flush()

    def _take_back(self, seen: dict[tuple[UUID, date], int]) -> None:
        with self._lock:
            for place, requests in seen.items():
                self._seen[place] = self._seen.get(place, 0) + requests

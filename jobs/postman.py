"""The postman: hands messages to the broker, off the caller's path, and may lose them.

Sending happens in one thread behind a bounded queue, so that accepting a job never waits for a
broker that is slow or gone. What is dropped here is sent again by the reconciler, from the rows.
"""

from collections.abc import Iterable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Final

from dramatiq import Broker

from models.engine import Ready
from models.kernel.broker import BROKER_FAULTS, send
from models.kernel.clock import Clock
from models.kernel.logs import get_logger

BAG_SIZE: Final = 10_000
MOST_AT_ONCE: Final = 100
REST_SECONDS: Final = 1.0
WAIT_SECONDS: Final = 0.2
STOP_SECONDS: Final = 2.0

log = get_logger(__name__)


class Postman:
    """Posts a message for each job that has a place in the broker."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        """Start nothing yet: the thread is made with the first message, after any fork."""
        self._broker = broker
        self._clock = clock
        self._bag: Queue[Ready] = Queue(BAG_SIZE)
        self._thread: Thread | None = None
        self._stopping = Event()
        self._rests_until = float("-inf")

    def post(self, ready: Iterable[Ready]) -> None:
        """Take messages to be sent soon; when the bag is full they are left to the reconciler."""
        for letter in ready:
            try:
                self._bag.put_nowait(letter)
            except Full:
                log.warning("postman.bag_full", job_id=str(letter.id))
                return
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._walk, name="postman", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Send what is in the bag, for 2 s at most, and stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _walk(self) -> None:
        while True:
            letters = self._next()
            if not letters and self._stopping.is_set():
                return
            if letters and self._clock.elapsed() >= self._rests_until:
                self._deliver(letters)

    def _next(self) -> list[Ready]:
        """Wait for a letter; take with it what has come meanwhile."""
        letters: list[Ready] = []
        with suppress(Empty):
            letters.append(self._bag.get(timeout=WAIT_SECONDS))
            while len(letters) < MOST_AT_ONCE:
                letters.append(self._bag.get_nowait())
        return letters

    def _deliver(self, letters: list[Ready]) -> None:
        try:
            send(self._broker, [(letter.queue, letter.type, letter.id.hex) for letter in letters])
        except BROKER_FAULTS as error:
            self._rests_until = self._clock.elapsed() + REST_SECONDS
            log.warning("postman.broker_away", error=type(error).__name__, letters=len(letters))

"""Couriers: claim due deliveries, carry them in threads, and write many ends in one transaction.

The rows are the queue: whatever dies, who asks next finds what is due, and what was under way when
its lease is over. A lease is longer than a parcel may wait here and be on its way, so no two
couriers have one at once.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Final

from peewee import PeeweeException

from models import webhooks
from models.kernel.clock import Clock
from models.kernel.logs import get_logger
from models.kernel.measures import WEBHOOK_SECONDS
from models.webhooks import NOBODY, End, Parcel

LEAST_POLL_SECONDS: Final = 0.02
POLL_SECONDS: Final = 0.25
"""The pause between two claims doubles from one to the other while nothing is due."""
RESCUE_SECONDS: Final = 1.0
TROUBLE_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 0.1
CLAIMED_AT_ONCE: Final = 16
FEW: Final = 4
"""How few are under way when more are claimed at once. What a process has under way is what is
doubled when it dies, so it has little while its endpoints are quick, and claims nothing while the
ends of as many cannot be written."""
AT_ONCE: Final = 200
MARGIN_SECONDS: Final = 5.0
"""How long a parcel may take to be begun, and its end to be written, beside the attempt itself."""
LOOPS: Final = 2
"""Threads beside the couriers, each with a connection to the database."""

log = get_logger(__name__)


class Couriers:
    """Carries what is due, from `start` to `stop`."""

    def __init__(
        self, carry: Callable[[Parcel], End], clock: Clock, *, threads: int, timeout: float
    ) -> None:
        """Take what makes one attempt, within `timeout` seconds, and how many at once."""
        self._carry = carry
        self._clock = clock
        self._most = threads
        self.lease = timeout + 2 * MARGIN_SECONDS
        self._under_way = self._unwritten = 0
        self._lock = Lock()
        self._stopping = Event()
        self._has_few = Event()
        self._ends: SimpleQueue[End] = SimpleQueue()
        self._cursor = NOBODY
        self._rescued_at = float("-inf")
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="courier")
        self._loops = (
            Thread(target=self._claim_forever, name="claims", daemon=True),
            Thread(target=self._finish_forever, name="ends", daemon=True),
        )

    @property
    def is_working(self) -> bool:
        """Whether deliveries are claimed and ended; a worker without that must not go on."""
        return all(loop.is_alive() for loop in self._loops)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self._under_way == 0

    def start(self) -> None:
        """Begin to claim."""
        for loop in self._loops:
            loop.start()

    def halt(self) -> None:
        """Claim nothing more."""
        self._stopping.set()

    def stop(self, seconds: float) -> None:
        """Halt, and wait so long for what is under way; leases find the rest."""
        self.halt()
        until = self._clock.elapsed() + seconds
        for loop in filter(Thread.is_alive, self._loops):
            loop.join(max(0.0, until - self._clock.elapsed()))
        self._threads.shutdown(wait=False, cancel_futures=True)

    def claim(self) -> int:
        """Claim some of what is due and hand it to the threads; return how many."""
        now = self._clock.elapsed()
        self._rescue(now)
        room = min(CLAIMED_AT_ONCE - self._unwritten, self._most - self._under_way)
        if room <= 0:
            return 0
        parcels = webhooks.claim(self._cursor, room, self.lease)
        self._cursor = parcels[-1].webhook_id if len(parcels) == room else NOBODY
        with self._lock:
            self._under_way += len(parcels)
            if self._under_way > FEW:
                self._has_few.clear()
        for parcel in parcels:
            self._threads.submit(self._attempt, parcel, now)
        return len(parcels)

    def _rescue(self, now: float) -> None:
        if now - self._rescued_at < RESCUE_SECONDS:
            return
        self._rescued_at = now
        rescued = webhooks.rescue(AT_ONCE)
        if rescued:
            log.warning("webhooks.rescued", count=rescued)

    def _attempt(self, parcel: Parcel, claimed_at: float) -> None:
        """Make one attempt; one that has waited too long for a thread is left to its lease."""
        began = self._clock.elapsed()
        end = None
        try:
            if began - claimed_at < MARGIN_SECONDS:
                end = self._carry(parcel)
        except BaseException:
            log.exception("webhooks.broken", delivery_id=str(parcel.delivery_id))
            raise
        finally:
            if end is None:
                self._let_go(1)
        if end is not None:
            WEBHOOK_SECONDS.observe(self._clock.elapsed() - began, end.outcome)
            with self._lock:
                self._unwritten += 1
            self._ends.put(end)

    def _let_go(self, count: int) -> None:
        with self._lock:
            self._under_way -= count
            if self._under_way <= FEW:
                self._has_few.set()

    def _claim_forever(self) -> None:
        pause = POLL_SECONDS
        while not self._stopping.is_set():
            try:
                count = self.claim()
            except PeeweeException as error:
                log.warning("webhooks.unclaimed", error=type(error).__name__)
                self._stopping.wait(TROUBLE_SECONDS)
                continue
            pause = LEAST_POLL_SECONDS if count else min(2 * pause, POLL_SECONDS)
            (self._has_few if count == CLAIMED_AT_ONCE else self._stopping).wait(pause)

    def _finish_forever(self) -> None:
        while not (self._stopping.is_set() and self.is_idle):
            ends = self._collected()
            if ends:
                self._finish(ends)
                with self._lock:
                    self._unwritten -= len(ends)
                self._let_go(len(ends))

    def _collected(self) -> list[End]:
        """Wait a while for an end, and take with it what else there is."""
        ends: list[End] = []
        with suppress(Empty):
            ends.append(self._ends.get(timeout=POLL_SECONDS))
            while len(ends) < AT_ONCE:
                ends.append(self._ends.get_nowait())
        return ends

    def _finish(self, ends: list[End]) -> None:
        """Write ends down, as often as it takes while their leases last."""
        until = self._clock.elapsed() + self.lease
        while self._clock.elapsed() < until:
            try:
                webhooks.finish(ends)
            except PeeweeException as error:
                log.warning("webhooks.unfinished", error=type(error).__name__, count=len(ends))
                if self._stopping.wait(AGAIN_SECONDS):
                    return
            else:
                return

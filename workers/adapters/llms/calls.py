"""One call to a vendor: whose socket it is on, how long it may take, and who ends it.

The limits are kept by the wall clock: keep-alives, comments and a byte a second are not an answer.
What ends a call shuts its socket down, so that a blocked reader wakes at once and the vendor sees
the end.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Lock, Thread
from typing import Final, Protocol

from jobs.llms.provider import Limits
from models.kernel.clock import Clock
from models.kernel.errors import IlmError, UpstreamError, UpstreamTimeout

TAIL_SECONDS: Final = 0.25
"""How long a vendor may take to end its body after the answer is whole."""


class Shuttable(Protocol):
    """A socket that another thread may shut down."""

    def shut(self) -> None:
        """End both directions, at once; do nothing when it is closed already."""
        ...


class Call:
    """A call under its limits. What another thread may do is `stop` and `expire`."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        """Begin now, with the time to connect."""
        self._limits = limits
        self._clock = clock
        self._began = clock.elapsed()
        self._since = self._began
        self._rested: float | None = None
        self._patience = limits.connect
        self._wanted = "take the connection"
        self._is_sent = False
        self._is_answered = False
        self._sooner: Callable[[], None] | None = None
        self._lock = Lock()
        self._socket: Shuttable | None = None
        self._fault: IlmError | None = None
        self._is_over = False
        self.is_whole = False
        """Whether the answer's terminal event was seen: then its connection is good for another."""

    @property
    def limits(self) -> Limits:
        """What it has to keep to."""
        return self._limits

    @property
    def fault(self) -> IlmError | None:
        """What ended the call from outside: a limit, or somebody's stop."""
        return self._fault

    @property
    def is_over(self) -> bool:
        """Whether nobody has to watch it any more."""
        return self._is_over

    def watched(self, sooner: Callable[[], None]) -> None:
        """Name what is to be told when the deadline comes nearer."""
        self._sooner = sooner

    def take(self, socket: Shuttable) -> None:
        """Be on this socket from now on; raise what ended the call, if something has."""
        with self._lock:
            if self._fault is not None:
                raise self._fault
            self._socket = socket

    def let_go(self) -> None:
        """Be on no socket any more: it is closed, or somebody else's next."""
        with self._lock:
            self._socket = None

    def sent(self) -> None:
        """Wait for the first content: the vendor has the connection."""
        if not self._is_sent:
            self._is_sent = True
            self._await("begin to answer", self._limits.first)

    def heard(self) -> None:
        """Take note of content: silence is counted from here."""
        self._since = self._clock.elapsed()
        if not self._is_answered:
            self._is_answered = True
            self._await("go on with its answer", self._limits.idle)

    def whole(self) -> None:
        """Take note of the terminal event, and wait a moment for the end of the body."""
        self.is_whole = True
        self._since = self._clock.elapsed()
        self._await("end its answer", TAIL_SECONDS)

    def rest(self) -> None:
        """Stop counting silence: it is the consumer's turn."""
        self._rested = self._clock.elapsed()

    def resume(self) -> None:
        """Count silence again: it is the vendor's turn."""
        if self._rested is not None:
            self._since += self._clock.elapsed() - self._rested
            self._rested = None

    def deadline(self) -> float:
        """Return the moment it has to end at, unless something is heard; on the clock's scale."""
        rested = self._rested
        resting = 0.0 if rested is None else self._clock.elapsed() - rested
        return min(self._began + self._limits.whole, self._since + resting + self._patience)

    def stop(self) -> None:
        """End the call from another thread, at once."""
        self._end(UpstreamError("the call was stopped"))

    def expire(self) -> None:
        """End the call because its time is up."""
        if self._clock.elapsed() >= self._began + self._limits.whole:
            words = f"the LLM took longer than {self._limits.whole:g} s altogether"
        else:
            words = f"the LLM did not {self._wanted} within {self._patience:g} s"
        self._end(UpstreamTimeout(f"{words}; try again, or use another model"))

    def over(self) -> None:
        """Take note that the call has ended."""
        self._is_over = True
        self.let_go()

    def _await(self, wanted: str, patience: float) -> None:
        is_sooner = patience < self._patience
        self._wanted, self._patience = wanted, patience
        if is_sooner and self._sooner is not None:
            self._sooner()

    def _end(self, fault: IlmError) -> None:
        with self._lock:
            if self._is_over or self._fault is not None:
                return
            self._fault = fault
            if self._socket is not None:
                self._socket.shut()


class Watchdog:
    """One thread that ends every call whose deadline has come."""

    def __init__(self, clock: Clock) -> None:
        """Watch nothing yet; the thread starts with the first call."""
        self._clock = clock
        self._changed = Condition()
        self._due: list[tuple[float, int, Call]] = []
        self._turn = count()
        self._thread: Thread | None = None
        self._is_closed = False

    def watch(self, call: Call) -> None:
        """End the call at its deadline, wherever that moves."""
        call.watched(lambda: self._note(call))
        self._note(call)

    def close(self) -> None:
        """Watch no longer, and let the thread end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _note(self, call: Call) -> None:
        with self._changed:
            heappush(self._due, (call.deadline(), next(self._turn), call))
            if self._thread is None:
                self._thread = Thread(target=self._run, name="llm-watchdog", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._is_closed and (wait := self._wait()) != 0:
                    self._changed.wait(wait)
                if self._is_closed:
                    return
                _, _, call = heappop(self._due)
            if call.is_over:
                continue
            if call.deadline() <= self._clock.elapsed():
                call.expire()
            else:
                self._note(call)

    def _wait(self) -> float | None:
        """Return seconds to the next moment anything is due, None for as long as it takes."""
        return max(0.0, self._due[0][0] - self._clock.elapsed()) if self._due else None

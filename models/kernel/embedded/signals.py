"""Signals, read one at a time by the main thread instead of interrupting it."""

import signal
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any, Final, Self

from models.kernel.clock import Clock, SystemClock

STOP: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
ECHO_SECONDS: Final = 1.0
"""`make` passes on what its whole process group was sent: the same wish, heard twice."""


class Signals:
    """What this process is sent: wishes to stop, and deaths of children."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Listen to nothing yet."""
        self._came: SimpleQueue[tuple[signal.Signals, float]] = SimpleQueue()
        self._clock = clock or SystemClock()
        self._last_wish: float | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Listen; under `nohup` a hang-up stays ignored."""
        for number in (*STOP, signal.SIGCHLD):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._keep)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Give the signals back to whoever had them."""
        for number, before in self._before.items():
            signal.signal(number, before)

    def _keep(self, number: int, _frame: FrameType | None) -> None:
        self._came.put((signal.Signals(number), self._clock.elapsed()))

    def wish(self, seconds: float) -> signal.Signals | None:
        """Wait for a wish to stop; return without one when a child dies or the time is over."""
        try:
            came, at = self._came.get(timeout=max(seconds, 0.0))
        except Empty:
            return None
        return came if came in STOP and not self._is_echo(at) else None

    def _is_echo(self, at: float) -> bool:
        """Say whether a wish came right after the last one, however late either is read."""
        last = self._last_wish
        if last is not None and at - last < ECHO_SECONDS:
            return True
        self._last_wish = at
        return False

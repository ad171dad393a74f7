"""The own count: what this process alone has admitted, for when Redis cannot say.

While Redis is away each process admits its share of every limit. Of a window that Redis told of
less than a minute before, the share is what this process has used and, up to an even share, its
part of what was left: processes that were told the same admit no more than the limit together,
however unevenly they had used it.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from threading import Lock
from typing import Final

from jobs.limits.windows import Reading, Window
from models.limits import SECONDS

MOST_WINDOWS: Final = 20_000


class OwnWindow:
    """One window as this process knows it: its own requests, and what Redis last told."""

    __slots__ = ("_mine_then", "_moments", "_told_at", "_used_then")

    def __init__(self) -> None:
        """Know nothing."""
        self._moments: deque[float] = deque()
        self._told_at = float("-inf")
        self._mine_then = self._used_then = 0

    def add(self, moment: float) -> None:
        """Count a request of this process; moments never go back."""
        self._moments.append(max(moment, self._moments[-1]) if self._moments else moment)

    def drop(self) -> None:
        """Forget the newest request, if there is one."""
        if self._moments:
            self._moments.pop()

    def learn(self, used: int, now: float) -> None:
        """Keep what Redis says is used, by all processes."""
        self._forget(now)
        self._mine_then, self._used_then, self._told_at = len(self._moments), used, now

    def due(self, limit: int, processes: int, now: float) -> float:
        """Return in how many seconds one more request of this process would be within its share."""
        self._forget(now)
        share = self._share(limit, processes, now)
        if len(self._moments) < share:
            return 0.0
        if share == 0:
            return max(0.0, self._told_at + 2 * SECONDS - now)
        return max(0.0, self._moments[-share] + SECONDS - now)

    def reading(self, now: float) -> Reading:
        """Return what this process counts."""
        self._forget(now)
        oldest = now - self._moments[0] if self._moments else 0.0
        return Reading(len(self._moments), max(0.0, oldest))

    def _share(self, limit: int, processes: int, now: float) -> int:
        even = max(1, limit // processes)
        age = now - self._told_at
        if age >= 2 * SECONDS:
            return even
        left = max(0, limit - self._used_then)
        known = min(self._mine_then + left // processes, max(self._mine_then, even))
        return known if age < SECONDS else min(known, even)

    def _forget(self, now: float) -> None:
        while self._moments and self._moments[0] <= now - SECONDS:
            self._moments.popleft()


class OwnCount:
    """The windows of this process, those used last; safe to use from every thread."""

    def __init__(self) -> None:
        """Start with none."""
        self._windows: OrderedDict[str, OwnWindow] = OrderedDict()
        self._lock = Lock()

    def due(self, windows: Sequence[Window], processes: int, now: float) -> tuple[float, int]:
        """Return when all windows admit a request, and the place of the one that does last."""
        with self._lock:
            waits = [self._of(each).due(each.limit, processes, now) for each in windows]
        latest = max(waits)
        return latest, waits.index(latest)

    def take(
        self, windows: Sequence[Window], processes: int, patience: float, now: float
    ) -> tuple[float, int]:
        """Count a request in all windows if it passes in time; return what `due` does."""
        with self._lock:
            waits = [self._of(each).due(each.limit, processes, now) for each in windows]
            latest = max(waits)
            if latest <= patience:
                for window in windows:
                    self._of(window).add(now + latest)
        return latest, waits.index(latest)

    def learn(
        self,
        windows: Sequence[Window],
        readings: Sequence[Reading],
        moment: float | None,
        now: float,
    ) -> None:
        """Keep what Redis told of windows, and the moment of a request it admitted."""
        with self._lock:
            for window, reading in zip(windows, readings, strict=True):
                own = self._of(window)
                if moment is not None:
                    own.add(moment)
                own.learn(reading.used, now)

    def note(self, windows: Sequence[Window], moment: float) -> None:
        """Count a request that Redis admitted while what it counts is not to be relied upon."""
        with self._lock:
            for window in windows:
                self._of(window).add(moment)

    def give_back(self, window: Window) -> None:
        """Take the newest request out of a window again."""
        with self._lock:
            self._of(window).drop()

    def readings(self, windows: Sequence[Window], now: float) -> list[Reading]:
        """Return what this process counts."""
        with self._lock:
            return [self._of(window).reading(now) for window in windows]

    def _of(self, window: Window) -> OwnWindow:
        found = self._windows.get(window.name)
        if found is None:
            found = self._windows[window.name] = OwnWindow()
            if len(self._windows) > MOST_WINDOWS:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(window.name)
        return found

"""Lines that are kept between calls, so that who is called often is connected to once."""

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import Final

from models.kernel.clock import Clock
from models.kernel.lines import Line
from models.kernel.places import Place

MOST: Final = 256
MOST_A_PLACE: Final = 8
IDLE_SECONDS: Final = 30.0
OLDEST_SECONDS: Final = 300.0
"""A place whose name means something else since is not called where it was for longer than this."""


class KeptLines:
    """Lines nobody uses now. Safe in threads; who was not used for longest is closed first.

    What is too old is closed when the next line is kept or taken.
    """

    def __init__(self, clock: Clock, *, most: int = MOST, most_a_place: int = MOST_A_PLACE) -> None:
        """Take the clock, and how many are kept in all and of one place."""
        self._clock = clock
        self._most = most
        self._most_a_place = most_a_place
        self._lock = Lock()
        self._places: dict[Place, list[Line]] = {}
        self._by_use: OrderedDict[Line, None] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._by_use)

    def take(self, place: Place) -> Line | None:
        """Return an open line to a place that is now the caller's, or None."""
        self._close_old()
        while (line := self._latest(place)) is not None:
            if line.is_quiet():
                return line
            line.close()
        return None

    def keep(self, line: Line) -> None:
        """Keep a line for the next call; whoever is one too many is closed."""
        line.used_at = self._clock.elapsed()
        if line.made_at + OLDEST_SECONDS <= line.used_at:
            line.close()
            return
        with self._lock:
            self._by_use[line] = None
            self._places.setdefault(line.place, []).append(line)
            excess = list(self._excess(line.place))
        for each in excess:
            each.close()
        self._close_old()

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            lines = list(self._by_use)
            self._by_use.clear()
            self._places.clear()
        for line in lines:
            line.close()

    def _latest(self, place: Place) -> Line | None:
        with self._lock:
            lines = self._places.get(place)
            return self._without(lines[-1]) if lines else None

    def _without(self, line: Line) -> Line:
        """Let go of a line; the lock is held."""
        del self._by_use[line]
        lines = self._places[line.place]
        lines.remove(line)
        if not lines:
            del self._places[line.place]
        return line

    def _excess(self, place: Place) -> Iterator[Line]:
        if len(self._places[place]) > self._most_a_place:
            yield self._without(self._places[place][0])
        if len(self._by_use) > self._most:
            yield self._without(next(iter(self._by_use)))

    def _close_old(self) -> None:
        now = self._clock.elapsed()
        with self._lock:
            old = []
            for line in self._by_use:
                if line.used_at + IDLE_SECONDS > now:
                    break
                old.append(line)
            for line in old:
                self._without(line)
        for line in old:
            line.close()

"""Metrics: numbers that a process counts into memory it shares with whoever is asked for them.

    REQUESTS = Histogram("ilm_http_request_seconds", "How long …", ("route", "status"))
    REQUESTS.observe(0.012, "/v1/books", "2xx")

Counting is a lookup and an addition, about a microsecond, and touches no file, lock or system call
of another process. Until `share` names a file, a process counts for itself alone.

What is counted stays few: a label is a word of ours, never an id, an address or what a caller
wrote; beyond `MOST_SERIES` of one metric, or once the ledger is full, what is new counts as
`other`, or not at all (I-01, I-11).
"""

import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from mmap import MAP_PRIVATE, MAP_SHARED, mmap
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import ClassVar, Final

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds for what should be fast."""
LONG_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0)
"""Bounds for jobs and calls, which may take minutes."""

MOST_SERIES: Final = 1_000
OTHER: Final = "other"

LEDGER_BYTES: Final = 2 * 2**20
HEAD: Final = Struct("=Q")
"""How many bytes of a ledger are in use, itself included."""
ENTRY: Final = Struct("=II")
"""How many bytes a name has, padding included, and how many numbers follow it."""
NUMBER: Final = 8

_WORD: Final = re.compile(r"(?!.*[0-9a-f]{12})[A-Za-z0-9_.:/{}<> +-]{0,80}", re.ASCII)
"""What a label may be: neither an address of mail nor anything with an id in it."""


class Ledger:
    """The numbers of one process: entries one after the other, each a name and its numbers.

    A name is the JSON of kind, metric and labels. Entries are only ever added, so that a reader
    needs no lock.
    """

    def __init__(self) -> None:
        """Begin in memory of this process's own."""
        self.lock = Lock()
        self._memory = mmap(-1, LEDGER_BYTES, flags=MAP_PRIVATE)
        self.numbers = memoryview(self._memory).cast("d")
        HEAD.pack_into(self._memory, 0, HEAD.size)

    def share(self, path: Path) -> None:
        """Go on in a file, with what was counted so far. Raises `OSError`."""
        with self.lock, path.open("x+b") as file:
            file.truncate(LEDGER_BYTES)
            shared = mmap(file.fileno(), LEDGER_BYTES, flags=MAP_SHARED)
            (used,) = HEAD.unpack_from(self._memory, 0)
            shared[HEAD.size : used] = self._memory[HEAD.size : used]
            HEAD.pack_into(shared, 0, used)
            self._memory, self.numbers = shared, memoryview(shared).cast("d")

    def enter(self, name: str, count: int) -> int | None:
        """Add an entry of so many numbers; return where they begin, None when it is full.

        The lock is held by whoever calls.
        """
        text = name.encode()
        text += b" " * (-len(text) % NUMBER)
        (used,) = HEAD.unpack_from(self._memory, 0)
        begin = used + ENTRY.size + len(text)
        end = begin + count * NUMBER
        if end > LEDGER_BYTES:
            return None
        ENTRY.pack_into(self._memory, used, len(text), count)
        self._memory[used + ENTRY.size : begin] = text
        HEAD.pack_into(self._memory, 0, end)
        place: int = begin // NUMBER
        return place

    def told(self) -> bytes:
        """Return what is in it at this moment."""
        (used,) = HEAD.unpack_from(self._memory, 0)
        return self._memory[:used]


LEDGER: Final = Ledger()
"""This process's own, as `log` is its log."""


class Metric:
    """Something that is counted. `labels` names what it is told apart by."""

    kind: ClassVar[str]

    def __init__(self, name: str, words: str, labels: Sequence[str] = ()) -> None:
        """Declare it; nothing is counted yet."""
        self.name = name
        self.words = words
        self.labels = tuple(labels)
        self._places: dict[tuple[str, ...], int | None] = {}

    @property
    def size(self) -> int:
        """How many numbers a series of it has."""
        return 1

    def _place(self, labels: tuple[str, ...]) -> int | None:
        """Return where the numbers of a series are, None when there is no room for them."""
        try:
            return self._places[labels]
        except KeyError:
            return self._begun(labels)

    def _begun(self, labels: tuple[str, ...]) -> int | None:
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} is told apart by {self.labels}")
        is_full = len(self._places) >= MOST_SERIES
        kept = tuple(OTHER if is_full or not _WORD.fullmatch(word) else word for word in labels)
        with LEDGER.lock:
            if kept not in self._places:
                name = json.dumps([self.kind, self.name, kept], separators=(",", ":"))
                self._places[kept] = LEDGER.enter(name, self.size)
            if not is_full:
                self._places[labels] = self._places[kept]
            return self._places[kept]


class Counter(Metric):
    """What only grows."""

    kind = COUNTER

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Count one more, or so many."""
        place = self._place(labels)
        if place is not None:
            with LEDGER.lock:
                LEDGER.numbers[place] += amount


class Gauge(Metric):
    """What goes up and down; that of a process which ended is forgotten."""

    kind = GAUGE

    def set(self, value: float, *labels: str) -> None:
        """Say how much there is."""
        place = self._place(labels)
        if place is not None:
            with LEDGER.lock:
                LEDGER.numbers[place] = value

    def add(self, amount: float, *labels: str) -> None:
        """Say that there is so much more, or less."""
        place = self._place(labels)
        if place is not None:
            with LEDGER.lock:
                LEDGER.numbers[place] += amount


class Histogram(Metric):
    """How something is spread: how often it was within each bound, and its sum."""

    kind = HISTOGRAM

    def __init__(
        self, name: str, words: str, labels: Sequence[str] = (), bounds: Sequence[float] = SECONDS
    ) -> None:
        """Declare it, with its bounds in ascending order."""
        super().__init__(name, words, labels)
        self.bounds = tuple(bounds)

    @property
    def size(self) -> int:
        """One number a bound, one for what is above them all, and the sum."""
        return len(self.bounds) + 2

    def observe(self, value: float, *labels: str) -> None:
        """Count one that was so large."""
        place = self._place(labels)
        if place is None:
            return
        bucket = place + bisect_left(self.bounds, value)
        with LEDGER.lock:
            LEDGER.numbers[bucket] += 1.0
            LEDGER.numbers[place + len(self.bounds) + 1] += value

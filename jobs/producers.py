"""Producers: what runs say becomes numbered events, one packet at a time (ARCHITECTURE §6).

One voice alone is heard at once. Where many speak, one thread sends what all of them have said, in
one round trip every 5 ms: a packet of its own for each delta would cost four times as much.
"""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from itertools import count
from threading import Condition, Event, Lock, Thread
from typing import Any, Final

from jobs.sayings import Said, Saying
from jobs.streams import (
    FINAL_SNAPSHOT,
    PER_ATTEMPT,
    Numbered,
    Packet,
    Streams,
    encoded,
    progress_body,
)
from models.jobs import JobRow
from models.kernel.errors import Unavailable

COALESCE_SECONDS: Final = 0.02
NEVER: Final = float("-inf")
ROUNDS: Final = 4
"""Of so many rounds of the flusher, one sends what may wait too."""


class Producers:
    """The producers of this process, and the thread that sends for them."""

    def __init__(self, streams: Streams) -> None:
        """Start nothing yet."""
        self._streams = streams
        self._soon: set[Producer] = set()
        self._later: set[Producer] = set()
        self._bell = Condition(Lock())
        self._pause = Event()
        self._thread: Thread | None = None

    def producer(self, job: JobRow) -> "Producer":
        """Open the stream of this attempt for writing."""
        return Producer(self._streams, self, job)

    @property
    def is_busy(self) -> bool:
        """Whether others wait to be sent for, so that whoever has something joins them."""
        return bool(self._soon or self._later)

    def flush_soon(self, producer: "Producer") -> None:
        """Have what a producer has buffered sent within 5 ms."""
        self._wait_in(self._soon, producer)

    def flush_later(self, producer: "Producer") -> None:
        """Have what a producer has buffered sent within 20 ms."""
        self._wait_in(self._later, producer)

    def _wait_in(self, room: set["Producer"], producer: "Producer") -> None:
        with self._bell:
            was_idle = not self.is_busy
            room.add(producer)
            if self._thread is None:
                self._thread = Thread(target=self._flush_forever, name="deltas", daemon=True)
                self._thread.start()
            if was_idle:
                self._bell.notify()

    def _flush_forever(self) -> None:
        for turn in count(1):
            with self._bell:
                while not self.is_busy:
                    self._bell.wait()
            self._pause.wait(COALESCE_SECONDS / ROUNDS)
            self._flush(self._due(takes_all=turn % ROUNDS == 0))

    def _due(self, *, takes_all: bool) -> list["Producer"]:
        with self._bell:
            due = list(self._soon | self._later if takes_all else self._soon)
            self._soon.clear()
            if takes_all:
                self._later.clear()
        return due

    def _flush(self, producers: Sequence["Producer"]) -> None:
        """Send what some producers have buffered, in one round trip."""
        with ExitStack() as held:
            packed: list[tuple[Producer, Packet]] = []
            for producer in producers:
                held.enter_context(producer.lock)
                packet = producer.packed()
                if packet is not None:
                    packed.append((producer, packet))
            answers = self._streams.emit([packet for _, packet in packed]) if packed else ()
            for (producer, _), answer in zip(packed, answers, strict=True):
                producer.sent(answer)


class Producer:
    """The one writer of an attempt's events. Thread-safe; a failing Redis never fails the job.

    Events are numbered when they are sent. `restart` and `status running` go out with the first
    thing that follows, or within 20 ms; deltas in between are sent as one.
    """

    def __init__(self, streams: Streams, flusher: "Producers", job: JobRow) -> None:
        """Begin at the attempt's first number."""
        self.job = job
        self.lock = Lock()
        self._streams = streams
        self._flusher = flusher
        self._n = 0
        self._has_begun = False
        self._unsent: list[Numbered] = []
        self._said = Said()
        self._buffer: list[Saying] = []
        self._said_at = NEVER

    def begin(self) -> None:
        """Open the attempt: `restart` if it is not the first, then `status running`."""
        attempt = self.job.attempt
        with self.lock:
            if attempt > 1:
                self._number("restart", attempt=attempt)
            self._number("status", status="running", attempt=attempt)
        self._flusher.flush_later(self)

    def status(self, status: str) -> None:
        """Say that the job is back in its queue."""
        with self.lock:
            self._take_buffer()
            self._number("status", status=status, attempt=self.job.attempt)
            self._flush()

    def progress(self, completed: int, total: int) -> None:
        """Say how far the job is."""
        with self.lock:
            self._take_buffer()
            self._number("progress", **progress_body(completed, total))
            self._flush()

    def delta(self, text: str) -> None:
        """Send text: at once if the last was 20 ms ago, else together with what follows."""
        if text:
            self.say(Saying("delta", text))

    def say(self, saying: Saying) -> None:
        """Send a piece of what is said, as `delta` does; pieces that belong together become one.

        The first goes at once. Where many speak, the rest goes with what the others say, some
        milliseconds later.
        """
        with self.lock:
            if not (self._buffer and self._buffer[-1].takes(saying)):
                self._buffer.append(saying)
            else:
                self._buffer[-1] = self._buffer[-1].with_more(saying)
            is_due = self._streams.now() - self._said_at >= COALESCE_SECONDS
            is_first = self._said_at == NEVER
            if is_first or (is_due and not self._flusher.is_busy):
                self._flush()
                return
        if is_due:
            self._flusher.flush_soon(self)
        else:
            self._flusher.flush_later(self)

    def tell(self, kind: str, **fields: Any) -> None:
        """Send one event; `restart` takes back what was said, `served` goes with the next word."""
        with self.lock:
            self._take_buffer()
            if kind == "restart":
                self._said = Said()
            elif kind == "served":
                self._said.server = fields
            self._number(kind, **fields)
            if kind != "served":
                self._flush()

    def flush(self) -> None:
        """Send what is buffered."""
        with self.lock:
            self._flush()

    def end(self, body: dict[str, Any]) -> None:
        """Send what is left and say that the job is over, as its row now says."""
        with self.lock:
            self._streams.end(self.job, body, self.packed())

    def forget(self) -> None:
        """Take back everything that was streamed; without Redis it stays for its hours."""
        with self.lock, suppress(Unavailable):
            self._streams.forget([self.job.id])

    def was_shown(self) -> bool:
        """Say whether earlier attempts showed content."""
        return self._streams.has_shown(self.job)

    def snapshot(self) -> None:
        """Write everything so far: the stream was lost."""
        with self.lock:
            self._flush()
            self._rewrite()

    def packed(self) -> Packet | None:
        """Return what is unsent, numbered, if anything is; whoever asks holds the lock."""
        self._take_buffer()
        if not self._unsent:
            return None
        packet = Packet(self.job.id, self._unsent, may_begin=not self._has_begun)
        self._unsent, self._has_begun = [], True
        return packet

    def sent(self, answer: str) -> None:
        """Note what came of a packet; a lost stream begins again with a snapshot of it all."""
        if answer == "gone":
            self._rewrite()

    def _flush(self) -> None:
        packet = self.packed()
        if packet is not None:
            self.sent(*self._streams.emit([packet]))

    def _take_buffer(self) -> None:
        if self._buffer:
            self._said_at = self._streams.now()
        for saying in self._buffer:
            self._said.add(saying)
            self._number(saying.kind, **saying.fields)
        self._buffer.clear()

    def _number(self, kind: str, **fields: Any) -> None:
        seq = self._next()
        self._unsent.append((seq, encoded(seq, kind, **fields)))

    def _rewrite(self) -> None:
        seq = self._next()
        whole = [(seq, encoded(seq, "snapshot", **self._said.fields))]
        if self._said.server:
            seq = self._next()
            whole.append((seq, encoded(seq, "served", **self._said.server)))
        self._streams.emit([Packet(self.job.id, whole, may_begin=True)])

    def _next(self) -> int:
        """Return the next number, never one of those kept for the end."""
        self._n = min(self._n + 1, FINAL_SNAPSHOT - 1)
        return self.job.attempt * PER_ATTEMPT + self._n

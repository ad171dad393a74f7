"""Streams: the events of a job, numbered, replayable, and rung out (ARCHITECTURE §6).

`seq` = attempt × 1 000 000 + n. It only grows over the life of a job, and no counter can be lost:
the attempt is in the row, `n` in the one process that holds it. Redis refuses ids that do not
grow, so a zombie cannot write into the stream of a later attempt. `end` always has the last
number of its attempt, so that anybody can make it from the row.
"""

import json
from collections.abc import Sequence
from threading import Condition, Lock, Thread
from typing import Any, Final
from uuid import UUID

import redis

from jobs.sayings import Said, Saying, is_content
from models.jobs import JobRow
from models.kernel.cache import Script
from models.kernel.clock import Clock
from models.kernel.logs import get_logger

PER_ATTEMPT: Final = 1_000_000
END: Final = PER_ATTEMPT - 1
FINAL_SNAPSHOT: Final = PER_ATTEMPT - 2
COALESCE_SECONDS: Final = 0.02
MOST_EVENTS: Final = 50_000
CANCEL_CHANNEL: Final = "jobs:cancel"

_EMIT: Final = """
if ARGV[1] == '0' then
    local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
    if not last or tonumber(string.match(last[1], '^%d+')) < tonumber(ARGV[2]) then
        return 'gone'
    end
end
for i = 5, #ARGV, 2 do
    local added = redis.pcall(
        'XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], ARGV[i] .. '-0', 'e', ARGV[i + 1])
    if type(added) == 'table' and added.err then return 'stale' end
    redis.call('PUBLISH', KEYS[1], ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 'ok'
"""

Numbered = tuple[int, str]
"""An event with its number: (seq, JSON)."""

log = get_logger(__name__)


def stream_key(job_id: UUID) -> str:
    """Return the key of a job's stream, which is the name of its channel too."""
    return f"job:{job_id.hex}"


def encoded(seq: int, kind: str, **fields: Any) -> str:
    """Write one event as the JSON that clients get in `data:`."""
    return json.dumps({"seq": seq, "type": kind, **fields}, separators=(",", ":"))


def end_seq(job: JobRow) -> int:
    """Return the number of the last event of a job that is over."""
    return job.attempt * PER_ATTEMPT + END


class Streams:
    """This process's way to the streams: one Redis client, one thread that flushes deltas."""

    def __init__(self, cache: redis.Redis, clock: Clock, ttl_seconds: int) -> None:
        """Connect nothing yet."""
        self._script = Script(cache, _EMIT)
        self._cache = cache
        self._clock = clock
        self._ttl = ttl_seconds
        self._waiting: set[Producer] = set()
        self._bell = Condition(Lock())
        self._flusher: Thread | None = None

    def producer(self, job: JobRow) -> "Producer":
        """Open the stream of this attempt for writing."""
        return Producer(self, job)

    def emit(self, job_id: UUID, events: Sequence[Numbered], *, may_begin: bool) -> str:
        """Append and ring, all or none; say what came of it.

        `ok`; `stale`: a later event is there; `gone`: this attempt's earlier ones are lost;
        `away`: Redis does not answer, watchers will read the row.
        """
        first = events[0][0] - events[0][0] % PER_ATTEMPT
        fixed: list[int | str] = [int(may_begin), first, MOST_EVENTS, self._ttl]
        pairs = [part for event in events for part in event]
        try:
            answer = self._script(stream_key(job_id), fixed + pairs)
        except redis.RedisError:
            return "away"
        return answer.decode() if isinstance(answer, bytes) else str(answer)

    def end(self, job: JobRow, body: dict[str, Any], before: Sequence[Numbered] = ()) -> None:
        """Say that a job is over, after what is still unsent; everything, if that was lost."""
        end = end_seq(job), encoded(end_seq(job), "end", status=job.state, job=body)
        if self.emit(job.id, [*before, end], may_begin=job.attempt == 0) == "gone":
            number = job.attempt * PER_ATTEMPT + FINAL_SNAPSHOT
            snapshot = number, encoded(number, "snapshot", result=job.result)
            self.emit(job.id, [snapshot, end], may_begin=True)

    def ring_cancel(self, job_id: UUID) -> None:
        """Tell whoever runs the job to stop; the heartbeat is the fallback."""
        try:
            self._cache.publish(CANCEL_CHANNEL, job_id.hex)
        except redis.RedisError as error:
            log.warning("stream.cancel_not_rung", job_id=str(job_id), error=type(error).__name__)

    def exist(self, producers: list["Producer"]) -> list[bool]:
        """Say of each stream whether Redis still has it; all True when Redis is away."""
        pipe = self._cache.pipeline(transaction=False)
        for producer in producers:
            pipe.exists(stream_key(producer.job.id))
        try:
            return [bool(count) for count in pipe.execute()]
        except redis.RedisError:
            return [True] * len(producers)

    def has_shown(self, job: JobRow) -> bool:
        """Say whether earlier attempts at a job showed content; yes, too, when nobody can tell."""
        try:
            entries: Any = self._cache.xrange(stream_key(job.id), "-", f"({job.attempt}000000-0")
        except redis.RedisError:
            return True
        return not entries or any(is_content(fields[b"e"].decode()) for _, fields in entries)

    def flush_soon(self, producer: "Producer") -> None:
        """Have a producer's buffered delta sent within 20 ms."""
        with self._bell:
            self._waiting.add(producer)
            if self._flusher is None:
                self._flusher = Thread(target=self._flush_forever, name="deltas", daemon=True)
                self._flusher.start()
            self._bell.notify()

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._clock.elapsed()

    def _flush_forever(self) -> None:
        while True:
            with self._bell:
                while not self._waiting:
                    self._bell.wait()
            with self._bell:
                self._bell.wait(COALESCE_SECONDS)
                due, self._waiting = self._waiting, set()
            for producer in due:
                producer.flush()


class Producer:
    """The one writer of an attempt's events. Thread-safe; a failing Redis never fails the job.

    Events are numbered when they are sent. `restart` and `status running` go out with the first
    thing that follows, or within 20 ms; deltas in between are sent as one.
    """

    def __init__(self, streams: Streams, job: JobRow) -> None:
        """Begin at the attempt's first number."""
        self.job = job
        self._streams = streams
        self._lock = Lock()
        self._n = 0
        self._has_begun = False
        self._unsent: list[Numbered] = []
        self._said = Said()
        self._buffer: list[Saying] = []
        self._said_at = float("-inf")

    def begin(self) -> None:
        """Open the attempt: `restart` if it is not the first, then `status running`."""
        attempt = self.job.attempt
        with self._lock:
            if attempt > 1:
                self._number("restart", attempt=attempt)
            self._number("status", status="running", attempt=attempt)
        self._streams.flush_soon(self)

    def status(self, status: str) -> None:
        """Say that the job is back in its queue."""
        with self._lock:
            self._take_buffer()
            self._number("status", status=status, attempt=self.job.attempt)
            self._send()

    def progress(self, completed: int, total: int) -> None:
        """Say how far the job is."""
        with self._lock:
            self._take_buffer()
            self._number("progress", **progress_body(completed, total))
            self._send()

    def delta(self, text: str) -> None:
        """Send text: at once if the last was 20 ms ago, else together with what follows."""
        if text:
            self.say(Saying("delta", text))

    def say(self, saying: Saying) -> None:
        """Send a piece of what is said, as `delta` does; pieces that belong together become one."""
        with self._lock:
            if not (self._buffer and self._buffer[-1].takes(saying)):
                self._buffer.append(saying)
            else:
                self._buffer[-1] = self._buffer[-1].with_more(saying)
            is_due = self._streams.now() - self._said_at >= COALESCE_SECONDS
            if is_due:
                self._flush()
        if not is_due:
            self._streams.flush_soon(self)

    def tell(self, kind: str, **fields: Any) -> None:
        """Send one event; `restart` takes back what was said, `served` goes with the next word."""
        with self._lock:
            self._take_buffer()
            if kind == "restart":
                self._said = Said()
            elif kind == "served":
                self._said.server = fields
            self._number(kind, **fields)
            if kind != "served":
                self._send()

    def flush(self) -> None:
        """Send what is buffered."""
        with self._lock:
            self._flush()

    def end(self, body: dict[str, Any]) -> None:
        """Send what is left and say that the job is over, as its row now says."""
        with self._lock:
            self._take_buffer()
            if self._has_begun:
                self._streams.end(self.job, body, self._unsent)
            else:
                self._send()
                self._streams.end(self.job, body)
            self._unsent = []

    def was_shown(self) -> bool:
        """Say whether earlier attempts showed content."""
        return self._streams.has_shown(self.job)

    def snapshot(self) -> None:
        """Write everything so far: the stream was lost."""
        with self._lock:
            self._flush()
            self._rewrite()

    def _flush(self) -> None:
        self._take_buffer()
        self._send()

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

    def _send(self) -> None:
        """Send the numbered events; a lost stream begins again with a snapshot of it all."""
        if not self._unsent:
            return
        events, self._unsent = self._unsent, []
        answer = self._streams.emit(self.job.id, events, may_begin=not self._has_begun)
        self._has_begun = True
        if answer == "gone":
            self._rewrite()

    def _rewrite(self) -> None:
        seq = self._next()
        whole = [(seq, encoded(seq, "snapshot", **self._said.fields))]
        if self._said.server:
            seq = self._next()
            whole.append((seq, encoded(seq, "served", **self._said.server)))
        self._streams.emit(self.job.id, whole, may_begin=True)

    def _next(self) -> int:
        """Return the next number, never one of those kept for the end."""
        self._n = min(self._n + 1, FINAL_SNAPSHOT - 1)
        return self.job.attempt * PER_ATTEMPT + self._n


def progress_body(completed: int, total: int) -> dict[str, int]:
    """Return progress as it stands in job bodies and events."""
    percentage = completed * 100 // total if total else 0
    return {"completed": completed, "total": total, "percentage": percentage}

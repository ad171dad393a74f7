"""Streams: the events of a job, numbered, replayable, and rung out (ARCHITECTURE §6).

`seq` = attempt × 1 000 000 + n. It only grows over the life of a job, and no counter can be lost:
the attempt is in the row, `n` in the one process that holds it. Redis refuses ids that do not
grow, so a zombie cannot write into the stream of a later attempt. `end` always has the last
number of its attempt, so that anybody can make it from the row.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import redis

from jobs.sayings import is_content
from models.jobs import JobRow
from models.kernel.cache import Script
from models.kernel.clock import Clock
from models.kernel.errors import Unavailable
from models.kernel.logs import get_logger

PER_ATTEMPT: Final = 1_000_000
END: Final = PER_ATTEMPT - 1
FINAL_SNAPSHOT: Final = PER_ATTEMPT - 2
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


@dataclass(frozen=True, slots=True)
class Packet:
    """Events of one job that go out together. `may_begin`: there may be none before them."""

    job_id: UUID
    events: Sequence[Numbered]
    may_begin: bool


class Streams:
    """This process's way to the streams."""

    def __init__(self, cache: redis.Redis, clock: Clock, ttl_seconds: int) -> None:
        """Connect nothing yet."""
        self._script = Script(cache, _EMIT)
        self._cache = cache
        self._clock = clock
        self._ttl = ttl_seconds

    def emit(self, packets: Sequence[Packet]) -> list[str]:
        """Append and ring each packet, all of it or none; say what came of each.

        `ok`; `stale`: a later event is there; `gone`: this attempt's earlier ones are lost;
        `away`: Redis does not answer, watchers will read the row.
        """
        try:
            answers = self._script.many([self._call(packet) for packet in packets])
        except redis.RedisError:
            return ["away"] * len(packets)
        return [answer.decode() for answer in answers]

    def end(self, job: JobRow, body: dict[str, Any], unsent: Packet | None = None) -> None:
        """Say that a job is over, after what is still unsent; everything, if that was lost."""
        end = end_seq(job), encoded(end_seq(job), "end", status=job.state, job=body)
        may_begin = unsent.may_begin if unsent else job.attempt == 0
        before = unsent.events if unsent else ()
        if self.emit([Packet(job.id, [*before, end], may_begin=may_begin)]) == ["gone"]:
            number = job.attempt * PER_ATTEMPT + FINAL_SNAPSHOT
            snapshot = number, encoded(number, "snapshot", result=job.result)
            self.emit([Packet(job.id, [snapshot, end], may_begin=True)])

    def ring_cancel(self, job_id: UUID) -> None:
        """Tell whoever runs the job to stop; the heartbeat is the fallback."""
        try:
            self._cache.publish(CANCEL_CHANNEL, job_id.hex)
        except redis.RedisError as error:
            log.warning("stream.cancel_not_rung", job_id=str(job_id), error=type(error).__name__)

    def exist(self, job_ids: Sequence[UUID]) -> list[bool]:
        """Say of each job whether Redis still has its stream; all True when Redis is away."""
        pipe = self._cache.pipeline(transaction=False)
        for job_id in job_ids:
            pipe.exists(stream_key(job_id))
        try:
            return [bool(count) for count in pipe.execute()]
        except redis.RedisError:
            return [True] * len(job_ids)

    def forget(self, job_ids: Sequence[UUID]) -> None:
        """Remove the streams of jobs; raise `Unavailable` when Redis is away."""
        try:
            self._cache.delete(*(stream_key(job_id) for job_id in job_ids))
        except redis.RedisError as error:
            raise Unavailable("Redis does not answer") from error

    def has_shown(self, job: JobRow) -> bool:
        """Say whether earlier attempts at a job showed content; yes, too, when nobody can tell."""
        try:
            entries: Any = self._cache.xrange(stream_key(job.id), "-", f"({job.attempt}000000-0")
        except redis.RedisError:
            return True
        return not entries or any(is_content(fields[b"e"].decode()) for _, fields in entries)

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._clock.elapsed()

    def _call(self, packet: Packet) -> tuple[str, list[int | str]]:
        """Return the key and the arguments of the script for a packet."""
        earliest = packet.events[0][0]
        first = earliest - earliest % PER_ATTEMPT
        fixed: list[int | str] = [int(packet.may_begin), first, MOST_EVENTS, self._ttl]
        return stream_key(packet.job_id), [*fixed, *(p for event in packet.events for p in event)]


def progress_body(completed: int, total: int) -> dict[str, int]:
    """Return progress as it stands in job bodies and events."""
    percentage = completed * 100 // total if total else 0
    return {"completed": completed, "total": total, "percentage": percentage}

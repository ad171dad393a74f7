"""The hub: one subscription to Redis a process, fanned out to all its clients.

The bell may be missed, so nothing here is the truth: a watcher that was woken reads what it lacks
from the stream, and the row says when a job is over. A slow reader has a bounded buffer.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import redis.asyncio
from redis import RedisError

from jobs.streams import stream_key
from models.kernel.logs import get_logger

MOST_BUFFERED: Final = 2_000
SWEEP_SECONDS: Final = 5.0
REST_SECONDS: Final = 0.5
LISTEN_SECONDS: Final = 1.0
ALWAYS: Final = "hub"
"""A channel nobody speaks on: who is subscribed to none may not listen."""

Numbered = tuple[int, str]
Sweep = Callable[[Collection[UUID]], Awaitable[Collection[UUID]]]
"""Says which of these jobs are over."""

log = get_logger(__name__)


class Watcher:
    """One client's view of one job: what has arrived, and what it has to look up."""

    __slots__ = ("_bell", "_most", "events", "is_behind", "is_closing", "is_over", "job_id")

    def __init__(self, job_id: UUID, most: int = MOST_BUFFERED) -> None:
        """Watch a job; nothing has arrived, and no more than `most` may wait."""
        self.job_id = job_id
        self._most = most
        self.events: deque[Numbered] = deque()
        self.is_behind = False
        self.is_over = False
        self.is_closing = False
        self._bell = asyncio.Event()

    def push(self, event: Numbered) -> None:
        """Take an event; past the buffer's bound the client is behind and reads the stream."""
        if len(self.events) >= self._most:
            self.events.clear()
            self.is_behind = True
        if not self.is_behind:
            self.events.append(event)
        self._bell.set()

    def ring(self) -> None:
        """Wake whoever waits."""
        self._bell.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for something to do; False when nothing came in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        except TimeoutError:
            return False
        self._bell.clear()
        return True


class Hub:
    """The watchers of this process."""

    def __init__(self, cache: redis.asyncio.Redis, sweep: Sweep) -> None:
        """Take the client of this process's loop, and what asks the rows who is over."""
        self._cache = cache
        self._sweep = sweep
        self._watchers: dict[str, set[Watcher]] = {}
        self._line: Any = None
        """The connection that is listened to; None while there is none."""
        self._tasks: list[asyncio.Task[None]] = []
        self._is_closing = False

    @asynccontextmanager
    async def watch(self, job_id: UUID, most: int = MOST_BUFFERED) -> AsyncIterator[Watcher]:
        """Hear of a job from now on."""
        self._start()
        watcher = Watcher(job_id, most)
        watcher.is_closing = self._is_closing
        channel = stream_key(job_id)
        watchers = self._watchers.setdefault(channel, set())
        watchers.add(watcher)
        try:
            if len(watchers) == 1:
                await self._tell("SUBSCRIBE", channel)
            yield watcher
        finally:
            watchers.discard(watcher)
            if not watchers and self._watchers.get(channel) is watchers:
                del self._watchers[channel]
                await self._tell("UNSUBSCRIBE", channel)

    async def replay(self, job_id: UUID, after: int) -> list[Numbered]:
        """Return the events after a number, oldest first; none when Redis is away."""
        try:
            entries: Any = await self._cache.xrange(stream_key(job_id), f"({after}-0", "+")
        except (RedisError, OSError):
            return []
        return _numbered(entries)

    async def latest(self, job_id: UUID) -> list[Numbered]:
        """Return the last event, if Redis has one."""
        try:
            return _numbered(await self._cache.xrevrange(stream_key(job_id), count=1))
        except (RedisError, OSError):
            return []

    async def is_heard(self, job_id: UUID) -> bool:
        """Say whether anybody watches a job, in any process; yes, too, when nobody can tell."""
        channel = stream_key(job_id)
        try:
            ((_, count),) = await self._cache.pubsub_numsub(channel)
        except (RedisError, OSError):
            return True
        return bool(count)

    def close(self) -> None:
        """Let every watcher end resumably."""
        self._is_closing = True
        for watcher in self._all():
            watcher.is_closing = True
            watcher.ring()

    def count(self) -> int:
        """Return how many clients watch."""
        return sum(len(watchers) for watchers in self._watchers.values())

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._listen_forever()),
                asyncio.create_task(self._sweep_forever()),
            ]

    def _all(self) -> list[Watcher]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]

    async def _tell(self, verb: str, *channels: str) -> None:
        """Send a word on the line; while there is none, the listener does it on its return.

        It only writes: the listener alone reads and connects, or two would wait for one answer.
        """
        line = self._line
        if not channels or line is None or not line.is_connected:
            return
        try:
            await line.send_command(verb, *channels, check_health=False)
        except (RedisError, OSError):
            log.debug("hub.line_broke", verb=verb)

    async def _listen_forever(self) -> None:
        while True:
            try:
                async with self._cache.pubsub(ignore_subscribe_messages=True) as ear:
                    await self._listen(ear)
            except (RedisError, OSError, ValueError) as error:
                log.warning("hub.deaf", error=type(error).__name__)
            finally:
                self._line = None
            await asyncio.sleep(REST_SECONDS)

    async def _listen(self, ear: Any) -> None:
        """Fan out what is heard, until the connection breaks."""
        await ear.subscribe(ALWAYS)
        self._line = ear.connection
        await self._tell("SUBSCRIBE", *self._watchers)
        self._look_again()
        while True:
            message = await ear.get_message(timeout=LISTEN_SECONDS)
            if message is not None:
                self._fan_out(message["channel"].decode(), message["data"].decode())

    def _look_again(self) -> None:
        """Let everybody read the stream: they have missed something perhaps."""
        for watcher in self._all():
            watcher.is_behind = True
            watcher.ring()

    def _fan_out(self, channel: str, event: str) -> None:
        seq = int(event[7 : event.index(",")])
        for watcher in self._watchers.get(channel, ()):
            watcher.push((seq, event))

    async def _sweep_forever(self) -> None:
        """Every few seconds, find the jobs whose end nobody rang for."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            watched = {watcher.job_id: watcher for watcher in self._all()}
            over = await self._sweep(watched.keys()) if watched else ()
            for watcher in self._all():
                if watcher.job_id in over:
                    watcher.is_over = True
                    watcher.ring()


def _numbered(entries: Any) -> list[Numbered]:
    """Return the entries of a stream as events."""
    return [(int(key.split(b"-")[0]), fields[b"e"].decode()) for key, fields in entries]

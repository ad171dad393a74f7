"""Following: the subjects that one connection is told of, each by a task of its own (G-26).

A task writes straight to the socket: what waits for a client that reads slowly is one message a
subject, and what its watcher holds, which is bounded. Past that it is read from the stream again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from peewee import DoesNotExist

from api.hop import Hop
from api.live.bounds import Bounds
from api.live.hub import Hub
from api.live.messages import answer, event
from api.live.streams import Reader
from api.live.subjects import Story
from api.problems import DATABASE_AWAY, Problems
from models.kernel.clock import Clock
from models.kernel.errors import Conflict, RateLimitExceeded
from models.kernel.logs import get_logger
from models.kernel.measures import LIVE_EVENTS

BREATH: Final = 50
"""After so many events the others of this process have their turn."""
AWAY: Final[tuple[type[Exception], ...]] = (*DATABASE_AWAY, DoesNotExist)

Send = Callable[[str], Awaitable[None]]
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What connections act through."""

    hub: Hub
    hop: Hop
    clock: Clock
    problems: Problems
    bounds: Bounds


class Following:
    """What one client follows, by name."""

    __slots__ = ("_means", "_send", "_spawn", "_tasks", "told")

    def __init__(self, means: Means, send: Send, spawn: Spawn) -> None:
        """Begin with nothing; take what writes to the client and what runs beside it."""
        self._means = means
        self._send = send
        self._spawn = spawn
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.told = 0

    def refuse_more(self, name: str) -> None:
        """Raise `Conflict` for what is followed already, `RateLimitExceeded` for one too many."""
        if name in self._tasks:
            raise Conflict("this is followed already")
        most = self._means.bounds.subjects
        if len(self._tasks) >= most:
            raise RateLimitExceeded(f"one connection follows at most {most} subjects")

    def begin(self, name: str, story: Story) -> None:
        """Tell of one more."""
        self._tasks[name] = self._spawn(self._follow(name, story))

    async def stop(self, name: str) -> None:
        """Tell of one no longer, from now on; of what is not followed, as before."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def rest(self, seconds: float) -> None:
        """Wait until all that is told has ended, but not longer than this."""
        if self._tasks:
            await asyncio.wait([*self._tasks.values()], timeout=seconds)

    async def _follow(self, name: str, story: Story) -> None:
        """Tell of one subject to its end, or to where it has to be resumed."""
        try:
            await self._tell(name, story)
        except AWAY as error:
            log.warning("live.interrupted", error=type(error).__name__)
        reason = "ended" if story.teller.has_ended else "interrupted"
        if self._tasks.get(name) is asyncio.current_task():
            del self._tasks[name]
            await self._send(answer("unsubscribed", {}, subject=name, reason=reason))

    async def _tell(self, name: str, story: Story) -> None:
        hub, hop = self._means.hub, self._means.hop
        async with hub.watch(story.row.id, self._means.bounds.waiting) as watcher:
            reader = Reader(hub, hop, watcher, story.teller, cursor=story.cursor)
            async with aclosing(reader.frames(story.row, story.load)) as frames:
                async for frame in frames:
                    fields = frame.fields
                    if "data" in fields:
                        await self._say(event(name, fields))

    async def _say(self, text: str) -> None:
        await self._send(text)
        LIVE_EVENTS.add()
        self.told += 1
        if self.told % BREATH == 0:
            await asyncio.sleep(0)

"""The hop: from the event loop into a small, fixed pool of threads, and back.

The pool bounds database and broker connections. The queue before it is bounded too: past that a
request is refused at once rather than kept waiting for an answer nobody awaits any more.
"""

import asyncio
from asyncio import Event
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from models.kernel.errors import Unavailable, UpstreamTimeout

T = TypeVar("T")

MOST_WAITING: Final = 512
LATEST_SECONDS: Final = 1


class Hop:
    """Runs plain functions in the pool, each within a time limit."""

    def __init__(self, threads: int, *, waiting: int = MOST_WAITING) -> None:
        """Take the number of threads, and how many may wait for one."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._room = threads + waiting
        self._busy = 0
        self._idle: Event | None = None

    async def run(self, work: Callable[[], T], *, seconds: float) -> T:
        """Return what a function returns; raise what it raises.

        Raises `Unavailable` when too many wait, `UpstreamTimeout` when time is up: the thread
        itself cannot be stopped and goes on until the database's own limits end it.
        """
        if self._busy >= self._room:
            raise Unavailable("too many requests wait already", retry_after=LATEST_SECONDS)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, copy_context().run, work)
        self._busy += 1
        future.add_done_callback(self._done)
        return await _within(future, seconds)

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._busy -= 1
        if not future.cancelled():
            future.exception()
        if self._busy == 0 and self._idle is not None:
            self._idle.set()

    async def close(self, seconds: float) -> None:
        """Wait for what is running, at most so long, then let the threads go."""
        if self._busy:
            self._idle = Event()
            await asyncio.wait([asyncio.create_task(self._idle.wait())], timeout=seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _within(future: asyncio.Future[T], seconds: float) -> T:
    """Await a future, but not longer than this; it is left to end by itself."""
    done, _ = await asyncio.wait([future], timeout=seconds)
    if not done:
        raise UpstreamTimeout(f"no answer within {seconds:g} s")
    return future.result()

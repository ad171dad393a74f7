"""Coalescing: identical reads that wait for a thread share one computation (G-25).

Only while reads wait for threads, and only what came before the work began: an answer always has
what its client had written before it asked. Reads are identical when path, query and headers are,
the credential among them, and the address they come from, to which a credential may be bound.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from threading import Lock
from typing import Final, Generic, TypeVar

from falcon.asgi import Request

from api.callers import Address, Caller
from models.kernel.errors import IlmError, Unavailable

T = TypeVar("T")

OWN: Final = frozenset({"x-request-id", "traceparent", "tracestate", "if-none-match"})
"""Headers in which identical reads may differ."""

Key = tuple[str, str, Address | None, frozenset[tuple[str, str]]]


class Joiner(Generic[T]):
    """A read that shares the answer of another: `held` seconds later, unless it is `refused`."""

    def __init__(self, req: Request, answer: asyncio.Future[T]) -> None:
        """Take the request, and where its answer will be."""
        self.req = req
        self.held = 0.0
        self.refused: IlmError | None = None
        self._answer = answer

    async def wait(self) -> T:
        """Return the answer; raise what the computation raised, or why this read is refused."""
        answer = await self._answer
        if self.refused is not None:
            raise self.refused
        if self.held:
            await asyncio.sleep(self.held)
        return answer

    def tell(self, answer: T) -> None:
        """Give the answer."""
        if not self._answer.done():
            self._answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Say that there is none."""
        if not self._answer.done():
            self._answer.set_exception(error)


class Group(Generic[T]):
    """One computation and who shares it; nobody joins once it has begun."""

    def __init__(self, lock: Lock) -> None:
        """Take the lock under which reads join."""
        self.has_begun = False
        self._lock = lock
        self._joiners: list[Joiner[T]] = []

    def begin(self) -> Sequence[Joiner[T]]:
        """Begin the work, in its thread; return who shares it. Safe to call again."""
        with self._lock:
            self.has_begun = True
            return self._joiners

    def join(self, req: Request) -> Joiner[T] | None:
        """Share the answer, None when it is too late."""
        with self._lock:
            if self.has_begun:
                return None
            joiner = Joiner[T](req, asyncio.get_running_loop().create_future())
            self._joiners.append(joiner)
            return joiner


class Reads(Generic[T]):
    """The reads of a process."""

    def __init__(self, threads: int) -> None:
        """Take how many run at once; only beyond that do any share."""
        self._threads = threads
        self._running = 0
        self._groups: dict[Key, Group[T]] = {}
        self._lock = Lock()

    async def answer(self, req: Request, compute: Callable[[Group[T]], Awaitable[T]]) -> T:
        """Return what is computed for this read, or for one like it that has not begun.

        The thread that computes calls the group's `begin` first.
        """
        group = Group[T](self._lock)
        if self._running < self._threads:
            return await self._led(group, compute)
        key = _key(req)
        earlier = self._groups.get(key)
        joiner = earlier.join(req) if earlier else None
        if joiner is not None:
            return await joiner.wait()
        self._groups[key] = group
        try:
            return await self._led(group, compute)
        finally:
            if self._groups.get(key) is group:
                del self._groups[key]

    async def _led(self, group: Group[T], compute: Callable[[Group[T]], Awaitable[T]]) -> T:
        self._running += 1
        failure: Exception = Unavailable("the read was given up", retry_after=1)
        try:
            answer = await compute(group)
        except IlmError as error:
            failure = error
            raise
        else:
            for joiner in group.begin():
                joiner.tell(answer)
            return answer
        finally:
            self._running -= 1
            for joiner in group.begin():
                joiner.fail(failure)


def _key(req: Request) -> Key:
    headers = frozenset(pair for pair in req.headers.items() if pair[0].lower() not in OWN)
    caller: Caller = req.context.caller
    return req.path, req.query_string, caller.address, headers

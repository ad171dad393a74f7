"""Stage 7 of the front: the limits on requests, between authentication and validation.

Asked in the pool, in the same hop. Who may pass within a second waits for it on the event loop,
where nobody holds a thread (L-04). A route without limits has no gate and pays nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Final, NoReturn, TypeVar

from falcon.asgi import Request

from api.callers import caller_of
from api.endpoints import Endpoint
from api.principals import Principal
from jobs.limits import rules
from jobs.limits.limiter import PATIENCE, Limiter, warned_from
from jobs.limits.load import Load
from jobs.limits.overrides import CurrentRules
from jobs.limits.rules import Known, Route, Rules, subject_of
from jobs.limits.windows import Verdict, Window
from models.kernel.clock import Clock
from models.kernel.errors import RateLimitExceeded
from models.kernel.settings import Network
from models.limits import Catalogued

T = TypeVar("T")

MOST_WAITING: Final = 50
"""How many requests of one process may wait to pass."""

_WORDS: Final = {
    rules.USER: "you may send {limit} requests a minute",
    rules.USER_AI: "you may send {limit} AI requests a minute",
    rules.KEY: "this API key may send {limit} requests a minute",
    rules.ROUTE: "you may send {limit} requests a minute to this route",
    rules.ANONYMOUS: "{limit} requests a minute may come without a credential that holds",
    rules.ADDRESS: "too many requests come from your address",
    rules.GLOBAL: "too many requests come from everybody just now",
    rules.GUESSES: "too many wrong guesses came from your address",
}


class Held(Exception):
    """A request that may pass in a moment; its place is kept."""

    def __init__(self, seconds: float) -> None:
        """Take how long it has to wait."""
        super().__init__()
        self.seconds = seconds


@dataclass(slots=True)
class Waiting:
    """How many requests of this process wait to pass; touched on the event loop alone."""

    count: int = 0

    @property
    def patience(self) -> float:
        """How many seconds one more may wait."""
        return PATIENCE if self.count < MOST_WAITING else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the gates of a process act through."""

    limiter: Limiter
    current: CurrentRules
    clock: Clock
    proxies: Sequence[Network]
    is_on: bool
    load: Load
    waiting: Waiting
    routes: set[str] = field(default_factory=set)
    """The routes that may be limited, by their operationId."""

    def gate(self, endpoint: Endpoint) -> "Gate | None":
        """Return the gate of an endpoint, None for one that is not limited."""
        catalogued = Catalogued.read()
        name = f"{endpoint.method} {endpoint.template}"
        gives_back = name in catalogued.given_back
        is_guess = gives_back or name in catalogued.kept
        if name in catalogued.exempt:
            return None
        self.routes.add(endpoint.operation_id)
        if not (self.is_on or is_guess):
            return None
        route = Route(name=endpoint.operation_id, asks_llm=name in catalogued.ai, is_guess=is_guess)
        return Gate(self, route, gives_back=gives_back)

    def rules(self) -> Rules:
        """Return the rules of this moment; once they have changed, nothing is known to be full."""
        current, has_changed = self.current.get()
        if has_changed:
            self.limiter.forget_full()
        return current

    def known(self, principal: Principal) -> Known:
        """Return a principal as the rules know them."""
        key_id = principal.key_id
        return Known(
            user_id=principal.user_id,
            tier=principal.tier,
            key_id=key_id,
            key_limit=self.current.of_key(key_id) if key_id else None,
        )

    def count_question(self, req: Request) -> None:
        """Count a request that asks an LLM, as only its body tells, beside what its gate counted.

        Raises as `Gate.enter` does, and counts a request once (L-03).
        """
        if not self.is_on or getattr(req.context, "has_asked", False):
            return
        window = self.rules().for_question(self.known(req.context.principal), self.load.factor)
        verdict, _ = self.limiter.judge((window,), self.waiting.patience)
        if not verdict.admitted:
            _refuse(req, verdict)
        if verdict.remaining < req.context.verdict.remaining:
            req.context.verdict = verdict
        req.context.has_asked = True
        if verdict.delay > 0:
            raise Held(verdict.delay)


class Gate:
    """The limits of one endpoint."""

    def __init__(self, limits: Limits, route: Route, *, gives_back: bool) -> None:
        """Take what gates act through; whether a guess that was right is given back."""
        self._limits = limits
        self._route = route
        self._gives_back = gives_back

    async def through(self, req: Request, work: Callable[[], Awaitable[T]]) -> T:
        """Do the work, which comes to `enter` in the pool; a request that has to wait does here.

        It may wait twice: once more for what `count_question` counts.
        """
        while True:
            req.context.asked_at = self._limits.clock.elapsed()
            try:
                return await work()
            except Held as held:
                seconds = held.seconds
            await self._wait(seconds)

    async def _wait(self, seconds: float) -> None:
        waiting = self._limits.waiting
        if waiting.count >= MOST_WAITING:
            raise RateLimitExceeded(retry_after=seconds)
        waiting.count += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            waiting.count -= 1

    def arrive(self, req: Request) -> None:
        """Note how long a thread was waited for; refuse a flood before anybody is asked."""
        if getattr(req.context, "has_entered", False):
            return
        limits = self._limits
        limits.load.waited(limits.clock.elapsed() - req.context.asked_at)
        if limits.is_on:
            req.context.address = self._address(req)
            verdict = limits.limiter.known_full(limits.rules().flood(req.context.address))
            if verdict is not None:
                _refuse(req, verdict)

    def enter(self, req: Request, principal: Principal | None) -> None:
        """Count a request of somebody, or of nobody we know.

        Raises `RateLimitExceeded`, or `Held` when it may pass in a moment.
        """
        if getattr(req.context, "has_entered", False):
            return
        limits = self._limits
        windows = self._windows(req, principal, limits.rules())
        verdict, slot = limits.limiter.judge(windows, limits.waiting.patience)
        if not verdict.admitted:
            _refuse(req, verdict)
        if limits.is_on:
            req.context.verdict = verdict
        req.context.has_entered = True
        if self._gives_back:
            req.context.guess = (windows[0], slot)
        if verdict.delay > 0:
            raise Held(verdict.delay)

    @contextmanager
    def guessing(self, req: Request) -> Generator[None]:
        """Give a guess back that turns out right: one that ends without an error."""
        yield
        if self._gives_back:
            self._limits.limiter.give_back(*req.context.guess)

    def _windows(
        self, req: Request, principal: Principal | None, current: Rules
    ) -> tuple[Window, ...]:
        """Return the windows of a request; that of guesses is the first."""
        limits = self._limits
        address = getattr(req.context, "address", None) or self._address(req)
        guesses = (current.guesses(address),) if self._route.is_guess else ()
        if not limits.is_on:
            return guesses
        factor = limits.load.factor
        if principal is None:
            return (*guesses, *current.for_address(self._route, address, factor))
        return (*guesses, *current.for_known(limits.known(principal), self._route, address, factor))

    def _address(self, req: Request) -> str:
        return subject_of(caller_of(req, self._limits.proxies).address)


def _refuse(req: Request, verdict: Verdict) -> NoReturn:
    req.context.verdict = verdict
    wait = max(1, ceil(verdict.delay))
    words = _WORDS[verdict.window.kind].format(limit=verdict.window.limit)
    raise RateLimitExceeded(f"{words}; come back in {wait} s", retry_after=wait)


def headers_of(verdict: Verdict, clock: Clock) -> dict[str, str]:
    """Return what an answer says of the limit that is nearest (L-05, L-06).

    `X-RateLimit-Reset` is when the oldest request counted leaves the window.
    """
    told = {
        "X-RateLimit-Limit": str(verdict.window.limit),
        "X-RateLimit-Remaining": str(verdict.remaining if verdict.admitted else 0),
        "X-RateLimit-Reset": str(ceil(clock.now().timestamp() + verdict.resets_in)),
    }
    if not verdict.admitted:
        told["X-RateLimit-RetryAfter"] = str(max(1, ceil(verdict.delay)))
    elif verdict.used >= warned_from(verdict.window.limit):
        told["X-RateLimit-Warning"] = "soft-limit"
    return told

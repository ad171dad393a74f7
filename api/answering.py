"""Answering: one path's methods, each in one hop through the checks to its handler.

In the pool, in this order: authentication, (rate limit), validation, handler. The limits come
between the two once they exist; nothing else may. What a handler writes goes into an answer of
its own, which is taken over only when it is whole: a thread that comes too late changes nothing.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from falcon.asgi import Request, Response
from peewee import InterfaceError, OperationalError

from api.endpoints import BODIES, PUBLIC, Endpoint
from api.hop import Hop
from api.idempotency import once
from api.principals import Doorkeeper
from api.reading import body_of, json_of, loaded, params_of, query_of
from models.kernel.database import database

Responder = Callable[..., Any]


class Answer(Response):
    """A response that can take over what was written to another one."""

    def adopt(self, other: "Answer") -> None:
        """Become what the other is, keeping the headers set here so far."""
        self._headers = {**self._headers, **other._headers}  # noqa: SLF001 - of our own kind
        self._extra_headers = other._extra_headers  # noqa: SLF001 - of our own kind
        self._cookies = other._cookies  # noqa: SLF001 - of our own kind
        self.status, self.text, self.data = other.status, other.text, other.data
        self.media = other._media  # noqa: SLF001 - of our own kind
        self.stream, self.sse = other.stream, other.sse


class Answering:
    """Makes the responders of endpoints."""

    def __init__(self, hop: Hop, doorkeeper: Doorkeeper, seconds: int) -> None:
        """Take the way to the pool, who admits callers, and the usual time limit."""
        self._hop = hop
        self._doorkeeper = doorkeeper
        self._seconds = seconds

    def responder(self, endpoint: Endpoint) -> Responder:
        """Return the coroutine that answers an endpoint."""
        answer = self._live if endpoint.live else self._plain

        async def respond(req: Request, resp: Answer, **params: Any) -> None:
            req.context.route, req.context.wire = endpoint.template, endpoint.wire
            if endpoint.wire:
                resp.set_header("request-id", req.context.request_id)
            await answer(endpoint, req, resp, params)

        return respond

    async def _plain(
        self, endpoint: Endpoint, req: Request, resp: Answer, params: dict[str, Any]
    ) -> None:
        seconds = endpoint.seconds or self._seconds
        has_body = endpoint.method in BODIES
        body = await body_of(req, endpoint.body_limit, seconds) if has_body else b""
        draft = Answer(options=resp.options)

        def work() -> None:
            with _borrowing():
                self._check(endpoint, req, params, body)
                _handle(endpoint, req, draft, params_of(endpoint, params))

        await self._hop.run(work, seconds=seconds)
        resp.adopt(draft)

    async def _live(
        self, endpoint: Endpoint, req: Request, resp: Answer, params: dict[str, Any]
    ) -> None:
        seconds = endpoint.seconds or self._seconds
        reads = endpoint.body is not None
        body = await body_of(req, endpoint.body_limit, seconds) if reads else b""

        def work() -> None:
            with _borrowing():
                self._check(endpoint, req, params, body)

        if endpoint.permission == PUBLIC and not reads:
            self._check(endpoint, req, params, body)
        else:
            await self._hop.run(work, seconds=seconds)
        resp.status = endpoint.status
        await endpoint.handler(req, resp, **params_of(endpoint, params))  # type: ignore[misc]  # a live one is a coroutine

    def _check(self, endpoint: Endpoint, req: Request, params: dict[str, Any], body: bytes) -> None:
        """Admit and validate; leave principal, query and body in the request's context."""
        if endpoint.permission != PUBLIC:
            req.context.principal = self._doorkeeper.admit(req, endpoint.permission)
        params_of(endpoint, params)
        req.context.query = query_of(req, endpoint.query)
        has_value = endpoint.body is not None or body
        req.context.given = json_of(body, req.content_type) if has_value else {}
        req.context.body = loaded(endpoint.body, req.context.given)


def _handle(endpoint: Endpoint, req: Request, draft: Answer, params: dict[str, Any]) -> None:
    draft.status = endpoint.status

    def work() -> None:
        endpoint.handler(req, draft, **params)

    if endpoint.creates:
        once(endpoint.answer, req, draft, work)
    else:
        work()


@contextmanager
def _borrowing() -> Generator[None]:
    """Give back, at the end, the connection that statements inside opened; drop a broken one.

    A process with enough connections keeps one a thread, as its pool says.
    """
    pool = database.obj
    try:
        yield
    except (OperationalError, InterfaceError):
        if pool is not None and not pool.is_closed():
            pool.manual_close()
        raise
    finally:
        if pool is not None and not pool.is_kept and not pool.is_closed():
            pool.close()

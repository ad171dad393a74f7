"""Answering: one path's methods, each in one hop through the checks to its handler.

In the pool, in this order: authentication, rate limit, validation, handler. What a handler writes
goes into an answer of its own, which is taken over only when it is whole: a thread that comes too
late changes nothing.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from falcon.asgi import Request, Response, WebSocket
from peewee import InterfaceError, OperationalError

from api.coalescing import Group, Joiner, Reads
from api.deprecation import notice_of
from api.doors import Door
from api.endpoints import PUBLIC, Endpoint
from api.hop import Hop
from api.idempotency import once
from api.limits import Gate, Held, Limits
from api.principals import Doorkeeper
from api.reading import body_of, form_of, json_of, loaded, params_of, query_of
from api.schemas.wire import Nothing
from models.kernel.database import database
from models.kernel.errors import RateLimitExceeded, Refused
from models.kernel.settings import Settings

Responder = Callable[..., Any]


class Answer(Response):
    """A response that can take over what was written to another one."""

    def adopt(self, other: "Answer") -> None:
        """Become what the other is, keeping the headers set here so far."""
        self._headers = {**self._headers, **other._headers}  # noqa: SLF001 - of our own kind
        extra = other._extra_headers  # noqa: SLF001 - of our own kind
        self._extra_headers = list(extra) if extra else None
        self._cookies = other._cookies  # noqa: SLF001 - of our own kind
        self.status, self.text, self.data = other.status, other.text, other.data
        self.media = other._media  # noqa: SLF001 - of our own kind
        self.stream, self.sse = other.stream, other.sse


class Answering:
    """Makes the responders of endpoints."""

    def __init__(
        self, hop: Hop, doorkeeper: Doorkeeper, limits: Limits, settings: Settings
    ) -> None:
        """Take the way to the pool, who admits callers, what limits them, and the settings."""
        self._hop = hop
        self._doorkeeper = doorkeeper
        self._limits = limits
        self._seconds = settings.request_seconds
        self._reads = Reads[Answer](settings.web_threads)

    def responder(self, endpoint: Endpoint) -> Responder:
        """Return the coroutine that answers an endpoint."""
        answer = self._live if endpoint.live else self._plain
        way = Way(endpoint, self._limits.gate(endpoint), endpoint.seconds or self._seconds)
        notice = notice_of(endpoint.deprecated) if endpoint.deprecated else None

        async def respond(req: Request, resp: Answer, **params: Any) -> None:
            req.context.route, req.context.wire = endpoint.template, endpoint.wire
            if endpoint.wire:
                resp.set_header("request-id", req.context.request_id)
            if notice:
                resp.set_headers(notice)
            await answer(way, req, resp, params)

        return respond

    def socket(self, endpoint: Endpoint) -> Responder:
        """Return the coroutine that serves the WebSocket of an endpoint."""
        gate = self._limits.gate(endpoint)
        door = Door(self._hop, self._doorkeeper, gate, endpoint.permission)

        async def serve(req: Request, ws: WebSocket, **_: Any) -> None:
            req.context.route = endpoint.template
            await endpoint.websocket(req, ws, door)  # type: ignore[misc]  # asked for where there is one

        return serve

    async def _plain(self, way: "Way", req: Request, resp: Answer, params: dict[str, Any]) -> None:
        """Do all in one hop; identical reads that wait for theirs share the answer of one."""
        endpoint, gate = way.endpoint, way.gate
        reads = endpoint.takes_body
        body = await body_of(req, endpoint.body_limit, way.seconds) if reads else b""

        async def compute(group: Group[Answer] | None) -> Answer:
            draft = Answer(options=resp.options)

            def work() -> None:
                joiners = group.begin() if group else ()
                with _borrowing():
                    self._check(way, req, params, body)
                    for joiner in joiners:
                        _enter_too(gate, joiner, req)
                    with gate.guessing(req) if gate else nullcontext():
                        _handle(endpoint, req, draft, params_of(endpoint, params))

            await self._hopped(way, req, work)
            return draft

        shares = endpoint.is_shared and endpoint.method == "GET" and req.method == "GET"
        resp.adopt(await (self._reads.answer(req, compute) if shares else compute(None)))

    async def _live(self, way: "Way", req: Request, resp: Answer, params: dict[str, Any]) -> None:
        endpoint = way.endpoint
        reads = endpoint.body is not None
        body = await body_of(req, endpoint.body_limit, way.seconds) if reads else b""

        def work() -> None:
            with _borrowing():
                self._check(way, req, params, body)

        if endpoint.permission == PUBLIC and not reads and way.gate is None:
            self._check(way, req, params, body)
        else:
            await self._hopped(way, req, work)
        resp.status = endpoint.status
        await endpoint.handler(req, resp, **params_of(endpoint, params))  # type: ignore[misc]  # a live one is a coroutine

    async def _hopped(self, way: "Way", req: Request, work: Callable[[], None]) -> None:
        if way.gate is None:
            await self._hop.run(work, seconds=way.seconds)
        else:
            await way.gate.through(req, lambda: self._hop.run(work, seconds=way.seconds))

    def _check(self, way: "Way", req: Request, params: dict[str, Any], body: bytes) -> None:
        """Admit, limit, validate; leave principal, query, body and its bytes in the context."""
        endpoint = way.endpoint
        if way.gate is None:
            if endpoint.permission != PUBLIC:
                req.context.principal = self._doorkeeper.admit(req, endpoint.permission)
        else:
            self._enter(endpoint, way.gate, req)
        params_of(endpoint, params)
        req.context.query = query_of(req, endpoint.query)
        req.context.raw = body
        req.context.given = _given(endpoint, req, body)
        req.context.body = loaded(endpoint.urlencoded or endpoint.body, req.context.given)

    def _enter(self, endpoint: Endpoint, gate: Gate, req: Request) -> None:
        """Admit and limit; who is not admitted counts as somebody without a credential."""
        gate.arrive(req)
        if endpoint.permission == PUBLIC:
            gate.enter(req, None)
            return
        try:
            req.context.principal = self._doorkeeper.admit(req, endpoint.permission)
        except Refused:
            gate.enter(req, None)
            raise
        gate.enter(req, req.context.principal)


def _given(endpoint: Endpoint, req: Request, body: bytes) -> Any:
    """Return what a body holds before any schema has seen it; nothing, if it may be left out."""
    if endpoint.urlencoded is not None:
        return form_of(body, req.content_type)
    has_value = endpoint.body is not None or body
    return json_of(body, req.content_type) if has_value else {}


@dataclass(frozen=True, slots=True)
class Way:
    """An endpoint, its limits, and the seconds it may take."""

    endpoint: Endpoint
    gate: Gate | None
    seconds: int


def _enter_too(gate: Gate | None, joiner: Joiner[Answer], leader: Request) -> None:
    """Let a read share what another's credential, which is its own too, has been admitted for."""
    context = joiner.req.context
    context.principal = getattr(leader.context, "principal", None)
    try:
        if gate is not None:
            gate.enter(joiner.req, context.principal)
    except Held as held:
        joiner.held = held.seconds
    except RateLimitExceeded as refused:
        joiner.refused = refused


def _handle(endpoint: Endpoint, req: Request, draft: Answer, params: dict[str, Any]) -> None:
    draft.status = endpoint.status

    def work() -> None:
        endpoint.handler(req, draft, **params)

    if endpoint.creates:
        once(endpoint.answer, req, draft, work)
    else:
        work()
    if isinstance(endpoint.answer, Nothing):
        draft.text = "{}"  # what is called JSON can be read as such


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

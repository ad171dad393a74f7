"""Several requests in one round trip (G-23): each goes through the whole app, one after the other.

Every one is admitted, limited and answered as if it had come alone, with the caller's credential;
one that fails does not stop the next.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from falcon.asgi import Request, Response

from api.problems import Problems, catalogue
from models.kernel.clock import Clock
from models.kernel.errors import Conflict, IlmError, NotAcceptable, UpstreamTimeout

SECONDS: Final = 30.0
"""For all of them together."""

MOST_BYTES: Final = 4 * 2**20
"""Of one answer."""

BUNDLED: Final = "ilm.bundled"
PASSED_ON: Final = (
    "authorization", "x-api-key", "host", "user-agent", "x-forwarded-for", "x-forwarded-proto",
    "x-organization",
)  # fmt: skip

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


class Batching:
    """Hands requests to the app they came to."""

    def __init__(self, app: App, problems: Problems, clock: Clock) -> None:
        """Take the app, what writes refusals, and the time."""
        self._app = app
        self._problems = problems
        self._clock = clock

    async def on_post(self, req: Request, resp: Response) -> None:
        """Answer every request in order; raise `Conflict` for a batch inside a batch."""
        if req.scope.get(BUNDLED):
            raise Conflict("a batch cannot hold a batch")
        until = self._clock.elapsed() + SECONDS
        answers = []
        for number, item in enumerate(req.context.body["requests"], start=1):
            request_id = f"{req.context.request_id[:100]}.{number}"
            answers.append(await self._answer(req, item, request_id, until))
        resp.media = {"responses": answers}

    async def _answer(
        self, req: Request, item: Mapping[str, Any], request_id: str, until: float
    ) -> dict[str, Any]:
        inner = Inner(_scope(req, item, request_id), _body(item))
        # A task of its own, since the app binds the id of its request to what is logged.
        task = asyncio.create_task(inner.run(self._app))
        try:
            async with asyncio.timeout(max(0.0, until - self._clock.elapsed())):
                status, body = await task
        except TimeoutError:
            error: IlmError = UpstreamTimeout(f"the batch took longer than {SECONDS:g} s")
            status, body = self._refusal(error, request_id)
        except NotAcceptable as refused:
            status, body = self._refusal(refused, request_id)
        return {"id": item["id"], "status": status, "body": body}

    def _refusal(self, error: IlmError, request_id: str) -> tuple[int, dict[str, Any]]:
        return catalogue()[error.code].status, self._problems.envelope(error, request_id)


class Inner:
    """One request as the app sees it, and what it answers."""

    def __init__(self, scope: Message, body: bytes) -> None:
        """Take the scope of the request and its body."""
        self._scope = scope
        self._unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self._start: Message = {}
        self._answer = bytearray()

    async def run(self, app: App) -> tuple[int, Any]:
        """Return status and body; raise `NotAcceptable` for what is no JSON or text."""
        await app(self._scope, self._receive, self._send)
        kind = self._header(b"content-type")
        if not self._answer:
            return self._start["status"], None
        text = self._answer.decode("utf-8", "replace")
        return self._start["status"], json.loads(text) if kind.endswith("json") else text

    async def _receive(self) -> Message:
        if self._unread:
            return self._unread.pop()
        await asyncio.get_running_loop().create_future()  # it never hangs up
        raise AssertionError

    async def _send(self, event: Message) -> None:
        if event["type"] == "http.response.start":
            self._start = event
            self._refuse_unreadable()
        self._answer += event.get("body", b"")
        if len(self._answer) > MOST_BYTES:
            raise NotAcceptable("the answer is too large for a batch")

    def _refuse_unreadable(self) -> None:
        kind = self._header(b"content-type")
        is_text = kind.startswith("text/") and kind != "text/event-stream"
        if kind and not kind.endswith("json") and not is_text:
            raise NotAcceptable("streams and files do not go into a batch")

    def _header(self, wanted: bytes) -> str:
        found = (value for name, value in self._start["headers"] if name == wanted)
        value: bytes = next(found, b"")
        return value.decode("latin-1").partition(";")[0].strip().lower()


def _scope(req: Request, item: Mapping[str, Any], request_id: str) -> Message:
    """Return the scope of a request that came with another: same caller, same credential."""
    address = urlsplit(item["path"])
    told = {name: req.get_header(name) for name in PASSED_ON}
    told |= {"x-request-id": request_id, "idempotency-key": item["idempotency_key"]}
    if item["body"] is not None:
        told |= {"content-type": "application/json", "content-length": str(len(_body(item)))}
    return {
        **req.scope,
        BUNDLED: True,
        "method": item["method"],
        "path": unquote(address.path),
        "raw_path": address.path.encode(),
        "query_string": address.query.encode(),
        "headers": [(n.encode(), value.encode("latin-1")) for n, value in told.items() if value],
    }


def _body(item: Mapping[str, Any]) -> bytes:
    return b"" if item["body"] is None else json.dumps(item["body"]).encode()

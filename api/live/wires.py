"""The wires of OpenAI and Anthropic: an answer as a body or as a stream, and both again by id."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from falcon.asgi import Request, Response

from api.hop import Hop
from api.live.asking import Asked, Asking, cancels_on_disconnect
from api.live.calls import Calls, Listener, WireTeller
from api.live.streams import LARGEST, LOOKUP_SECONDS
from jobs.llms.ask import Answer
from jobs.llms.calls import WireCall
from jobs.wires.errors import error_of
from jobs.wires.wire import Call, Wire
from jobs.wires.wires import wire_named
from models.jobs import JobRow
from models.kernel.database import database
from models.kernel.errors import Detail, IlmError, Invalid, NotFound
from models.kernel.ids import wire_id

CALL_SECONDS: Final = 600.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the routes of a wire act through."""

    asking: Asking
    calls: Calls
    hop: Hop


class WireRoutes:
    """The calls of one wire. `prefix` is what its ids begin with."""

    def __init__(self, desk: Desk, name: str, prefix: str) -> None:
        """Take the desk, and which wire it is."""
        self.desk = desk
        self.name = name
        self.wire: Wire = wire_named(name)
        self._prefix = prefix

    async def on_post(self, req: Request, resp: Response) -> None:
        """Answer a call: whole, or as a stream."""
        body = req.context.given
        listener = listener_of(req)
        row = await self.in_pool(
            lambda: self.desk.asking.submit(req, Asked(wire=self.name, body=body))
        )
        await self.answer(resp, row, listener, streamed=body.get("stream") is True)

    async def on_get_one(self, req: Request, resp: Response, answer: str) -> None:
        """Give an answer again, whole or as a stream after `starting_after`."""
        row = await self.in_pool(lambda: self.owned(req, answer))
        listener = Listener(req=req, cancels=False)
        streamed = req.get_param("stream") == "true"
        await self.answer(resp, row, listener, streamed=streamed, after=cursor_of(req))

    async def answer(
        self,
        resp: Response,
        row: JobRow,
        listener: Listener,
        *,
        streamed: bool,
        after: int | None = None,
    ) -> None:
        """Answer with a call's stream, or with its body once it is over."""
        call = call_of(row)
        if streamed:
            teller = WireTeller(self.wire.voice(call, after), self.wire.heartbeat, after)
            self.desk.calls.stream(resp, row, teller, listener)
            return
        resp.set_header("X-Ilm-Job-Id", wire_id("job", row.id))
        fresh = await self.desk.calls.ended(row, listener, CALL_SECONDS)
        resp.media = self.whole(fresh)

    def whole(self, row: JobRow) -> dict[str, Any]:
        """Return the body of a call that is over; raise why it failed."""
        if row.state != "succeeded":
            raise failure_of(row)
        return self.wire.body_of(call_of(row), Answer.of(row))

    def owned(self, req: Request, answer: str) -> JobRow:
        """Return the job of an answer of the caller's on this wire; raise `NotFound`."""
        principal = req.context.principal
        try:
            job_id = UUID(answer.removeprefix(self._prefix))
        except ValueError as error:
            raise NotFound("there is no such answer") from error
        row = JobRow.owned_by(principal.account_id, principal.mode, job_id)
        is_ours = row.type == WireCall.name and row.input["wire"] == self.name
        if not answer.startswith(self._prefix) or not is_ours:
            raise NotFound("there is no such answer")
        return row

    async def in_pool(self, work: Callable[[], T]) -> T:
        """Run what asks the database in the pool."""

        def borrowing() -> T:
            with database.borrowed():
                return work()

        return await self.desk.hop.run(borrowing, seconds=LOOKUP_SECONDS)


def listener_of(req: Request, *, is_kept: bool = False) -> Listener:
    """Return who listens, and whether hanging up cancels: not what a key keeps."""
    has_key = req.get_header("Idempotency-Key") is not None
    return Listener(req=req, cancels=cancels_on_disconnect(req, is_kept=is_kept or has_key))


def call_of(row: JobRow) -> Call:
    """Return the call that a job is."""
    return Call(job_id=wire_id("job", row.id), created_at=row.created_at, body=row.input["body"])


def failure_of(row: JobRow) -> IlmError:
    """Return the error that a job ended with."""
    return error_of(row.state, {"code": row.error_code, "message": row.error_message or ""})


def cursor_of(req: Request) -> int | None:
    """Return the number after which a stream goes on, None from its beginning."""
    text: str | None = req.get_param("starting_after")
    if text is None:
        return None
    if not text.isdecimal() or int(text) > LARGEST:
        raise Invalid(details=[Detail("starting_after", "Not the number of an event.")])
    return int(text)

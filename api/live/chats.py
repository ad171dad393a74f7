"""What answers in chats: as a stream that can be resumed anywhere, or whole (M-04, M-20 – M-23)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api.idempotency import once
from api.live.asking import (
    FALLBACK,
    RECOVERY,
    cancels_on_disconnect,
    header_of,
)
from api.live.calls import Listener, WireTeller
from api.live.streams import LOOKUP_SECONDS, Frame, cursor_of
from api.live.wires import CALL_SECONDS, Desk, failure_of
from api.own_keys import own_key_of
from api.resources.chats import answerable, bodies, message_body, owned
from api.resources.jobs import keyed, sender_of
from api.schemas.chats import MessageSchema
from api.schemas.sessions import SessionReply
from api.spending import spent_by
from jobs.chats import chats
from jobs.chats.formats import refuse_odd_schema
from jobs.chats.talking import Speech, Talking, Turn, Wanted
from jobs.chats.voice import ChatVoice, leaving
from jobs.llms.ask import ERROR, RECOVERIES, RESTART
from jobs.queue import Queue, Wishes
from models.chats import USER, Message
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.ids import wire_id

HEARTBEAT: Final = ": heartbeat"
CANCEL_SECONDS: Final = 15.0

T = TypeVar("T")


class ChatTeller(WireTeller):
    """Tells an answer's events; a server that goes away says where to go on."""

    def leave(self, status: str, last: int) -> Iterable[Frame]:
        """End resumably: no number, so that the client's stays what it is."""
        del status, last
        return (Frame(leaving()),)


class ChatAnswers:
    """The answers in a person's chats."""

    def __init__(self, desk: Desk, talking: Talking, queue: Queue, clock: Clock) -> None:
        """Take what streams and waits, where chats go on, what cancels, and the time."""
        self._desk = desk
        self._talking = talking
        self._queue = queue
        self._clock = clock

    async def on_post_message(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Say something and have it answered: whole, or as a stream; or only keep it."""
        body = req.context.body
        speech = _speech_of(body)
        if not body["answer"]:
            await self._in_pool(lambda: self._keep(req, resp, chat_id, speech))
            return
        row = await self._in_pool(lambda: self._ask(req, chat_id, speech))
        await self._answer(req, resp, row, streamed=body["stream"])

    async def on_post_stream(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Say something and have the answer as a stream (M-20)."""
        speech = _speech_of(req.context.body)
        row = await self._in_pool(lambda: self._ask(req, chat_id, speech))
        await self._answer(req, resp, row, streamed=True)

    async def on_get_stream(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Give the stream of the last answer again, after `Last-Event-ID` (M-23)."""
        row = await self._in_pool(lambda: _last_job(req, chat_id))
        await self._answer(req, resp, row, streamed=True, after=cursor_of(req))

    async def on_patch_message(
        self, req: Request, resp: Response, chat_id: UUID, msg_id: UUID
    ) -> None:
        """Put a message in other words, on a branch of its own (M-11)."""
        body = req.context.body
        message = await self._in_pool(lambda: Message.within(owned(req, chat_id).id, msg_id))
        speech = self._edited(message, body["content"])
        if message.role != USER or not body["answer"]:
            await self._in_pool(lambda: self._keep(req, resp, chat_id, speech))
            return
        row = await self._in_pool(lambda: self._ask(req, chat_id, speech))
        await self._answer(req, resp, row, streamed=body["stream"])

    async def on_post_regenerate(
        self, req: Request, resp: Response, chat_id: UUID, msg_id: UUID
    ) -> None:
        """Have the same message answered once more, on a branch of its own (M-11)."""
        wanted = _wanted_of(req)

        def again() -> JobRow:
            chat = answerable(req, chat_id)
            answer = Message.within(chat.id, msg_id)
            return self._talking.answer_again(chat, answer, wanted, _turn_of(req))

        row = await self._in_pool(again)
        await self._answer(req, resp, row, streamed=req.context.body["stream"])

    async def on_post_cancel(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Stop what is being written; what there is of it stays (M-23)."""
        rows = await self._in_pool(lambda: chats.cancel(owned(req, chat_id), self._queue))
        for row in rows:
            if not row.is_over:
                listener = Listener(req=req, cancels=False)
                await self._desk.calls.ended(row, listener, CANCEL_SECONDS)
        ids = [row.id for row in rows]
        written = await self._in_pool(lambda: bodies(Message.of(chat_id).where(_among(ids))))
        resp.media = {"messages": written}

    async def on_post_session(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Say something in a session and have M-05's answer (X-5)."""
        speech = Speech(content=req.context.body["content"])
        row = await self._in_pool(lambda: self._ask(req, chat_id, speech))
        await self._answer(req, resp, row, streamed=False)
        resp.media = {name: resp.media[name] for name in SessionReply().fields}

    async def _answer(
        self,
        req: Request,
        resp: Response,
        row: JobRow,
        *,
        streamed: bool,
        after: int | None = None,
    ) -> None:
        """Answer with the stream of an answer, or with the whole of it."""
        spent_by(req, row)
        listener = Listener(req=req, cancels=cancels_on_disconnect(req, is_kept=True))
        if streamed:
            teller = teller_of(row, _recovery_of(req), after)
            self._desk.calls.stream(resp, row, teller, listener)
            return
        resp.set_header("X-Ilm-Job-Id", wire_id("job", row.id))
        ended = await self._desk.calls.ended(row, listener, CALL_SECONDS)
        if ended.state != "succeeded":
            raise failure_of(ended)
        resp.media = await self._in_pool(lambda: message_body(Message.get_by_id(row.id)))

    def _ask(self, req: Request, chat_id: UUID, speech: Speech) -> JobRow:
        wanted, turn = _wanted_of(req), _turn_of(req)
        return self._talking.ask(answerable(req, chat_id), speech, wanted, turn)

    def _keep(self, req: Request, resp: Response, chat_id: UUID, speech: Speech) -> None:
        """Keep a message that nobody is to answer."""

        def keep() -> None:
            resp.media = message_body(self._talking.keep(owned(req, chat_id), speech))
            resp.status = falcon.HTTP_201

        once(MessageSchema(), req, resp, keep)

    def _edited(self, message: Message, content: str) -> Speech:
        return Speech(
            content=content,
            role=message.role,
            parent_id=message.parent_id,
            is_first=message.parent_id is None,
            tool_call_id=message.tool_call_id,
            edited_at=self._clock.now(),
        )

    async def _in_pool(self, work: Callable[[], T]) -> T:
        """Run what asks the database in the pool."""

        def borrowing() -> T:
            with database.borrowed():
                return work()

        return await self._desk.hop.run(borrowing, seconds=LOOKUP_SECONDS)


def _speech_of(body: Mapping[str, Any]) -> Speech:
    same = ("content", "role", "parent_id", "tool_call_id")
    return Speech(**{name: body[name] for name in same})


def _wanted_of(req: Request) -> Wanted:
    """Return how an answer is wished, by body and headers."""
    body = req.context.body
    form = body.get("response_format") or {}
    if "schema" in form:
        refuse_odd_schema(form["schema"])
    recovery = _recovery_of(req)
    return Wanted(
        model=body["model"],
        max_tokens=body.get("max_tokens"),
        options=_options_of(body),
        form=form,
        recovery=RESTART if recovery == ERROR else recovery,
        caches=body.get("cache"),
        falls_back=header_of(req, FALLBACK, ("on", "off"), "on") == "on",
    )


def _options_of(body: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: body.get(name) for name in ("temperature", "tools", "tool_choice")}
    return {name: value for name, value in given.items() if value not in (None, [])}


def _turn_of(req: Request) -> Turn:
    return Turn(
        asker=req.context.principal,
        sender=sender_of(req),
        wishes=keyed(req, Wishes()),
        own=own_key_of(req),
    )


def _recovery_of(req: Request) -> str:
    """Return what a client wishes to see when an answer breaks (CONTRACT §5)."""
    return header_of(req, RECOVERY, RECOVERIES, ERROR)


def teller_of(row: JobRow, recovery: str, after: int | None) -> ChatTeller:
    """Return what tells an answer to a client after a cursor; the answer's id is its job's."""
    ids = wire_id("msg", row.id), wire_id("job", row.id)
    return ChatTeller(ChatVoice(*ids, recovery=recovery, after=after), HEARTBEAT, after)


def _last_job(req: Request, chat_id: UUID) -> JobRow:
    answer = Message.last_answer(owned(req, chat_id).id)
    row: JobRow = JobRow.get_by_id(answer.job_id)
    return row


def _among(ids: list[UUID]) -> Any:
    return Message.id.in_(ids)

"""Chats: begun, listed, looked at, changed, deleted, exported; their messages and feedback."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response
from peewee import ModelSelect

from api.principals import Principal
from api.schemas.chats import ChatSchema, FeedbackSchema, MessageSchema
from api.schemas.lists import Order, Pagination, page_of
from api.schemas.sessions import SessionSchema
from jobs.chats import chats
from jobs.chats.exports import MARKDOWN, as_markdown, file_name
from jobs.llms.outcomes import usage_body
from jobs.llms.provider import Tokens
from jobs.queue import Queue
from models.chats import Chat, Message, Talker
from models.kernel.clock import Clock
from models.kernel.ids import wire_id
from models.listings import Listing

LATEST: Final = Order("last_activity_at", descending=True)
MESSAGES_SHOWN: Final = 200
"""Of a chat that is looked at; the others are in its list of messages."""


class Chats:
    """The chats of a person."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        """Take what stops jobs, and the time."""
        self._queue = queue
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Begin a chat."""
        chat = _begun(req)
        resp.media = ChatSchema().dump(chat)
        resp.set_header("Location", chat_path(chat))

    def on_get(self, req: Request, resp: Response) -> None:
        """List chats, the latest active first unless asked otherwise."""
        resp.media = page_of(ChatSchema).dump(_listed(req))

    def on_get_one(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Show a chat with the last messages of the branch that is shown."""
        chat = owned(req, chat_id)
        resp.media = {**ChatSchema().dump(chat), "messages": _last_messages(chat)}

    def on_patch(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Change a chat: what it is called, where it is kept, which branch is shown."""
        chat = chats.change(owned(req, chat_id), req.context.body, self._clock)
        resp.media = ChatSchema().dump(chat)

    def on_delete(self, req: Request, _resp: Response, chat_id: UUID) -> None:
        """Delete a chat; what is being written in it stops."""
        chats.delete(owned(req, chat_id), self._clock.now(), self._queue)

    def on_get_export(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Give a chat as a file: JSON with every branch, or the branch shown, to read."""
        chat, form = owned(req, chat_id), req.context.query["format"]
        name = file_name(chat, form)
        resp.set_header("Content-Disposition", f'attachment; filename="{name}"')
        if form == MARKDOWN:
            resp.content_type = "text/markdown; charset=utf-8"
            resp.text = as_markdown(chat, Message.branch(chat.head_id))
        else:
            resp.media = {**ChatSchema().dump(chat), "messages": bodies(Message.of(chat.id))}


class Messages:
    """The messages of a chat, as far as nobody has to wait for them."""

    def __init__(self, queue: Queue) -> None:
        """Take what stops jobs."""
        self._queue = queue

    def on_get(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """List messages, oldest first: of the branch that is shown, or of all."""
        chat, query = owned(req, chat_id), dict(req.context.query)
        rows = query.pop("branch")
        listing = Listing.of(Message.of(chat.id), **query) if rows == "all" else _shown(chat, query)
        pagination = Pagination().dump(listing.pagination)
        resp.media = {"data": bodies(listing.data), "pagination": pagination}

    def on_get_one(self, req: Request, resp: Response, chat_id: UUID, msg_id: UUID) -> None:
        """Show a message."""
        resp.media = message_body(Message.within(owned(req, chat_id).id, msg_id))

    def on_delete(self, req: Request, _resp: Response, chat_id: UUID, msg_id: UUID) -> None:
        """Delete a message, and all that follows it."""
        chats.delete_message(Message.within(owned(req, chat_id).id, msg_id), self._queue)

    def on_post_feedback(self, req: Request, resp: Response, chat_id: UUID, msg_id: UUID) -> None:
        """Say what one thinks of an answer."""
        message = Message.within(owned(req, chat_id).id, msg_id)
        resp.media = FeedbackSchema().dump(chats.rate(message, talker_of(req), **req.context.body))


class Sessions:
    """The same chats by their earlier name (X-5)."""

    def on_post(self, req: Request, resp: Response) -> None:
        """Begin a session."""
        chat = _begun(req)
        resp.media = SessionSchema().dump(chat)
        resp.set_header("Location", f"/v1/ai/sessions/{wire_id('chat', chat.id)}")

    def on_get(self, req: Request, resp: Response) -> None:
        """List sessions."""
        resp.media = page_of(SessionSchema).dump(_listed(req))

    def on_get_one(self, req: Request, resp: Response, chat_id: UUID) -> None:
        """Show a session with its messages."""
        chat = owned(req, chat_id)
        resp.media = {**SessionSchema().dump(chat), "messages": _last_messages(chat)}


def talker_of(req: Request) -> Talker:
    """Return whose chats a request is about."""
    return talker(req.context.principal)


def talker(principal: Principal) -> Talker:
    """Return whose chats somebody asks for."""
    return Talker(
        principal.account_id,
        principal.user_id,
        principal.mode,
        is_shared=principal.organization_id is not None,
    )


def owned(req: Request, chat_id: UUID) -> Chat:
    """Return a chat of the caller's."""
    return Chat.owned_by(talker_of(req), chat_id)


def answerable(req: Request, chat_id: UUID) -> Chat:
    """Return a chat of the caller's to be answered in, of whose book the LLM is given passages.

    Raises `InsufficientPermissions` for who may not read that book.
    """
    chat = owned(req, chat_id)
    _check_book(req, chat.book_id)
    return chat


def chat_path(chat: Chat) -> str:
    """Return the path of a chat."""
    return f"/v1/chats/{wire_id('chat', chat.id)}"


def tagged(rows: "ModelSelect[Any]", table: Any, tags: Sequence[str] | None) -> "ModelSelect[Any]":
    """Keep the rows that have any of some tags."""
    return rows.where(table.tags.contains_any(*tags)) if tags else rows


def bodies(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Return messages as the wire shows them."""
    return [message_body(message) for message in messages]


def message_body(message: Message) -> dict[str, Any]:
    """Return a message as the wire shows it (M-05)."""
    body: dict[str, Any] = MessageSchema().dump(message)
    tokens = Tokens(input=message.tokens_in, output=message.tokens_out)
    body["usage"] = usage_body(tokens, message.cost)
    body["error"] = {"code": message.error_code} if message.error_code else None
    return body


def _begun(req: Request) -> Chat:
    """Begin a chat of the caller's, about a book only if they may read one."""
    _check_book(req, req.context.body.get("book_id"))
    return chats.begin(talker_of(req), req.context.body)


def _check_book(req: Request, book_id: UUID | None) -> None:
    if book_id is not None:
        req.context.principal.require("books:read")


def _listed(req: Request) -> Listing:
    """Return one page of the caller's chats."""
    query = dict(req.context.query)
    order = query.pop("sort", None) or LATEST
    rows = tagged(Chat.of(talker_of(req)), Chat, query.pop("tag", None))
    rows = rows.where(Chat.archived_at.is_null(not query.pop("archived", False)))
    if folders := query.pop("folder", None):
        rows = rows.where(Chat.folder.in_(folders))
    if book_id := query.pop("book_id", None):
        rows = rows.where(Chat.book_id == book_id)
    if words := query.pop("search", None):
        rows = rows.where(Chat.title.contains(words))
    column = getattr(Chat, order.by)
    rows = rows.order_by(column.desc() if order.descending else column, Chat.id.desc())
    return Listing.of(rows, **query)


def _last_messages(chat: Chat) -> list[dict[str, Any]]:
    return bodies(Message.branch(chat.head_id)[-MESSAGES_SHOWN:])


def _shown(chat: Chat, query: dict[str, int]) -> Listing:
    """Return one page of the branch that is shown."""
    branch, page, limit = Message.branch(chat.head_id), query["page"], query["limit"]
    part = branch[(page - 1) * limit : page * limit]
    return Listing(part, page, limit, len(branch))

"""Chats: begun, changed, deleted; and what people think of their answers (M-01, M-09, E-03)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from jobs.llms.router import AUTO
from jobs.queue import Queue
from models.books import Book
from models.chats import ASSISTANT, Chat, Message, MessageFeedback, Talker
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, Detail, Invalid
from models.llms import llm_named

MOST_CHATS: Final = 10_000

_DELETE_BELOW: Final = "update message set deleted_at = now() where id = any(%s::uuid[])"
_RECOUNT: Final = """
update chat
set head_id = case when head_id = any(%s::uuid[]) then %s else head_id end,
    message_count = (select count(*) from message where chat_id = %s and deleted_at is null)
where id = %s
"""
_LEAF: Final = """
with recursive below as (
    select id, 0 as depth from message where id = %s
    union all
    select (
        select child.id from message child
        where child.parent_id = below.id and child.deleted_at is null
        order by child.place desc limit 1
    ), depth + 1 from below where below.id is not null
)
select id from below where id is not null order by depth desc limit 1
"""
_RATE: Final = """
insert into message_feedback (message_id, person_id, rating, comment) values (%s, %s, %s, %s)
on conflict (message_id, person_id)
do update set rating = excluded.rating, comment = excluded.comment, updated_at = now()
"""


def begin(whose: Talker, about: Mapping[str, Any]) -> Chat:
    """Begin a chat.

    Raises what `Book.seen_by` raises for its book, `Invalid` for an LLM there is not, `Conflict`
    when there are too many chats.
    """
    if about.get("book_id") is not None:
        Book.seen_by(whose.account_id, whose.mode, about["book_id"])
    if Chat.of(whose).count() >= MOST_CHATS:
        raise Conflict(f"there are {MOST_CHATS} chats already; delete some")
    given = _row_of(about)
    made: Chat = Chat.create(
        account_id=whose.account_id, person_id=whose.person_id, mode=whose.mode, **given
    )
    return fresh(made.id)


def change(chat: Chat, changes: Mapping[str, Any], clock: Clock) -> Chat:
    """Change what its owner says of a chat; a title given by a person stays."""
    given = _row_of(changes)
    if "archived" in changes:
        put_away = chat.archived_at or clock.now()
        given["archived_at"] = put_away if changes["archived"] else None
    if changes.get("head_id") is not None:
        given["head_id"] = leaf_below(Message.within(chat.id, changes["head_id"]))
    if given:
        Chat.update(**given, updated_at=clock.now()).where(Chat.id == chat.id).execute()
    return fresh(chat.id)


def delete(chat: Chat, now: datetime, queue: Queue) -> None:
    """Hide a chat at once (X-16); what is being written in it stops."""
    Chat.update(deleted_at=now).where(Chat.id == chat.id, Chat.deleted_at.is_null()).execute()
    cancel(chat, queue)


def cancel(chat: Chat, queue: Queue) -> list[JobRow]:
    """Stop the answers that are being written; return their jobs as they are now."""
    return [queue.cancel(row) for row in JobRow.open_about(chat.id)]


def delete_message(message: Message, queue: Queue) -> None:
    """Take a message out of its chat, with all that follows it; answers being written stop."""
    with database.unit():
        Chat.lock(message.chat_id)
        gone = Message.below(message.id)
        database.rows(_DELETE_BELOW, (gone,))
        chat_id = message.chat_id
        database.rows(_RECOUNT, (gone, message.parent_id, chat_id, chat_id))
    for row in JobRow.select().where(JobRow.id.in_(gone), JobRow.state.in_(["queued", "running"])):
        queue.cancel(row)


def leaf_below(message: Message) -> UUID:
    """Return the end of the branch of a message: its latest reply's latest reply, and so on."""
    ((leaf,),) = database.rows(_LEAF, (message.id,))
    return UUID(str(leaf))


def rate(message: Message, whose: Talker, rating: int, comment: str | None) -> MessageFeedback:
    """Keep what a person thinks of an answer, in place of what they thought before (E-03)."""
    if message.role != ASSISTANT or message.is_pending:
        raise Conflict("only an answer that is written can be rated")
    database.rows(_RATE, (message.id, whose.person_id, rating, comment))
    row: MessageFeedback = MessageFeedback.get_by_id((message.id, whose.person_id))
    return row


def fresh(chat_id: UUID) -> Chat:
    """Return a chat as it is now."""
    row: Chat = Chat.get_by_id(chat_id)
    return row


def _row_of(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that say what was given; raise `Invalid` for an LLM there is not."""
    same = ("book_id", "system_prompt", "folder")
    given = {name: about[name] for name in same if name in about}
    if "tags" in about:
        given["tags"] = list(dict.fromkeys(about["tags"]))
    if "settings" in about:
        settings = about["settings"] or {}
        given["settings"] = {name: value for name, value in settings.items() if value is not None}
    if "model" in about:
        given["llm"] = _known(about["model"])
    if about.get("title") is not None:
        given |= {"title": about["title"], "title_by": "person"}
    return given


def _known(model: str | None) -> str | None:
    if model is not None and model != AUTO and llm_named(model) is None:
        raise Invalid(details=[Detail("model", "There is no LLM of this name.")])
    return model

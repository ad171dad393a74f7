"""Factories of chats: see `tests/factories.py`, which names them all."""

from typing import Any
from uuid import UUID

from models.accounts import Person
from models.chats import CachedAnswer, Chat, Message, MessageFeedback, Prompt
from models.kernel.ids import new_id
from tests.making import made, person


def chat(of: Person | None = None, **given: Any) -> Chat:
    """A chat in which nothing has been said."""
    owner = of or person()
    usual = {"account_id": owner.account_id, "person_id": owner.id, "mode": "live"}
    return made(Chat, {**usual, **given})


def message(of: Chat | None = None, **given: Any) -> Message:
    """Something a person said, at the beginning of a chat."""
    usual = {"chat_id": (of or chat()).id, "role": "user", "content": "Hello"}
    return made(Message, {**usual, **given})


def message_feedback(of: Message | None = None, **given: Any) -> MessageFeedback:
    """Somebody likes an answer."""
    usual = {
        "message_id": (of or message(role="assistant")).id,
        "person_id": person().id,
        "rating": 1,
    }
    values = {**usual, **given}
    MessageFeedback.create(**values)
    row: MessageFeedback = MessageFeedback.get_by_id((values["message_id"], values["person_id"]))
    return row


def prompt(of: Person | None = None, **given: Any) -> Prompt:
    """A prompt with one variable."""
    owner = of or person()
    whose = {"account_id": owner.account_id, "person_id": owner.id, "mode": "live"}
    usual = {**whose, "title": "Explain", "template": "Explain {{it}}."}
    return made(Prompt, {**usual, **given})


def cached_answer(of: UUID | None = None, **given: Any) -> CachedAnswer:
    """An answer that may be given again."""
    usual = {"account_id": of or new_id(), "mode": "live", "key": b"a key", "answer": {}}
    values = {**usual, **given}
    CachedAnswer.create(**values)
    row: CachedAnswer = CachedAnswer.get(CachedAnswer.account_id == values["account_id"])
    return row

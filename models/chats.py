"""Chats, their messages, and what people keep beside them: feedback and prompts (M-01 – M-11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    IntegerField,
    ModelSelect,
    SmallIntegerField,
    TextField,
    UUIDField,
)
from playhouse.postgres_ext import ArrayField, BinaryJSONField, DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.errors import NotFound, ResourceDeleted
from models.kernel.ids import new_id
from models.kernel.money import Nano

PENDING: Final = "pending"
COMPLETE: Final = "complete"
PARTIAL: Final = "partial"
FAILED: Final = "failed"

ASSISTANT: Final = "assistant"
USER: Final = "user"
TOOL: Final = "tool"

DEEPEST: Final = 1_000
"""Messages of a branch that are read at most; older ones are out of every LLM's window."""

_BRANCH: Final = """
with recursive branch as (
    select message.*, 0 as depth from message where id = %s
    union all
    select parent.*, branch.depth + 1
    from message parent join branch on parent.id = branch.parent_id
    where branch.depth < %s
)
select * from branch order by depth desc
"""
_BELOW: Final = """
with recursive below as (
    select id from message where id = %s
    union all
    select child.id from message child join below on child.parent_id = below.id
    where child.deleted_at is null
)
select id from below
"""
_LOCK: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"


@dataclass(frozen=True, slots=True)
class Talker:
    """Whose chats and prompts: an account's, live or test, and who of its people asks.

    Where it is an organization's (`is_shared`), all who act for it see them.
    """

    account_id: UUID
    person_id: UUID
    mode: str
    is_shared: bool = False


class Chat(Table):
    """One conversation. `settings` are defaults for its answers (`temperature`, `maxTokens`)."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    person_id = UUIDField()
    mode = CharField()
    title = TextField(default="")
    title_by = TextField(default="nobody")
    book_id = UUIDField(null=True)
    llm = TextField(null=True)
    system_prompt = TextField(null=True)
    settings = BinaryJSONField(default=dict, index=False)
    folder = TextField(null=True)
    tags = ArrayField(TextField, index=False, default=list)
    head_id = UUIDField(null=True)
    message_count = IntegerField(default=0)
    context_tokens = IntegerField(default=0)
    context_window = IntegerField(default=0)
    cost_nano = BigIntegerField(default=0)
    summary = TextField(null=True)
    archived_at = DateTimeTZField(null=True)
    deleted_at = DateTimeTZField(null=True)
    last_activity_at = DateTimeTZField()
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()

    @property
    def cost(self) -> Nano:
        """What its answers have cost so far, deleted ones too."""
        return Nano(self.cost_nano)

    @property
    def is_archived(self) -> bool:
        """Whether it was put away."""
        return self.archived_at is not None

    @classmethod
    def of(cls, whose: Talker) -> "ModelSelect[Self]":
        """Select somebody's chats."""
        return cls.select().where(_owned(cls, whose), cls.deleted_at.is_null())

    @classmethod
    def owned_by(cls, whose: Talker, chat_id: UUID) -> Self:
        """Return somebody's chat; raise `NotFound`, or `ResourceDeleted` to who had deleted it."""
        chat: Self | None = cls.select().where(_owned(cls, whose), cls.id == chat_id).first()
        if chat is None:
            raise NotFound("there is no such chat")
        if chat.deleted_at is not None:
            raise ResourceDeleted("this chat has been deleted")
        return chat

    @staticmethod
    def lock(chat_id: UUID) -> None:
        """Let nobody else write in a chat until this transaction ends.

        Not by locking the row: the end of an answer writes there, after the account's money.
        """
        database.rows(_LOCK, (str(chat_id),))


class Message(Table):
    """One message of a chat, below the one it follows. An answer's `id` is its job's."""

    id = UUIDField(primary_key=True, default=new_id)
    place = BigIntegerField()
    chat_id = UUIDField()
    parent_id = UUIDField(null=True)
    role = CharField()
    content = TextField(default="")
    citations = BinaryJSONField(default=list, index=False)
    tool_calls = BinaryJSONField(default=list, index=False)
    tool_call_id = TextField(null=True)
    llm = TextField(null=True)
    vendor = TextField(null=True)
    status = CharField(default=COMPLETE)
    finish_reason = CharField(null=True)
    error_code = TextField(null=True)
    tokens_in = IntegerField(default=0)
    tokens_out = IntegerField(default=0)
    cost_nano = BigIntegerField(default=0)
    estimated = BooleanField(default=False)
    cached = BooleanField(default=False)
    warnings = BinaryJSONField(default=list, index=False)
    job_id = UUIDField(null=True)
    created_at = DateTimeTZField()
    edited_at = DateTimeTZField(null=True)
    finished_at = DateTimeTZField(null=True)
    deleted_at = DateTimeTZField(null=True)

    @property
    def is_pending(self) -> bool:
        """Whether it is still being written."""
        return bool(self.status == PENDING)

    @property
    def cost(self) -> Nano:
        """What it cost its owner."""
        return Nano(self.cost_nano)

    @classmethod
    def of(cls, chat_id: UUID) -> "ModelSelect[Self]":
        """Select the messages of a chat, of all its branches, oldest first."""
        return (
            cls.select().where(cls.chat_id == chat_id, cls.deleted_at.is_null()).order_by(cls.place)
        )

    @classmethod
    def within(cls, chat_id: UUID, message_id: UUID) -> Self:
        """Return a message of a chat; raise `NotFound` for any other."""
        message: Self | None = cls.of(chat_id).where(cls.id == message_id).first()
        if message is None:
            raise NotFound("there is no such message in this chat")
        return message

    @classmethod
    def branch(cls, leaf_id: UUID | None) -> list[Self]:
        """Return the messages from the beginning to a leaf; none of a chat without any."""
        return [] if leaf_id is None else list(cls.raw(_BRANCH, leaf_id, DEEPEST))

    @classmethod
    def below(cls, message_id: UUID) -> list[UUID]:
        """Return the ids of a message and of all that follows it, on every branch."""
        return [row[0] for row in database.rows(_BELOW, (message_id,))]

    @classmethod
    def last_answer(cls, chat_id: UUID) -> Self:
        """Return the answer that was begun last; raise `NotFound` when there is none."""
        answers = cls.of(chat_id).where(cls.job_id == cls.id)
        last: Self | None = answers.order_by(cls.place.desc()).first()
        if last is None:
            raise NotFound("nothing has been answered in this chat")
        return last

    @classmethod
    def pending_in(cls, chat_id: UUID) -> Sequence[Self]:
        """Return the answers of a chat that are still being written."""
        return list(cls.of(chat_id).where(cls.status == PENDING))


class MessageFeedback(Table):
    """What a person thinks of an answer: 1 or −1 (E-03)."""

    message_id = UUIDField()
    person_id = UUIDField()
    rating = SmallIntegerField()
    comment = TextField(null=True)
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("message_id", "person_id")


class Prompt(Table):
    """A template of a person's library (M-39)."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    person_id = UUIDField()
    mode = CharField()
    title = TextField()
    description = TextField(default="")
    template = TextField()
    tags = ArrayField(TextField, index=False, default=list)
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()

    @classmethod
    def of(cls, whose: Talker) -> "ModelSelect[Self]":
        """Select somebody's prompts."""
        return cls.select().where(_owned(cls, whose))

    @classmethod
    def owned_by(cls, whose: Talker, prompt_id: UUID) -> Self:
        """Return somebody's prompt; raise `NotFound` for anybody else's."""
        prompt: Self | None = cls.of(whose).where(cls.id == prompt_id).first()
        if prompt is None:
            raise NotFound("there is no such prompt")
        return prompt


class CachedAnswer(Table):
    """An answer that may be given again to the same question of the same account (M-43)."""

    account_id = UUIDField()
    mode = CharField()
    key = BlobField()
    answer = BinaryJSONField(index=False)
    created_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("account_id", "mode", "key")


def _owned(table: Any, whose: Talker) -> Any:
    """Return what holds for the rows of a person, or of an organization."""
    owned = (table.account_id == whose.account_id) & (table.mode == whose.mode)
    return owned if whose.is_shared else owned & (table.person_id == whose.person_id)

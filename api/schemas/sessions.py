"""Sessions, which are chats by their earlier name (X-5), and AI preferences on the wire."""

from typing import Final

from marshmallow import fields, validate

from api.schemas.amounts import Exact
from api.schemas.chats import LONGEST_MESSAGE, CitationSchema, MessageSchema, UsageSchema, Words
from api.schemas.wire import Flag, Id, Line, Moment, Wire

PRIORITIES: Final = ("balanced", "cost", "quality")
STRICTNESSES: Final = ("relaxed", "standard", "strict")


class PreferencesSchema(Wire):
    """What a person prefers of the LLMs."""

    default_model = Line(
        most=100, allow_none=True, load_default=None, metadata={"example": "gpt-4o-mini"}
    )
    vendor = Line(most=40, allow_none=True, load_default=None, metadata={"example": "anthropic"})
    temperature = fields.Float(
        allow_none=True, load_default=None, validate=validate.Range(0, 2), metadata={"example": 0.7}
    )
    max_tokens = fields.Integer(
        allow_none=True, load_default=None, strict=True, validate=validate.Range(min=1),
        metadata={"example": 2_000},
    )  # fmt: skip
    priority = fields.String(load_default="balanced", validate=validate.OneOf(PRIORITIES))
    safety = fields.String(load_default="standard", validate=validate.OneOf(STRICTNESSES))
    cache_answers = Flag(load_default=False)


class NewSession(Wire):
    """A session to begin: a chat by its earlier name (X-5)."""

    book_id = Id("book", allow_none=True)
    title = Line(most=200)
    model = Line(most=100, allow_none=True)


class SessionSchema(Wire):
    """A session: a chat as the earlier routes show it (X-5)."""

    id = Id("chat")
    title = fields.String(metadata={"example": "The Voyage Out"})
    book_id = Id("book", allow_none=True)
    model = fields.String(allow_none=True, attribute="llm", metadata={"example": "gpt-4o-mini"})
    message_count = fields.Integer(metadata={"example": 2})
    cost_usd = fields.Float(attribute="cost.usd", metadata={"example": 0.00025116})
    cost_nano_usd = Exact(attribute="cost", metadata={"example": "251160"})
    last_activity = Moment(attribute="last_activity_at")
    created_at = Moment()


class SessionMessage(Wire):
    """A message to a session."""

    content = Words(most=LONGEST_MESSAGE, required=True)
    model = Line(most=100, load_default=None, allow_none=True)


class SessionReply(Wire):
    """The answer, as M-05 has it."""

    id = Id("msg")
    content = fields.String(metadata={"example": "It begins in London, near the Embankment."})
    citations = fields.List(fields.Nested(CitationSchema))
    usage = fields.Nested(UsageSchema)


class SessionWithMessages(SessionSchema):
    """A session with the last messages, oldest first."""

    messages = fields.List(fields.Nested(MessageSchema))

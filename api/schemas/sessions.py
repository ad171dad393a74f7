"""Sessions, which are chats by their earlier name (X-5), and AI preferences on the wire."""

from typing import Final

from marshmallow import fields, validate

from api.schemas.chats import LONGEST_MESSAGE, CitationSchema, MessageSchema, UsageSchema, Words
from api.schemas.wire import Flag, Id, Line, Moment, Wire

PRIORITIES: Final = ("balanced", "cost", "quality")
STRICTNESSES: Final = ("relaxed", "standard", "strict")


class PreferencesSchema(Wire):
    """What a person prefers of the LLMs."""

    default_model = Line(most=100, allow_none=True, load_default=None)
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
    title = fields.String()
    book_id = Id("book", allow_none=True)
    model = fields.String(allow_none=True, attribute="llm")
    message_count = fields.Integer()
    last_activity = Moment(attribute="last_activity_at")
    created_at = Moment()


class SessionMessage(Wire):
    """A message to a session."""

    content = Words(most=LONGEST_MESSAGE, required=True)
    model = Line(most=100, load_default=None, allow_none=True)


class SessionReply(Wire):
    """The answer, as M-05 has it."""

    id = Id("msg")
    content = fields.String()
    citations = fields.List(fields.Nested(CitationSchema))
    usage = fields.Nested(UsageSchema)


class SessionWithMessages(SessionSchema):
    """A session with the last messages, oldest first."""

    messages = fields.List(fields.Nested(MessageSchema))

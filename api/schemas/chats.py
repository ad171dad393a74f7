"""Chats and their messages on the wire (M-01 – M-11)."""

from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from api.schemas.amounts import Exact
from api.schemas.lists import AnyOf, PageQuery, Sort
from api.schemas.wire import Flag, Id, Line, Moment, Whole, Wire, example_id
from jobs.chats.exports import FORMATS as EXPORTS
from jobs.chats.formats import FORMATS, JSON_SCHEMA, TEXT
from models.chats import TOOL, USER

LONGEST_MESSAGE: Final = 100_000
LONGEST_SYSTEM: Final = 20_000
LONGEST_COMMENT: Final = 2_000
MOST_TAGS: Final = 20
MOST_TOOLS: Final = 128
MESSAGES_A_PAGE: Final = 50


class Words(fields.String):
    """Text of several lines that says something; at most so many characters."""

    def __init__(self, *, most: int, **options: Any) -> None:
        """Take the bound."""
        super().__init__(validate=validate.Length(1, most), **options)

    def _deserialize(self, value: Any, *rest: Any, **options: Any) -> str:
        text = str(super()._deserialize(value, *rest, **options))
        if not text.strip():
            raise ValidationError("Blank.")
        return text


class ChatSettings(Wire):
    """Defaults for the answers of a chat."""

    temperature = fields.Float(allow_none=True, validate=validate.Range(0, 2))
    max_tokens = Whole(
        allow_none=True, validate=validate.Range(1, 1_000_000), attribute="maxTokens"
    )


class ChatDetails(Wire):
    """What its owner says of a chat."""

    title = Line(most=200)
    model = Line(most=100, allow_none=True)
    system_prompt = Words(most=LONGEST_SYSTEM, allow_none=True)
    settings = fields.Nested(ChatSettings)
    folder = Line(most=100, allow_none=True)
    tags = fields.List(Line(most=50), validate=validate.Length(max=MOST_TAGS))


class NewChat(ChatDetails):
    """A chat to begin, about a book or not."""

    book_id = Id("book", allow_none=True)


class ChatChanges(ChatDetails):
    """What may be changed later. `headId` shows another branch: that of the message it names."""

    archived = Flag()
    head_id = Id("msg")


class ChatSchema(Wire):
    """A chat. `contextTokens` of `contextWindow` are used by what was given last (M-40).

    `costUsd` and `costNanoUsd` are what its answers have cost so far, deleted ones too (B-16).
    """

    id = Id("chat")
    title = fields.String(metadata={"example": "The Voyage Out"})
    book_id = Id("book", allow_none=True)
    model = fields.String(allow_none=True, attribute="llm", metadata={"example": "gpt-4o-mini"})
    system_prompt = fields.String(allow_none=True, metadata={"example": None})
    settings = fields.Dict(metadata={"example": {"temperature": 0.7}})
    folder = fields.String(allow_none=True, metadata={"example": "Novels"})
    tags = fields.List(fields.String(), metadata={"example": ["woolf"]})
    archived = fields.Boolean(attribute="is_archived")
    head_id = Id("msg", allow_none=True)
    message_count = fields.Integer(metadata={"example": 2})
    context_tokens = fields.Integer(metadata={"example": 908})
    context_window = fields.Integer(metadata={"example": 128_000})
    cost_usd = fields.Float(attribute="cost.usd", metadata={"example": 0.00025116})
    cost_nano_usd = Exact(attribute="cost", metadata={"example": "251160"})
    summary = fields.String(allow_none=True, metadata={"example": None})
    last_activity_at = Moment()
    created_at = Moment()
    updated_at = Moment()


class CitationSchema(Wire):
    """An excerpt, and the page it stands on."""

    page = fields.Integer(metadata={"example": 1})
    excerpt = fields.String(
        metadata={
            "example": "As the streets that lead from the Strand to the Embankment are very narrow"
        }
    )


class UsageSchema(Wire):
    """What an answer used (M-05); `costUsd` is for display, `costNanoUsd` exact."""

    prompt_tokens = fields.Integer(metadata={"example": 812})
    completion_tokens = fields.Integer(metadata={"example": 96})
    total_tokens = fields.Integer(metadata={"example": 908})
    cost_usd = fields.Float(metadata={"example": 0.00025116})
    cost_nano_usd = fields.String(metadata={"example": "251160"})


class MessageErrorSchema(Wire):
    """Why an answer failed."""

    code = fields.String(metadata={"example": "UPSTREAM_ERROR"})


class WarningSchema(Wire):
    """What is not right with an answer that is whole (`FORMAT`), or its question (`SAFETY`)."""

    code = fields.String(metadata={"example": "SAFETY"})
    category = fields.String(metadata={"example": "violence"})
    message = fields.String(metadata={"example": "A part of this answer is not shown."})


class MessageSchema(Wire):
    """A message. Those of an answer alone: what it cites, calls, used, and who wrote it."""

    id = Id("msg")
    chat_id = Id("chat")
    parent_id = Id("msg", allow_none=True, metadata={"example": example_id("msg", 1)})
    job_id = Id("job", allow_none=True)
    role = fields.String(metadata={"example": "assistant"})
    content = fields.String(metadata={"example": "It begins in London, near the Embankment."})
    citations = fields.List(fields.Nested(CitationSchema))
    tool_calls = fields.List(fields.Dict(), metadata={"example": []})
    tool_call_id = fields.String(allow_none=True, metadata={"example": None})
    model = fields.String(allow_none=True, attribute="llm", metadata={"example": "gpt-4o-mini"})
    vendor = fields.String(allow_none=True, metadata={"example": "openai"})
    status = fields.String(metadata={"example": "complete"})
    finish_reason = fields.String(allow_none=True, metadata={"example": "stop"})
    error = fields.Nested(MessageErrorSchema, allow_none=True, metadata={"example": None})
    warnings = fields.List(fields.Nested(WarningSchema), metadata={"example": []})
    usage = fields.Nested(UsageSchema)
    estimated = fields.Boolean()
    cached = fields.Boolean()
    created_at = Moment()
    edited_at = Moment(allow_none=True, metadata={"example": None})
    finished_at = Moment(allow_none=True, metadata={"example": "2026-11-20T12:00:02.400Z"})


class ChatWithMessages(ChatSchema):
    """A chat with the last messages of the branch that is shown, oldest first."""

    messages = fields.List(fields.Nested(MessageSchema))


class ResponseFormat(Wire):
    """The format of an answer; `schema` is a JSON Schema of types, enums and nesting."""

    type = fields.String(required=True, validate=validate.OneOf(FORMATS))
    schema = fields.Dict()

    @validates_schema
    def check_schema(self, data: dict[str, Any], **_: Any) -> None:
        """Want a schema where there has to be one, and nowhere else."""
        if ("schema" in data) != (data.get("type") == JSON_SCHEMA):
            raise ValidationError("Goes with json_schema, and only with it.", "schema")


class AnswerWish(Wire):
    """How an answer is wished."""

    model = Line(most=100, load_default=None, allow_none=True)
    max_tokens = Whole(load_default=None, allow_none=True, validate=validate.Range(1, 1_000_000))
    temperature = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0, 2))
    tools = fields.List(fields.Dict(), load_default=list, validate=validate.Length(max=MOST_TOOLS))
    tool_choice = fields.Raw(load_default=None, allow_none=True)
    response_format = fields.Nested(ResponseFormat, load_default=lambda: {"type": TEXT})
    cache = Flag(load_default=None, allow_none=True)
    stream = Flag(load_default=False)


class NewMessage(AnswerWish):
    """A message to an LLM, or the result of a tool it called; after the last one shown."""

    content = Words(most=LONGEST_MESSAGE, required=True)
    role = fields.String(load_default=USER, validate=validate.OneOf((USER, TOOL)))
    tool_call_id = Line(most=200, load_default=None, allow_none=True)
    parent_id = Id("msg", load_default=None, allow_none=True)
    answer = Flag(load_default=True)

    @validates_schema
    def check_role(self, data: dict[str, Any], **_: Any) -> None:
        """Want the call that a tool's result belongs to."""
        if (data["role"] == TOOL) != (data["tool_call_id"] is not None):
            raise ValidationError("Goes with the role tool, and only with it.", "tool_call_id")


class Edit(AnswerWish):
    """A message in other words: a branch beside it. One of the user's is answered, if wished."""

    content = Words(most=LONGEST_MESSAGE, required=True)
    answer = Flag(load_default=True)


class MessagesQuery(PageQuery):
    """Which messages to list: those of the branch that is shown, or of all branches."""

    limit = Whole(text=True, load_default=MESSAGES_A_PAGE, validate=validate.Range(1, 100))
    branch = fields.String(load_default="shown", validate=validate.OneOf(("shown", "all")))


class ChatQuery(PageQuery):
    """Which chats to list; archived ones only when they are asked for."""

    folder = AnyOf()
    tag = AnyOf()
    book_id = Id("book")
    archived = Flag(text=True, load_default=False)
    search = Line(most=200)
    sort = Sort("last_activity_at", "created_at", "title", load_default=None, allow_none=True)


class AnswerQuery(Wire):
    """Whether a client that hangs up ends its answer: `continue` (the default) or `cancel`."""

    on_disconnect = fields.String(
        data_key="on_disconnect", validate=validate.OneOf(("continue", "cancel"))
    )


class StreamQuery(AnswerQuery):
    """Where to go on in a stream, when there is no `Last-Event-ID`."""

    starting_after = Whole(text=True, data_key="starting_after", validate=validate.Range(0, 10**15))


class ExportQuery(Wire):
    """The form of an export."""

    format = fields.String(load_default="json", validate=validate.OneOf(EXPORTS))


class FeedbackWish(Wire):
    """What a person thinks of an answer: 1 is up, −1 is down (E-03)."""

    rating = Whole(required=True, validate=validate.OneOf((1, -1)))
    comment = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=LONGEST_COMMENT)
    )


class FeedbackSchema(Wire):
    """Feedback as it is kept."""

    message_id = Id("msg")
    rating = fields.Integer(metadata={"example": 1})
    comment = fields.String(allow_none=True, metadata={"example": "Well found."})
    created_at = Moment()
    updated_at = Moment()


class CancelledSchema(Wire):
    """The answers that were being written, as they are now."""

    messages = fields.List(fields.Nested(MessageSchema))

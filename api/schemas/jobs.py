"""Jobs on the wire (CONTRACT §4)."""

from typing import Any, Final

from marshmallow import fields, validate

from api.schemas.lists import AnyOf, PageQuery
from api.schemas.wire import Id, Line, Moment, SnakeWire, Whole, Wire

STATES: Final = ("queued", "running", "succeeded", "failed", "cancelled")
LONGEST_TEXT: Final = 200_000


class ProgressSchema(Wire):
    """How far a job is."""

    completed = fields.Integer(metadata={"example": 2})
    total = fields.Integer(metadata={"example": 5})
    percentage = fields.Integer(metadata={"example": 40})


class JobErrorSchema(Wire):
    """Why a job failed."""

    code = fields.String(metadata={"example": "UPSTREAM_ERROR"})
    message = fields.String(metadata={"example": "The vendor failed."})


class JobSchema(Wire):
    """A job."""

    id = Id("job")
    type = fields.String(metadata={"example": "system.echo"})
    status = fields.String(validate=validate.OneOf(STATES), metadata={"example": "running"})
    progress = fields.Nested(ProgressSchema)
    attempt = fields.Integer(metadata={"example": 1})
    max_attempts = fields.Integer(metadata={"example": 5})
    created_at = Moment()
    started_at = Moment(allow_none=True)
    finished_at = Moment(allow_none=True, metadata={"example": None})
    result = fields.Dict(allow_none=True, metadata={"example": None})
    error = fields.Nested(JobErrorSchema, allow_none=True, metadata={"example": None})


class NewJobSchema(Wire):
    """A job a client submits; its `input` has a schema for each type."""

    type = fields.String(required=True, validate=validate.Length(1, 60))
    input = fields.Dict(required=True)
    priority = Whole(load_default=5, validate=validate.Range(0, 9))
    deadline_seconds = Whole(load_default=None, allow_none=True, validate=validate.Range(1, 86_400))


class JobQuery(PageQuery):
    """Which jobs to list."""

    type = AnyOf()
    status = AnyOf(*STATES)


class EventsQuery(Wire):
    """Where to go on in a stream."""

    starting_after = Whole(text=True, data_key="starting_after", validate=validate.Range(0, 10**15))


class EchoInput(SnakeWire):
    """The input of `system.echo`."""

    text = fields.String(required=True, validate=validate.Length(max=LONGEST_TEXT))
    chunks = Whole(load_default=1, validate=validate.Range(1, 10_000))
    interval_ms = Whole(load_default=0, validate=validate.Range(0, 60_000))


class BookInput(SnakeWire):
    """The input of a job about one book."""

    book_id = Id("book", required=True)


class MessageSchema(SnakeWire):
    """One message of a conversation."""

    role = fields.String(
        required=True,
        validate=validate.OneOf(["system", "user", "assistant"]),
        metadata={"example": "assistant"},
    )
    content = fields.String(
        required=True,
        validate=validate.Length(1, LONGEST_TEXT),
        metadata={"example": "It begins in London, near the Embankment."},
    )


class CompletionInput(SnakeWire):
    """The input of `llm.completion`."""

    model = Line(required=True, most=100)
    messages = fields.List(
        fields.Nested(MessageSchema), required=True, validate=validate.Length(1, 1_000)
    )
    max_tokens = Whole(load_default=None, allow_none=True, validate=validate.Range(1, 1_000_000))
    temperature = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0, 2))
    book_id = Id("book", load_default=None, allow_none=True)


Input = dict[str, Any]

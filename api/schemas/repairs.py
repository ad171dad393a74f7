"""Services, breakers and retries on the wire."""

from marshmallow import fields

from api.schemas.wire import EXAMPLE_MOMENT, Line, Moment, Wire
from models.kernel.release import VERSION


class ServiceSchema(Wire):
    """One process that lives."""

    id = fields.String(metadata={"example": "01a1f8d3ea007c3ea2d64b7d5e1f8a30"})
    kind = fields.String(metadata={"example": "web"})
    host = fields.String(metadata={"example": "ilm-web-1"})
    pid = fields.Integer(metadata={"example": 4_102})
    version = fields.String(metadata={"example": VERSION})
    started_at = fields.String(metadata={"format": "date-time", "example": EXAMPLE_MOMENT})


class ServicesSchema(Wire):
    """The processes of this installation that were heard of lately."""

    data = fields.List(fields.Nested(ServiceSchema))


class CircuitSchema(Wire):
    """What a breaker protects."""

    vendor = Line(most=100, required=True)
    model = Line(most=200, required=True)


class BreakerSchema(Wire):
    """One breaker; while it is open, the LLM is left alone."""

    vendor = fields.String(metadata={"example": "openai"})
    model = fields.String(metadata={"example": "gpt-4o-mini"})
    is_open = fields.Boolean(data_key="open")
    open_until = Moment(allow_none=True, metadata={"example": None})


class BreakersSchema(Wire):
    """The breakers that have seen a call lately."""

    data = fields.List(fields.Nested(BreakerSchema))

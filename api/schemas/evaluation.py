"""How LLMs do, on the wire."""

from typing import Final

from marshmallow import fields, validate

from api.examples.shapes import example_of
from api.schemas.wire import Line, Moment, Whole, Wire

MOST_DAYS = 90


class SpreadSchema(Wire):
    """Milliseconds: half of the calls took at most `p50`."""

    p50 = fields.Integer(metadata={"example": 420})
    p95 = fields.Integer(metadata={"example": 1_310})


class RatingSchema(Wire):
    """Thumbs up and down."""

    up = fields.Integer(metadata={"example": 18})
    down = fields.Integer(metadata={"example": 2})


class MeasuresSchema(Wire):
    """Some calls, summed up."""

    calls = fields.Integer(metadata={"example": 200})
    served = fields.Integer(metadata={"example": 198})
    failed = fields.Integer(metadata={"example": 2})
    success_rate = fields.Float(allow_none=True, metadata={"example": 0.99})
    first_ms = fields.Nested(SpreadSchema, allow_none=True)
    whole_ms = fields.Nested(SpreadSchema, allow_none=True)
    tokens_in = fields.Integer(metadata={"example": 162_400})
    tokens_out = fields.Integer(metadata={"example": 40_600})
    output_ratio = fields.Float(allow_none=True, metadata={"example": 0.25})


class DaySchema(Wire):
    """One day of one LLM."""

    day = fields.Date()
    measures = fields.Nested(MeasuresSchema)


class PerformanceSchema(Wire):
    """How one vendor's LLM did."""

    vendor = fields.String(metadata={"example": "openai"})
    model = fields.String(attribute="llm", metadata={"example": "gpt-4o-mini"})
    measures = fields.Nested(MeasuresSchema)
    rating = fields.Nested(RatingSchema)
    days = fields.List(fields.Nested(DaySchema))


class PerformancesSchema(Wire):
    """Every LLM that was called."""

    data = fields.List(fields.Nested(PerformanceSchema))


class PerformanceQuery(Wire):
    """How many days to look back on, today among them."""

    days = Whole(text=True, load_default=7, validate=validate.Range(1, MOST_DAYS))


class ArmSchema(Wire):
    """One side of an experiment."""

    name = fields.String(metadata={"example": "a"})
    model = fields.String(attribute="llm", metadata={"example": "gpt-4o-mini"})
    answers = fields.Integer(metadata={"example": 100})
    cost_nano = fields.String(data_key="costNanoUsd", metadata={"example": "25116000"})
    measures = fields.Nested(MeasuresSchema)
    rating = fields.Nested(RatingSchema)


_ARM: Final = example_of(ArmSchema())
_ARMS: Final = [_ARM, {**_ARM, "name": "b", "model": "gpt-4o", "costNanoUsd": "418600000"}]


class ExperimentSchema(Wire):
    """Two LLMs compared; `share` percent of the accounts are asked of `llmB`."""

    name = Line(
        most=60,
        required=True,
        validate=[validate.Regexp(r"\A[a-z0-9-]+\Z")],
        metadata={"example": "small-or-large"},
    )
    llm_a = Line(most=100, required=True, metadata={"example": "gpt-4o-mini"})
    llm_b = Line(most=100, required=True, metadata={"example": "gpt-4o"})
    share = Whole(load_default=50, validate=validate.Range(1, 99), metadata={"example": 50})
    created_at = Moment(dump_only=True)
    ended_at = Moment(dump_only=True, allow_none=True, metadata={"example": None})
    arms = fields.List(fields.Nested(ArmSchema), dump_only=True, metadata={"example": _ARMS})

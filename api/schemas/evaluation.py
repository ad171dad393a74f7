"""How LLMs do, on the wire."""

from marshmallow import fields, validate

from api.schemas.wire import Line, Moment, Whole, Wire

MOST_DAYS = 90


class SpreadSchema(Wire):
    """Milliseconds: half of the calls took at most `p50`."""

    p50 = fields.Integer()
    p95 = fields.Integer()


class RatingSchema(Wire):
    """Thumbs up and down."""

    up = fields.Integer()
    down = fields.Integer()


class MeasuresSchema(Wire):
    """Some calls, summed up."""

    calls = fields.Integer()
    served = fields.Integer()
    failed = fields.Integer()
    success_rate = fields.Float(allow_none=True)
    first_ms = fields.Nested(SpreadSchema, allow_none=True)
    whole_ms = fields.Nested(SpreadSchema, allow_none=True)
    tokens_in = fields.Integer()
    tokens_out = fields.Integer()
    output_ratio = fields.Float(allow_none=True)


class DaySchema(Wire):
    """One day of one LLM."""

    day = fields.Date()
    measures = fields.Nested(MeasuresSchema)


class PerformanceSchema(Wire):
    """How one vendor's LLM did."""

    vendor = fields.String()
    model = fields.String(attribute="llm")
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

    name = fields.String()
    model = fields.String(attribute="llm")
    answers = fields.Integer()
    cost_nano = fields.String(data_key="costNanoUsd")
    measures = fields.Nested(MeasuresSchema)
    rating = fields.Nested(RatingSchema)


class ExperimentSchema(Wire):
    """Two LLMs compared; `share` percent of the accounts are asked of `llmB`."""

    name = Line(most=60, required=True, validate=[validate.Regexp(r"\A[a-z0-9-]+\Z")])
    llm_a = Line(most=100, required=True)
    llm_b = Line(most=100, required=True)
    share = Whole(load_default=50, validate=validate.Range(1, 99))
    created_at = Moment(dump_only=True)
    ended_at = Moment(dump_only=True, allow_none=True)
    arms = fields.List(fields.Nested(ArmSchema), dump_only=True)

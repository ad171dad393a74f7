"""The LLMs on the wire (M-32)."""

from marshmallow import fields

from api.schemas.wire import Wire


class LongPromptSchema(Wire):
    """What a call costs whose prompt has more tokens than `above`: USD per million tokens."""

    above = fields.Integer(metadata={"example": 200_000})
    input_cost = fields.Float(data_key="inputCostPer1M")
    output_cost = fields.Float(data_key="outputCostPer1M")
    cached_input_cost = fields.Float(data_key="cachedInputCostPer1M")


class ModelSchema(Wire):
    """One LLM, and what its vendor charges: USD per million tokens, our markup not in it (X-19)."""

    id = fields.String(metadata={"example": "gpt-4o-mini"})
    name = fields.String(metadata={"example": "GPT-4o mini"})
    vendor = fields.String(metadata={"example": "openai"})
    max_tokens = fields.Integer(metadata={"example": 16_384})
    context_window = fields.Integer(metadata={"example": 128_000})
    input_cost = fields.Float(data_key="inputCostPer1M", metadata={"example": 0.15})
    output_cost = fields.Float(data_key="outputCostPer1M", metadata={"example": 0.6})
    cached_input_cost = fields.Float(data_key="cachedInputCostPer1M", metadata={"example": 0.075})
    long_prompt = fields.Nested(LongPromptSchema, allow_none=True, metadata={"example": None})
    price_id = fields.String(metadata={"example": "gpt-4o-mini@2024-07-18"})
    markup_percent = fields.Integer(metadata={"example": 40})
    premium = fields.Boolean()
    accessible = fields.Boolean(metadata={"example": True})
    abilities = fields.List(fields.String(), metadata={"example": ["tools", "vision", "json"]})
    deprecated = fields.Boolean()
    successor = fields.String(allow_none=True, metadata={"example": None})


class ModelsSchema(Wire):
    """Every LLM there is."""

    data = fields.List(fields.Nested(ModelSchema))

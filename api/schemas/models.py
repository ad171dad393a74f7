"""The LLMs on the wire (M-32)."""

from marshmallow import fields

from api.schemas.wire import Wire


class ModelSchema(Wire):
    """One LLM, and what its vendor charges: USD per million tokens, our markup not in it (X-19)."""

    id = fields.String()
    name = fields.String()
    vendor = fields.String()
    max_tokens = fields.Integer()
    context_window = fields.Integer()
    input_cost = fields.Float(data_key="inputCostPer1M")
    output_cost = fields.Float(data_key="outputCostPer1M")
    cached_input_cost = fields.Float(data_key="cachedInputCostPer1M")
    price_id = fields.String()
    markup_percent = fields.Integer()
    premium = fields.Boolean()
    accessible = fields.Boolean()
    abilities = fields.List(fields.String())
    deprecated = fields.Boolean()
    successor = fields.String(allow_none=True)


class ModelsSchema(Wire):
    """Every LLM there is."""

    data = fields.List(fields.Nested(ModelSchema))

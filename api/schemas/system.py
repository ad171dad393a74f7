"""Health, errors and the reference on the wire."""

from marshmallow import fields, validate

from api.schemas.wire import Moment, SnakeWire, Wire


class DependencySchema(SnakeWire):
    """How one thing we depend on is."""

    status = fields.String(validate=validate.OneOf(["ok", "down"]))
    took_ms = fields.Float(metadata={"description": "How long it took to answer."})


class HealthSchema(SnakeWire):
    """How the service is. `down` only when the database is away."""

    status = fields.String(validate=validate.OneOf(["ok", "degraded", "down"]))
    version = fields.String()
    dependencies = fields.Dict(keys=fields.String(), values=fields.Nested(DependencySchema))


class DetailSchema(Wire):
    """One field that is wrong."""

    field = fields.String()
    message = fields.String()


class ProblemSchema(Wire):
    """What is wrong."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    details = fields.List(fields.Nested(DetailSchema), required=True)
    request_id = fields.String(required=True, metadata={"example": "req_0193"})
    timestamp = Moment(required=True)
    documentation = fields.Url(required=True, metadata={"description": "The page of this code."})


class ErrorSchema(Wire):
    """The one shape of every error."""

    error = fields.Nested(ProblemSchema, required=True)

"""Health, errors and the reference on the wire."""

from marshmallow import fields, validate

from api.schemas.wire import SELDOM, Moment, SnakeWire, Wire
from models.kernel.release import VERSION


class DependencySchema(SnakeWire):
    """How one thing we depend on is."""

    status = fields.String(validate=validate.OneOf(["ok", "down"]))
    took_ms = fields.Float(metadata={"description": "How long it took to answer.", "example": 0.8})
    figures = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Of the database: how this process's pool is used.", SELDOM: True},
    )


class HealthSchema(SnakeWire):
    """How the service is. `down` only when the database is away."""

    status = fields.String(validate=validate.OneOf(["ok", "degraded", "down"]))
    version = fields.String(metadata={"example": VERSION})
    dependencies = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(DependencySchema),
        metadata={
            "example": {
                "database": {"status": "ok", "took_ms": 0.8},
                "redis": {"status": "ok", "took_ms": 0.3},
            }
        },
    )


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
    mfa_token = fields.String(
        metadata={"description": "With MFA_REQUIRED: what a code completes.", SELDOM: True}
    )
    retry_at = Moment(
        metadata={"description": "With PAYMENT_REQUIRED: when it may go through.", SELDOM: True}
    )
    reset_at = Moment(
        metadata={"description": "With PAYMENT_REQUIRED: when limits are new.", SELDOM: True}
    )
    upgrade_url = fields.Url(
        metadata={"description": "With PAYMENT_REQUIRED: where to go for more.", SELDOM: True}
    )


class ErrorSchema(Wire):
    """The one shape of every error."""

    error = fields.Nested(ProblemSchema, required=True)

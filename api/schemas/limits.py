"""Limits and services on the wire."""

from typing import Final

from marshmallow import fields, validate

from api.schemas.wire import Id, Moment, Whole, Wire
from jobs.limits.overrides import KINDS

LARGEST: Final = 10_000_000


class LimitSchema(Wire):
    """A limit that was set."""

    kind = fields.String(validate=validate.OneOf(KINDS), metadata={"example": "tier"})
    subject = fields.String(metadata={"example": "premium"})
    per_minute = fields.Integer(metadata={"example": 500})
    set_by = Id("user")
    set_at = Moment()


class LimitWish(Wire):
    """The limit to set."""

    per_minute = Whole(required=True, validate=validate.Range(1, LARGEST))


class TierLimitsSchema(Wire):
    """What one person of a tier may do in a minute."""

    user = fields.Integer()
    ai = fields.Integer()


class UsualLimitsSchema(Wire):
    """The limits of the catalogue, which hold where none is set."""

    tiers = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(TierLimitsSchema),
        metadata={"example": {"free": {"user": 100, "ai": 60}}},
    )
    anonymous = fields.Integer(metadata={"example": 100})
    address = fields.Integer(metadata={"example": 6_000})
    everybody = fields.Integer(data_key="global", metadata={"example": 300_000})
    guessing = fields.Integer(metadata={"example": 30})


class LimitsSchema(Wire):
    """Every limit, and how this process fares with them."""

    data = fields.List(fields.Nested(LimitSchema))
    usual = fields.Nested(UsualLimitsSchema)
    is_on = fields.Boolean(data_key="on", metadata={"example": True})
    factor = fields.Float(
        metadata={"description": "1, unless load tightens callers' limits.", "example": 1.0}
    )
    refused = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={
            "description": "Requests this process has refused, by the kind of the window.",
            "example": {"user": 3},
        },
    )

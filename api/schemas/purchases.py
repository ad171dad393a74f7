"""The shapes of purchases (B-09)."""

from marshmallow import EXCLUDE, fields, validate

from api.schemas.amounts import Exact
from api.schemas.wire import Id, Line, Moment, SnakeWire, Whole
from jobs.payments.gateway import FAKE, STRIPE
from jobs.purchases import LEAST_CENTS, MOST_CENTS
from models.purchases import STATUSES


class NewPurchaseSchema(SnakeWire):
    """So many cents of credits."""

    amount_cents = Whole(required=True, validate=validate.Range(LEAST_CENTS, MOST_CENTS))


class PurchaseSchema(SnakeWire):
    """A purchase. `checkout_url` is where to pay, while there is somewhere and it is pending."""

    id = Id("purchase")
    amount_cents = fields.Integer(metadata={"example": 1_000})
    amount_nano_usd = Exact(attribute="amount", metadata={"example": "10000000000"})
    status = fields.String(validate=validate.OneOf(STATUSES), metadata={"example": "succeeded"})
    gateway = fields.String(validate=validate.OneOf((FAKE, STRIPE)))
    checkout_url = fields.String(allow_none=True, metadata={"example": None})
    failure = fields.String(allow_none=True, metadata={"example": None})
    refunded_cents = fields.Integer(metadata={"example": 0})
    created_at = Moment()
    updated_at = Moment()


class StripeEventSchema(SnakeWire):
    """An event as Stripe sends it, of which its signature says that it is whole."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    id = fields.String(metadata={"example": "evt_1Q0000000000000000000000"})
    type = fields.String(metadata={"example": "checkout.session.completed"})


class ReasonSchema(SnakeWire):
    """Why something is done to somebody's money."""

    reason = Line(most=500, required=True, metadata={"example": "Bought by mistake."})

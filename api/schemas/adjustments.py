"""The shapes of what administrators do to somebody's money (B-09, B-13; CONTRACT §3)."""

from typing import Final

from marshmallow import ValidationError, fields, validate

from api.examples.shapes import example_of
from api.schemas.amounts import Exact
from api.schemas.billing import BalanceSchema, BillingLimitsSchema
from api.schemas.purchases import ReasonSchema
from api.schemas.wire import Id, Line, Moment, SnakeWire, Whole
from models.kernel.money import Nano

MOST_NANO: Final = 10**15
MOST_TOKENS: Final = 10**12


def _adjustable(amount: Nano) -> None:
    if not amount:
        raise ValidationError("Must be more or less than nothing.")
    if abs(amount.amount) >= MOST_NANO:
        raise ValidationError("Must be less than a million dollars.")


def _no_debt(amount: Nano) -> None:
    if amount.amount < 0:
        raise ValidationError("Must not be less than nothing.")


class NewAdjustmentSchema(ReasonSchema):
    """Money that is given, or taken when it is less than nothing, and why."""

    user_id = Id("user", required=True)
    amount_nano_usd = Exact(
        attribute="amount",
        required=True,
        validate=_adjustable,
        metadata={"example": "-2500000000", "pattern": r"^-?0{0,3}[1-9][0-9]{0,14}$"},
    )


class AdjustmentSchema(SnakeWire):
    """A movement that was made by hand, as a transaction of its user; and the balance after it."""

    id = Id("txn")
    user_id = Id("user")
    amount_nano_usd = Exact(attribute="amount", metadata={"example": "-2500000000"})
    reason = fields.String(metadata={"example": "Bought by mistake."})
    balance_nano_usd = Exact(attribute="balance", metadata={"example": "7499748840"})
    created_at = Moment()


class OwnLimitsSchema(SnakeWire):
    """Limits that win over those of the tier; null where there is none."""

    monthly_cost_nano_usd = Exact(
        attribute="cost", allow_none=True, metadata={"example": "100000000000"}
    )
    tokens_per_day = fields.Integer(attribute="tokens", allow_none=True, metadata={"example": None})


class NewLimitsSchema(SnakeWire):
    """Limits to set over those of the tier; null lifts one, what is left out stays."""

    monthly_cost_nano_usd = Exact(
        attribute="cost",
        allow_none=True,
        validate=_no_debt,
        metadata={"example": "100000000000", "pattern": "^[0-9]{1,18}$"},
    )
    tokens_per_day = Whole(
        attribute="tokens", allow_none=True, validate=validate.Range(0, MOST_TOKENS)
    )
    reason = Line(most=500, load_default="", metadata={"example": "Agreed with their school."})


class BooksSchema(SnakeWire):
    """How somebody's account stands: what it has, its limits, and those that are its own."""

    user_id = Id("user")
    balance = fields.Nested(BalanceSchema, attribute="credit")
    sandbox_balance_nano_usd = Exact(attribute="credit.sandbox", metadata={"example": "0"})
    limits = fields.Nested(BillingLimitsSchema)
    own_limits = fields.Nested(
        OwnLimitsSchema, attribute="own", metadata={"example": example_of(OwnLimitsSchema())}
    )

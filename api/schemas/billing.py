"""The shapes of billing: snake_case, cents to be shown and nano-USD to be counted (X-7)."""

from typing import Any, Final

from marshmallow import ValidationError, fields, post_load, validate

from api.examples.shapes import example_of
from api.schemas.amounts import Cost, Exact, Have, positive
from api.schemas.wire import Flag, Id, Line, Moment, SnakeWire, Whole, example_id
from models.budgets import MONTH, PERIODS, SCOPES

SPANS: Final = ("day", "week", "month")
MOST_DAYS: Final = 731
"""Two years, one of them a leap year."""


class BalanceSchema(SnakeWire):
    """What an account has (B-04); `balance_cents` is before holds, the month's credits included."""

    balance_cents = Have(attribute="balance", metadata={"example": 999})
    free_credits_remaining = Have(attribute="credits", metadata={"example": 999})
    free_credits_reset_at = Moment(
        attribute="resets_at", metadata={"example": "2026-12-01T00:00:00.000Z"}
    )
    lifetime_usage_cents = Cost(attribute="lifetime", metadata={"example": 1})
    balance_nano_usd = Exact(attribute="balance", metadata={"example": "9999748840"})
    held_nano_usd = Exact(attribute="all_held", metadata={"example": "0"})
    free_credits_nano_usd = Exact(attribute="credits", metadata={"example": "9999748840"})
    lifetime_usage_nano_usd = Exact(attribute="lifetime", metadata={"example": "251160"})


class SpanQuery(SnakeWire):
    """`?period=day|week|month`: today, the week from Monday, or the month, by UTC.

    Or `?start=…&end=…`: days from one up to, not including, another.
    """

    period = fields.String(validate=validate.OneOf(SPANS))
    start = fields.Date(load_default=None)
    end = fields.Date(load_default=None)

    @post_load
    def choose(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Take the month when nothing is named; refuse what contradicts itself or is too long."""
        start, end = data["start"], data["end"]
        if (start is None) != (end is None):
            raise ValidationError("Name both start and end.", "end")
        if start is None:
            return {"period": "month", **data}
        if "period" in data:
            raise ValidationError("Name a period, or start and end.", "period")
        if not 0 < (end - start).days <= MOST_DAYS:
            raise ValidationError(f"Must be 1 to {MOST_DAYS} days after start.", "end")
        return {"period": None, **data}


class SumSchema(SnakeWire):
    """Calls, their tokens and what they cost."""

    calls = fields.Integer(metadata={"example": 1})
    tokens_input = fields.Integer(attribute="tokens_in", metadata={"example": 812})
    tokens_output = fields.Integer(attribute="tokens_out", metadata={"example": 96})
    cost_cents = Cost(attribute="cost", metadata={"example": 1})
    cost_nano_usd = Exact(attribute="cost", metadata={"example": "251160"})


class PartSchema(SnakeWire):
    """What one of them had of it."""

    name = fields.String()
    calls = fields.Integer(attribute="sum.calls")
    tokens_input = fields.Integer(attribute="sum.tokens_in")
    tokens_output = fields.Integer(attribute="sum.tokens_out")
    cost_cents = Cost(attribute="sum.cost")
    cost_nano_usd = Exact(attribute="sum.cost")


def _part(name: str) -> list[dict[str, Any]]:
    """Return what a breakdown into one looks like."""
    return [{"name": name, **example_of(SumSchema())}]


class UsedDaySchema(SnakeWire):
    """What one day held (UTC); days without anything are left out."""

    date = fields.String(attribute="name", metadata={"format": "date", "example": "2026-11-20"})
    calls = fields.Integer(attribute="sum.calls", metadata={"example": 1})
    tokens_input = fields.Integer(attribute="sum.tokens_in", metadata={"example": 812})
    tokens_output = fields.Integer(attribute="sum.tokens_out", metadata={"example": 96})
    cost_cents = Cost(attribute="sum.cost", metadata={"example": 1})
    cost_nano_usd = Exact(attribute="sum.cost", metadata={"example": "251160"})


class BillingUsageSchema(SnakeWire):
    """What was used (B-05): each breakdown, and the days, add up to `total`, exactly.

    `end` is the day after the last; `period` is null where `start` and `end` were asked for.
    """

    period = fields.String(allow_none=True, metadata={"example": "month"})
    start = fields.Date(metadata={"example": "2026-11-01"})
    end = fields.Date(metadata={"example": "2026-12-01"})
    total = fields.Nested(SumSchema)
    by_model = fields.List(
        fields.Nested(PartSchema), attribute="by_llm", metadata={"example": _part("gpt-4o-mini")}
    )
    by_operation = fields.List(fields.Nested(PartSchema), metadata={"example": _part("completion")})
    by_key = fields.List(fields.Nested(PartSchema), metadata={"example": _part(example_id("key"))})
    by_user = fields.List(
        fields.Nested(PartSchema), metadata={"example": _part(example_id("user"))}
    )
    days = fields.List(fields.Nested(UsedDaySchema))


class TransactionSchema(SnakeWire):
    """One operation with its cost, or one movement of money (B-06).

    `amount_nano_usd` is what it did to the balance; `cost_cents` is 0 for what cost nothing.
    """

    id = Id("txn")
    timestamp = Moment(attribute="at")
    operation_type = fields.String(attribute="kind", metadata={"example": "chat"})
    operation_id = fields.String(allow_none=True, metadata={"example": example_id("msg")})
    model = fields.String(attribute="llm", allow_none=True, metadata={"example": "gpt-4o-mini"})
    vendor = fields.String(allow_none=True, metadata={"example": "openai"})
    tokens_input = fields.Integer(attribute="tokens_in", allow_none=True, metadata={"example": 812})
    tokens_output = fields.Integer(
        attribute="tokens_out", allow_none=True, metadata={"example": 96}
    )
    cost_cents = Cost(attribute="cost", metadata={"example": 1})
    cost_nano_usd = Exact(attribute="cost", metadata={"example": "251160"})
    amount_nano_usd = Exact(attribute="amount", metadata={"example": "-251160"})
    session_id = Id("chat", attribute="chat_id", allow_none=True)
    estimated = fields.Boolean()


class TokensSchema(SnakeWire):
    """Tokens of a day; `limit` and `remaining` are null where there is no limit."""

    limit = fields.Integer(attribute="tokens_limit", allow_none=True, metadata={"example": 100_000})
    used = fields.Integer(attribute="tokens_used", metadata={"example": 908})
    held = fields.Integer(attribute="tokens_held", metadata={"example": 0})
    remaining = fields.Integer(
        attribute="tokens_left", allow_none=True, metadata={"example": 99_092}
    )
    reset_at = Moment(attribute="day_ends_at", metadata={"example": "2026-11-21T00:00:00.000Z"})


class MonthSchema(SnakeWire):
    """What a month may cost; used and remaining cents make up the limit."""

    limit_cents = Have(attribute="cost_limit", allow_none=True, metadata={"example": 5_000})
    used_cents = Cost(attribute="spent", metadata={"example": 1})
    remaining_cents = fields.Integer(
        attribute="cents_left", allow_none=True, metadata={"example": 4_999}
    )
    limit_nano_usd = Exact(
        attribute="cost_limit", allow_none=True, metadata={"example": "50000000000"}
    )
    used_nano_usd = Exact(attribute="spent", metadata={"example": "251160"})
    held_nano_usd = Exact(attribute="held", metadata={"example": "0"})
    reset_at = Moment(attribute="resets_at", metadata={"example": "2026-12-01T00:00:00.000Z"})


class GraceSchema(SnakeWire):
    """For how long, and how far, one may go on when credits or the month's limit end (B-14)."""

    hours = fields.Integer(attribute="grace_hours", metadata={"example": 24})
    overdraft_nano_usd = Exact(attribute="overdraft", metadata={"example": "5000000000"})
    started_at = Moment(attribute="grace_started_at", allow_none=True, metadata={"example": None})


class BillingLimitsSchema(SnakeWire):
    """The limits of an account (B-07, B-13). What is used up is in percent of the tightest."""

    tier = fields.String(metadata={"example": "premium"})
    tokens_per_day = fields.Nested(TokensSchema)
    monthly_cost = fields.Nested(MonthSchema)
    used_percent = fields.Integer(metadata={"example": 0})
    soft_limit_percent = fields.Integer(metadata={"example": 80})
    grace = fields.Nested(GraceSchema)


class EstimateQuery(SnakeWire):
    """A call that is thought of (B-15)."""

    model = Line(most=100, required=True)
    input_tokens = Whole(required=True, validate=validate.Range(0, 10_000_000))
    estimated_output_tokens = Whole(load_default=0, validate=validate.Range(0, 10_000_000))


class EstimateSchema(SnakeWire):
    """What it would cost; the prices are the vendor's, per million tokens, without our markup."""

    model = fields.String(metadata={"example": "gpt-4o-mini"})
    estimated_cost_cents = Cost(attribute="cost", metadata={"example": 1})
    estimated_cost_nano_usd = Exact(attribute="cost", metadata={"example": "273000"})
    input_cost_per_1m = fields.Float(metadata={"example": 0.15})
    output_cost_per_1m = fields.Float(metadata={"example": 0.6})
    markup_percent = fields.Integer(metadata={"example": 40})


class NewBudgetSchema(SnakeWire):
    """A budget for the account, or for one of its people or keys by their id (B-17)."""

    scope = fields.String(load_default="account", validate=validate.OneOf(SCOPES))
    subject = Line(most=100, load_default=None, allow_none=True)
    period = fields.String(load_default=MONTH, validate=validate.OneOf(PERIODS))
    amount_nano_usd = Exact(
        attribute="amount",
        required=True,
        validate=positive,
        metadata={"pattern": r"^0*[1-9][0-9]{0,17}$"},
    )
    hard = Flag(attribute="is_hard", load_default=True)
    alert_at = fields.List(
        Whole(validate=validate.Range(1, 1_000)),
        load_default=lambda: [80, 100],
        validate=validate.Length(0, 10),
    )


class BudgetSchema(SnakeWire):
    """A budget, and what is counted in it since `started`."""

    id = Id("budget")
    scope = fields.String(metadata={"example": "account"})
    subject = fields.String(allow_none=True, metadata={"example": None})
    period = fields.String(metadata={"example": "day"})
    amount_nano_usd = Exact(attribute="amount", metadata={"example": "500000000"})
    spent_nano_usd = Exact(attribute="spent", metadata={"example": "251160"})
    held_nano_usd = Exact(attribute="held", metadata={"example": "0"})
    hard = fields.Boolean(attribute="is_hard", metadata={"example": True})
    alert_at = fields.List(fields.Integer(), metadata={"example": [80, 100]})
    started = fields.Date()
    created_at = Moment()


class BudgetsSchema(SnakeWire):
    """All budgets of an account: there are a hundred at most."""

    data = fields.List(fields.Nested(BudgetSchema))

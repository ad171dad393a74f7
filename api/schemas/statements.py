"""The shapes of statements: exact amounts, and cents that add up (B-12, X-7)."""

from typing import Any, Final

from marshmallow import fields, validate

from api.examples.shapes import example_of
from api.schemas.amounts import Exact, Have
from api.schemas.wire import Moment, SnakeWire, example_id
from models.statements import FINAL, OPEN, PROVISIONAL

_MONTH: Final = {"pattern": "^[0-9]{4}-[0-9]{2}$", "example": "2026-11"}
_LEFT: Final = {"example": "9999748840"}
_SPENT: Final = {"example": "251160"}
_LINES: Final = [
    {"kind": "granted", "amount_cents": 1000, "amount_nano_usd": "10000000000"},
    {"kind": "charged", "amount_cents": -1, "amount_nano_usd": "-251160"},
]


class StatementHeadSchema(SnakeWire):
    """A month in a list: `open` while it runs, `provisional` while holds of it may still settle.

    A `final` one never changes again.
    """

    period = fields.String(attribute="name", metadata=_MONTH)
    status = fields.String(validate=validate.OneOf((OPEN, PROVISIONAL, FINAL)))
    tier = fields.String(metadata={"example": "premium"})
    closed_at = Moment(allow_none=True, metadata={"example": None})
    opening_nano_usd = Exact(attribute="opening", metadata={"example": "0"})
    closing_nano_usd = Exact(attribute="closing", metadata=dict(_LEFT))
    charged_nano_usd = Exact(attribute="charged", metadata=dict(_SPENT))


class StatementLineSchema(SnakeWire):
    """What moved, signed: with all other lines it leads from the opening balance to the closing."""

    kind = fields.String(metadata={"example": "charged"})
    amount_cents = fields.Integer(attribute="cents", metadata={"example": -1})
    amount_nano_usd = Exact(attribute="amount", metadata={"example": "-251160"})


class StatementShareSchema(SnakeWire):
    """What one had of the charges; `label` is what a key or a person is called today."""

    name = fields.String(metadata={"example": "gpt-4o-mini"})
    label = fields.String(allow_none=True, metadata={"example": None})
    calls = fields.Integer(metadata={"example": 1})
    tokens_input = fields.Integer(attribute="tokens_in", metadata={"example": 812})
    tokens_output = fields.Integer(attribute="tokens_out", metadata={"example": 96})
    cost_cents = fields.Integer(attribute="cents", metadata={"example": 1})
    cost_nano_usd = Exact(attribute="cost", metadata=dict(_SPENT))


def _share(kind: str, label: str) -> dict[str, Any]:
    """Return what the share of a key or a person looks like."""
    named = {"name": example_id(kind), "label": label}
    return {"example": [{**example_of(StatementShareSchema()), **named}]}


class StatementSchema(SnakeWire):
    """The statement of a month. Amounts in nano-USD are exact and cents are rounded once a line.

    Both add up: the opening balance and the lines to the closing balance, each breakdown to what
    was charged.
    """

    period = fields.String(attribute="month.name", metadata=_MONTH)
    status = fields.String(validate=validate.OneOf((OPEN, PROVISIONAL, FINAL)))
    tier = fields.String(attribute="month.tier", metadata={"example": "premium"})
    opening_cents = Have(attribute="month.opening", metadata={"example": 0})
    opening_nano_usd = Exact(attribute="month.opening", metadata={"example": "0"})
    lines = fields.List(
        fields.Nested(StatementLineSchema), attribute="entries", metadata={"example": _LINES}
    )
    closing_cents = Have(attribute="month.closing", metadata={"example": 999})
    closing_nano_usd = Exact(attribute="month.closing", metadata=dict(_LEFT))
    charged_cents = fields.Integer(metadata={"example": 1})
    charged_nano_usd = Exact(attribute="month.charged", metadata=dict(_SPENT))
    by_model = fields.List(fields.Nested(StatementShareSchema), attribute="by_llm")
    by_key = fields.List(fields.Nested(StatementShareSchema), metadata=_share("key", "laptop"))
    by_user = fields.List(fields.Nested(StatementShareSchema), metadata=_share("user", "Ada"))

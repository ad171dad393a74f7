"""Statements: what a month has moved and charged, to the nano-USD and in cents that add up (B-12).

A month that is over for good, closed and without open holds, is written down once and never
changes. Until then it is told as it stands: `open`, or `provisional` while holds may still settle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from models.billing import LIVE, Whose
from models.kernel.errors import NotFound
from models.kernel.ids import parse_id
from models.kernel.logs import get_logger
from models.kernel.money import Nano, shared
from models.kernel.settings import Settings
from models.statements import (
    FINAL,
    Month,
    Statement,
    forget_days,
    labels,
    months,
    months_past,
    statements_due,
)
from models.usage import NO_KEY, Part, Sum, usage

OTHER: Final = "other"
AT_ONCE: Final = 200
WAYS: Final = ("by_llm", "by_key", "by_user")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: what moved, signed; the cents of all lead from opening to closing."""

    kind: str
    amount: Nano
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one LLM, key or person had of the charges; `label` is what it is called today."""

    name: str
    label: str | None
    calls: int
    tokens_in: int
    tokens_out: int
    cost: Nano
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A statement as it is told. Each breakdown adds up to `charged`, and so do its cents."""

    month: Month
    status: str
    entries: tuple[Entry, ...]
    charged_cents: int
    by_llm: tuple[Share, ...]
    by_key: tuple[Share, ...]
    by_user: tuple[Share, ...]


def statement(account_id: UUID, period: date) -> Sheet:
    """Return the statement of a month; raise `NotFound` for one the account does not have."""
    kept = Statement.kept(account_id, period)
    if kept is None:
        month = next((each for each in months(account_id) if each.period == period), None)
        if month is None:
            raise NotFound("there is no statement of this month")
        kept = _written(account_id, month)
        if month.status == FINAL:
            kept = Statement.keep(account_id, month, kept)
    return _told(account_id, kept)


def keep_statements() -> int:
    """Write down the statements of months that are over for good, some at a time; count them."""
    due = statements_due(AT_ONCE)
    for account_id, period in due:
        statement(account_id, period)
    return len(due)


def forget_days_of_usage(settings: Settings) -> int:
    """Delete the sums of days of months that ended long ago and have their statement; count rows.

    A month whose sums are not what its statement charges is left as it is, and logged.
    """
    gone = 0
    days = settings.usage_aggregate_days
    for account_id, period in months_past(days, AT_ONCE):
        removed = forget_days(account_id, period, days)
        if removed is None:
            log.error("statement.differs", account_id=str(account_id), period=period.isoformat())
        gone += removed or 0
    return gone


def entries_of(month: Month) -> tuple[Entry, ...]:
    """Return what moved in a month as lines whose cents lead from its opening to its closing."""
    cents = month.closing.balance_cents - month.opening.balance_cents
    found = shared(cents, list(month.moved.values()))
    return tuple(
        Entry(kind=kind, amount=amount, cents=each)
        for (kind, amount), each in zip(month.moved.items(), found, strict=True)
    )


def _written(account_id: UUID, month: Month) -> Mapping[str, Any]:
    """Return a month as it is kept: numbers and ids alone.

    While it may change, its charges are what its usage says at this moment. What a closed month was
    charged beside its usage, which only a fault brings about, is told as `other`.
    """
    found = usage(Whose(account_id=account_id, mode=LIVE), month.period, month.end)
    if month.status != FINAL:
        month = month.with_charges(found.total.cost)
    rest = month.charged - found.total.cost
    more = (Part(name=OTHER, sum=Sum(cost=rest)),) if rest else ()
    return {
        "tier": month.tier,
        "period": month.period.isoformat(),
        "status": month.status,
        "closing": month.closing.amount,
        "moved": {kind: amount.amount for kind, amount in month.moved.items()},
        **{way: [_kept(part) for part in (*getattr(found, way), *more)] for way in WAYS},
    }


def _kept(part: Part) -> Mapping[str, Any]:
    return {"name": part.name, **asdict(part.sum), "cost": part.sum.cost.amount}


def _told(account_id: UUID, kept: Mapping[str, Any]) -> Sheet:
    """Return a month as it is told: cents that add up, and what keys and people are called."""
    month = Month(
        period=date.fromisoformat(kept["period"]), tier=kept["tier"], closed_at=None, held=Nano(0),
        closing=Nano(kept["closing"]),
        moved={kind: Nano(amount) for kind, amount in kept["moved"].items()},
    )  # fmt: skip
    entries = entries_of(month)
    charged_cents = -next(entry.cents for entry in entries if entry.kind == "charged")
    called = labels(account_id, _ids("key", kept["by_key"]), _ids("user", kept["by_user"]))
    by_llm, by_key, by_user = (_shares(kept[way], charged_cents, called) for way in WAYS)
    return Sheet(
        month=month, status=kept["status"], entries=entries, charged_cents=charged_cents,
        by_llm=by_llm, by_key=by_key, by_user=by_user,
    )  # fmt: skip


def _shares(
    parts: Sequence[Mapping[str, Any]], cents: int, called: Mapping[str, str]
) -> tuple[Share, ...]:
    costs = [Nano(part["cost"]) for part in parts]
    return tuple(
        Share(**{**part, "cost": cost}, label=called.get(part["name"]), cents=each)
        for part, cost, each in zip(parts, costs, shared(cents, costs), strict=True)
    )


def _ids(kind: str, parts: Sequence[Mapping[str, Any]]) -> list[UUID]:
    names = (part["name"] for part in parts)
    return [parse_id(kind, name) for name in names if name not in {NO_KEY, OTHER}]

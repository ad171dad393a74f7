"""Credits: how an account stands with its means and its limits, and what a refusal says of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from uuid import UUID

from models.kernel.database import database
from models.kernel.denials import PaymentRequired
from models.kernel.money import Nano

_WORDS: Final[Mapping[str, str]] = {
    "credits": "the balance does not cover the most this call may cost: add credits, ask for fewer"
    " `max_tokens`, choose a higher tier, or come back after {at}",
    "cost": "this would pass what a month of the {tier} tier may cost: choose a higher tier, or"
    " come back after {at}",
    "tokens": "this would pass the tokens a day of the {tier} tier: ask for fewer `max_tokens`,"
    " choose a higher tier, or come back after {at}",
    "budget": "this would pass a budget that was set for it: raise the budget, or come back after"
    " {at}",
}
_COLUMNS: Final[Mapping[str, str]] = {
    "tier": "account.tier",
    "balance": "balance_nano",
    "all_held": "held_nano",
    "credits": "least(greatest(granted_nano - repaid_nano - spent_nano, 0),"
    " greatest(balance_nano, 0))",
    "granted": "granted_nano",
    "spent": "spent_nano",
    "held": "held_nano - late_held_nano",
    "lifetime": "lifetime_nano",
    "sandbox": "sandbox_nano",
    "overdraft": "plan.overdraft_nano",
    "cost_limit": "coalesce(cost_limit_nano, cost_nano)",
    "tokens_limit": "coalesce(tokens_limit, tokens_a_day)",
    "tokens_used": "day_tokens",
    "tokens_held": "day_tokens_held",
    "period": "period",
    "day": "day",
    "grace_started_at": "grace_started_at",
    "grace_hours": "grace_hours",
    "used_percent": "coalesce(credit_used(account, plan), 0)",
}
_AMOUNTS: Final = (
    "balance", "all_held", "credits", "granted", "spent", "held", "lifetime", "sandbox",
    "overdraft", "cost_limit",
)  # fmt: skip
_EXHAUSTED: Final = "select credit_exhausted(%s, %s)"
_OPEN: Final = """
select period_open(id) from account
where id = %s and (period is null or day is null or day < billing_day())
"""
_STANDING: Final = (
    f"select {', '.join(_COLUMNS.values())} from account join plan using (tier)"
    " where account.id = %s"
)


def tell_exhausted(account_id: UUID, refused: PaymentRequired) -> None:
    """Write down, once a month, that an account's means have refused something; no budget is one.

    Apart from what was refused, of which nothing is kept.
    """
    database.rows(_EXHAUSTED, (account_id, refused.short))


def short_of(error: Exception) -> PaymentRequired:
    """Return what a hold that was refused (ILM02) says: what is short, and until when."""
    origin = error.__cause__ or getattr(error, "orig", None) or error
    told = json.loads(origin.diag.message_detail)  # type: ignore[union-attr]  # psycopg2's
    resets_at = datetime.fromisoformat(told["resetAt"])
    words = _WORDS[told["what"]].format(tier=told["tier"], at=f"{resets_at:%Y-%m-%d %H:%M} UTC")
    return PaymentRequired.until(resets_at, words, told["what"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """How an account stands. `credits` is what is left of the month's, within `balance`.

    `spent` and `held` are of the month, tokens of the day; a limit that is None is none.
    """

    tier: str
    balance: Nano
    all_held: Nano
    credits: Nano
    granted: Nano
    spent: Nano
    held: Nano
    lifetime: Nano
    sandbox: Nano
    cost_limit: Nano | None
    tokens_limit: int | None
    tokens_used: int
    tokens_held: int
    period: date
    day: date
    grace_started_at: datetime | None
    grace_hours: int
    overdraft: Nano
    used_percent: int

    @classmethod
    def of(cls, account_id: UUID) -> Self:
        """Return how an account stands now, its month opened if it was not (B-02)."""
        with database.unit():
            database.rows(_OPEN, (account_id,))
            (row,) = database.rows(_STANDING, (account_id,))
        told = dict(zip(_COLUMNS, row, strict=True))
        told |= {name: Nano(told[name]) for name in _AMOUNTS if told[name] is not None}
        return cls(**told)

    @property
    def resets_at(self) -> datetime:
        """When the next month begins, with new credits."""
        following = (self.period.replace(day=1) + timedelta(days=32)).replace(day=1)
        return datetime.combine(following, time(), UTC)

    @property
    def day_ends_at(self) -> datetime:
        """When the next day begins, with new tokens."""
        return datetime.combine(self.day + timedelta(days=1), time(), UTC)

    @property
    def tokens_left(self) -> int | None:
        """How many tokens more the day holds; None without a limit."""
        if self.tokens_limit is None:
            return None
        return max(0, self.tokens_limit - self.tokens_used - self.tokens_held)

    @property
    def cents_left(self) -> int | None:
        """The cents of the month's limit that are not used; with those used they make it up."""
        if self.cost_limit is None:
            return None
        return max(0, self.cost_limit.balance_cents - self.spent.cost_cents)

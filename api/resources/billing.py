"""Billing, as an account reads its own: balance, usage, transactions, limits, budgets (B-04 on)."""

from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.models import MARKUP_PERCENT
from api.schemas import billing as shapes
from api.schemas.lists import page_of
from api.spending import WARNED_FROM
from jobs.budgets import budgets_of, lift_budget, set_budget
from jobs.llms.costs import charge
from jobs.llms.provider import Tokens
from models.billing import LIVE, Whose, transaction, transactions
from models.credits import Credit
from models.kernel.clock import Clock
from models.kernel.errors import Detail, Forbidden, Invalid
from models.kernel.money import ZERO
from models.llms import PICO_PER_TOKEN, llm_named
from models.usage import usage

WEEK: Final = "week"
DAY: Final = "day"

_BALANCE: Final = shapes.BalanceSchema()
_USAGE: Final = shapes.BillingUsageSchema()
_TRANSACTION: Final = shapes.TransactionSchema()
_LIMITS: Final = shapes.BillingLimitsSchema()
_ESTIMATE: Final = shapes.EstimateSchema()
_BUDGET: Final = shapes.BudgetSchema()


class Billing:
    """What an account reads of its money."""

    def on_get_balance(self, req: Request, resp: Response) -> None:
        """Tell the balance; with a test key that of the sandbox, whose credits cost nothing."""
        principal = req.context.principal
        credit = Credit.of(principal.account_id)
        told = _fields(credit)
        if principal.mode != LIVE:
            told |= {"balance": credit.sandbox, "credits": ZERO, "all_held": ZERO, "lifetime": ZERO}
        resp.media = _BALANCE.dump({**told, "resets_at": credit.resets_at})

    def on_get_usage(self, req: Request, resp: Response) -> None:
        """Tell what a day, a week or a month has held so far, or any days."""
        wish = req.context.query
        span, start, end = wish["period"], wish["start"], wish["end"]
        if not start:
            start, end = _days_of(span, Credit.of(req.context.principal.account_id))
        resp.media = {**_USAGE.dump(usage(whose(req), start, end)), "period": span}

    def on_get_transactions(self, req: Request, resp: Response) -> None:
        """List transactions, newest first."""
        listing = transactions(whose(req), **req.context.query)
        resp.media = page_of(shapes.TransactionSchema).dump(listing)

    def on_get_transaction(self, req: Request, resp: Response, txn_id: UUID) -> None:
        """Show one."""
        resp.media = _TRANSACTION.dump(transaction(whose(req), txn_id))

    def on_get_limits(self, req: Request, resp: Response) -> None:
        """Tell every limit, and how much of each is used up."""
        resp.media = _LIMITS.dump(limits_of(Credit.of(req.context.principal.account_id)))


class Estimates:
    """What a call would cost."""

    def __init__(self, clock: Clock, rounding: str) -> None:
        """Take the time, since prices are those of the day, and how a charge is rounded."""
        self._clock = clock
        self._rounding = rounding

    def on_post(self, req: Request, resp: Response) -> None:
        """Price so many tokens of an LLM; raise `Invalid` for one nobody knows."""
        wish = req.context.body
        llm = llm_named(wish["model"])
        if llm is None:
            raise Invalid(details=[Detail("model", "There is no LLM of this name.")])
        price = llm.price_on(self._clock.now().date())
        tokens = Tokens(input=wish["input_tokens"], output=wish["estimated_output_tokens"])
        listed = price.of(tokens.input)
        resp.media = _ESTIMATE.dump(
            {
                "model": llm.name,
                "cost": charge(tokens, price, self._rounding),
                "input_cost_per_1m": Decimal(listed.input) / PICO_PER_TOKEN,
                "output_cost_per_1m": Decimal(listed.output) / PICO_PER_TOKEN,
                "markup_percent": MARKUP_PERCENT,
            }
        )


class Budgets:
    """What an account allows itself to spend."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List them."""
        found = budgets_of(req.context.principal.account_id)
        resp.media = {"data": _BUDGET.dump(found, many=True)}

    def on_post(self, req: Request, resp: Response) -> None:
        """Set one."""
        made = set_budget(_live_account(req), req.context.body, self._clock)
        resp.media = _BUDGET.dump(made)

    def on_delete(self, req: Request, _resp: Response, budget_id: UUID) -> None:
        """Lift one."""
        lift_budget(_live_account(req), budget_id)


def whose(req: Request) -> Whose:
    """Return whose money a request is about."""
    principal = req.context.principal
    return Whose(account_id=principal.account_id, mode=principal.mode)


def _live_account(req: Request) -> UUID:
    """Return whose money a budget bounds; raise `Forbidden` for a test key, which spends none."""
    mine = whose(req)
    if mine.mode != LIVE:
        raise Forbidden("a test key neither sets nor lifts a budget: it spends nothing")
    return mine.account_id


def limits_of(credit: Credit) -> dict[str, Any]:
    """Return what the schema of limits tells of an account."""
    same = ("tokens_per_day", "monthly_cost", "grace")
    told = {**_fields(credit), **dict.fromkeys(same, credit)}
    return {**told, "soft_limit_percent": WARNED_FROM}


def _fields(credit: Credit) -> dict[str, Any]:
    return {each.name: getattr(credit, each.name) for each in fields(credit)}


def _days_of(span: str, credit: Credit) -> tuple[date, date]:
    """Return the first day of a span that holds today, and the day after its last, by UTC."""
    if span == DAY:
        return credit.day, credit.day + timedelta(days=1)
    if span == WEEK:
        monday = credit.day - timedelta(days=credit.day.weekday())
        return monday, monday + timedelta(days=7)
    return credit.period, credit.resets_at.date()

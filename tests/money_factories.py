"""Factories of money: what is held, what was moved, what was used."""

from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from models.budgets import Budget
from models.jobs import CreditHold
from models.kernel.clock import SystemClock
from models.kernel.ids import new_id
from models.purchases import LedgerNote, Purchase
from tests.making import Row, account, inserted, made, numbers

DAY: Final = date(2026, 11, 1)


def hold(of: UUID | None = None, **given: Any) -> CreditHold:
    """A thousand nano-USD kept back for a job."""
    usual = {
        "job_id": new_id(),
        "account_id": of or account().id,
        "amount_nano": 1_000,
        "settled_nano": 0,
        "state": "held",
    }
    return made(CreditHold, {**usual, **given}, "job_id")


def ledger_entry(**given: Any) -> Row:
    """One leg of a movement; its other leg is the test's to write."""
    usual = {
        "transaction_id": new_id(),
        "account": "revenue",
        "amount_nano": 1_000,
        "idem": f"movement {next(numbers)}",
    }
    return inserted("ledger_entry", {**usual, **given})


def usage_line(of: UUID | None = None, **given: Any) -> Row:
    """One call of a free LLM."""
    usual = {
        "job_id": new_id(),
        "step": 0,
        "account_id": of or new_id(),
        "mode": "live",
        "operation": "completion",
        "llm": "ilm-extractive",
        "price_id": "free",
        "tokens_in": 1,
        "tokens_out": 1,
        "cost_nano": 0,
        "day": DAY,
    }
    return inserted("usage_line", {**usual, **given})


def usage_day(of: UUID | None = None, **given: Any) -> Row:
    """A day on which a free LLM was called once, its detail gone."""
    counts = ("tokens_cached", "tokens_written", "tokens_written_long", "tokens_reasoning")
    money = ("cost_nano", "vendor_nano", "borne_calls", "borne_nano")
    usual = {
        "account_id": of or new_id(),
        "mode": "live",
        "day": date(2026, 1, 1),
        "operation": "completion",
        "vendor": "ilm",
        "llm": "ilm-extractive",
        "is_kept": True,
        **dict.fromkeys(("calls", "tokens_in", "tokens_out"), 1),
        **dict.fromkeys((*counts, *money), 0),
    }
    return inserted("usage_day", {**usual, **given})


def statement(of: UUID | None = None, **given: Any) -> Row:
    """The statement of a month in which nothing moved."""
    usual = {"account_id": of or account().id, "period": DAY, "body": "{}", "charged_nano": 0}
    return inserted("statement", {**usual, **given})


def statement_paper(of: UUID | None = None, **given: Any) -> Row:
    """An empty sheet of paper."""
    usual = {"account_id": of or account().id, "period": DAY, "digest": b"", "content": b"%PDF"}
    return inserted("statement_paper", {**usual, **given})


def money_letter(of: UUID | None = None, **given: Any) -> Row:
    """A summary that somebody is to have."""
    return inserted("money_letter", {"person_id": of or new_id(), "about": "daily:x", **given})


def usage_dirty(of: UUID | None = None, **given: Any) -> Row:
    """A day whose detail has changed."""
    return inserted("usage_dirty", {"account_id": of or new_id(), "day": DAY, **given})


def usage_rolled(**given: Any) -> Row:
    """Where the sums of days end."""
    return inserted("usage_rolled", {"through": DAY, **given})


def plan(**given: Any) -> Row:
    """A tier that holds nothing."""
    usual = {
        "tier": f"tier {next(numbers)}",
        "credits_nano": 0,
        "grace_hours": 0,
        "overdraft_nano": 0,
    }
    return inserted("plan", {**usual, **given})


def credit_period(of: UUID | None = None, **given: Any) -> Row:
    """A month of a free account."""
    usual = {
        "account_id": of or account().id,
        "period": date(2026, 10, 1),
        "tier": "free",
        "granted_nano": 1_000_000_000,
        "opened_at": datetime(2026, 10, 1, tzinfo=UTC),
    }
    return inserted("credit_period", {**usual, **given})


def budget(of: UUID | None = None, **given: Any) -> Budget:
    """A dollar a month for a whole account."""
    usual = {
        "account_id": of or account().id,
        "amount_nano": 1_000_000_000,
        "started": date(2026, 11, 1),
    }
    return made(Budget, {**usual, **given})


def purchase(of: UUID | None = None, **given: Any) -> Purchase:
    """Ten dollars that nobody has paid yet."""
    now = SystemClock().now()
    usual = {
        "account_id": of or account().id,
        "user_id": new_id(),
        "mode": "live",
        "amount_cents": 1_000,
        "gateway": "fake",
        "ask_after": now,
        "created_at": now,
        "updated_at": now,
    }
    return made(Purchase, {**usual, **given})


def ledger_note(of: UUID | None = None, **given: Any) -> LedgerNote:
    """Why somebody moved money by hand."""
    usual = {
        "idem": f"adjust:{new_id()}",
        "account_id": of or account().id,
        "actor_id": new_id(),
        "reason": "a mistake",
        "created_at": SystemClock().now(),
    }
    return made(LedgerNote, {**usual, **given}, "idem")

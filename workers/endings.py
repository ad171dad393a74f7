"""Endings: how a job's row says that it is over, of what its function gave or raised."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from peewee import InterfaceError, OperationalError

from jobs.run import Effect, FinalFailure, Outcome, Usage
from models.engine import Ending
from models.kernel.errors import Cancelled, IlmError, Refused

OUTAGES: Final = (OperationalError, InterfaceError)
INTERNAL: Final = "INTERNAL_ERROR"


def whole(outcome: Outcome) -> Ending:
    """Return the end of a job that did what it was asked."""
    return Ending(
        "succeeded",
        outcome.result,
        cost=outcome.cost,
        usage=_lines(outcome.usage),
        effects=_statements(outcome.effects),
    )


def refused(error: Refused, state: str = "failed") -> Ending:
    """Return the end of a job that leaves nothing."""
    code, words = told(error)
    return Ending(state, error_code=code, error_message=words)


def cut_short(failure: FinalFailure) -> Ending:
    """Return the end of a job that may leave something: a beginning, and what that cost."""
    code, words = told(failure.cause)
    return Ending(
        "cancelled" if isinstance(failure.cause, Cancelled) else "failed",
        failure.result,
        error_code=code,
        error_message=words,
        cost=failure.cost,
        usage=_lines(failure.usage),
        effects=_statements(failure.effects),
    )


def told(error: Exception) -> tuple[str, str]:
    """Return code and words for the owner: ours as they are, of bugs and outages nothing inner."""
    if isinstance(error, IlmError):
        return error.code, error.message or error.code
    if isinstance(error, OUTAGES):
        return "SERVICE_UNAVAILABLE", "the database did not answer"
    return INTERNAL, "an error of ours; it is logged"


def _statements(effects: Sequence[Effect]) -> list[tuple[str, Sequence[Any]]]:
    return [(effect.sql, effect.parameters) for effect in effects]


def _lines(usage: Sequence[Usage]) -> list[dict[str, Any]]:
    """Return calls as the finish writes them down, numbered."""
    return [_line(step, line) for step, line in enumerate(usage)]


def _line(step: int, line: Usage) -> dict[str, Any]:
    fields = asdict(line)
    cost, vendor_cost = fields.pop("cost"), fields.pop("vendor_cost")
    amounts = {"cost_nano": cost["amount"], "vendor_nano": vendor_cost["amount"]}
    return {**fields, **amounts, "step": step}

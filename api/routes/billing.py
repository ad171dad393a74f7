"""The routes of billing (CONTRACT §6, B-04 to B-08, B-15, B-17)."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.billing import Billing, Budgets, Estimates
from api.schemas import billing as shapes
from api.schemas.lists import PageQuery, page_of
from models.kernel.errors import DuplicateResource, Forbidden, NotFound

TAG: Final = "Billing"


def billing_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of billing."""
    return (*_reading(Billing()), *_estimates(parts), *_budgets(parts))


def _reading(billing: Billing) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"method": "GET", "permission": "billing:read", "tag": TAG}
    balance: dict[str, Any] = {
        "handler": billing.on_get_balance,
        "summary": "My balance",
        "answer": shapes.BalanceSchema(),
        **common,
    }
    used: dict[str, Any] = {
        "handler": billing.on_get_usage,
        "summary": "What I have used",
        "query": shapes.SpanQuery(),
        "answer": shapes.BillingUsageSchema(),
        **common,
    }
    return (
        Endpoint(path="/v1/billing/balance", **balance),
        Endpoint(path="/v1/ai/billing/balance", **balance),
        Endpoint(path="/v1/billing/usage", **used),
        Endpoint(path="/v1/ai/billing/usage", **used),
        Endpoint(
            path="/v1/billing/transactions",
            handler=billing.on_get_transactions,
            summary="What was charged, bought and granted",
            description="Operations are listed for 90 days, movements of money for ever.",
            query=PageQuery(),
            answer=page_of(shapes.TransactionSchema),
            **common,
        ),
        Endpoint(
            path="/v1/billing/transactions/{txn_id}",
            handler=billing.on_get_transaction,
            summary="One transaction",
            answer=shapes.TransactionSchema(),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            path="/v1/billing/limits",
            handler=billing.on_get_limits,
            summary="My limits, and what is used of them",
            answer=shapes.BillingLimitsSchema(),
            **common,
        ),
    )


def _estimates(parts: Parts) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path="/v1/ai/estimate",
            handler=Estimates(parts.clock, parts.settings.billing_rounding).on_post,
            permission="billing:read",
            summary="What a call would cost",
            tag=TAG,
            body=shapes.EstimateQuery(),
            answer=shapes.EstimateSchema(),
            example={"model": "gpt-4o-mini", "input_tokens": 500, "estimated_output_tokens": 200},
        ),
    )


def _budgets(parts: Parts) -> tuple[Endpoint, ...]:
    budgets = Budgets(parts.clock)
    common: dict[str, Any] = {"permission": "billing:write", "tag": TAG}
    return (
        Endpoint(
            method="GET",
            path="/v1/billing/budgets",
            handler=budgets.on_get,
            permission="billing:read",
            summary="My budgets",
            tag=TAG,
            answer=shapes.BudgetsSchema(),
        ),
        Endpoint(
            method="POST",
            path="/v1/billing/budgets",
            handler=budgets.on_post,
            summary="Set a budget",
            description="A hard one refuses what would pass it with 402; any writes the event"
            " `budget.alert` when a share of `alert_at`, in percent, is spent.",
            status=201,
            creates=True,
            body=shapes.NewBudgetSchema(),
            answer=shapes.BudgetSchema(),
            errors=(Forbidden, DuplicateResource),
            example={"scope": "account", "period": "day", "amount_nano_usd": "500000000"},
            shows={"spent_nano_usd": "0"},
            **common,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/billing/budgets/{budget_id}",
            handler=budgets.on_delete,
            summary="Lift a budget",
            status=204,
            errors=(Forbidden, NotFound),
            **common,
        ),
    )

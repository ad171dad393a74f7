"""The routes of money for administrators."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.adjustments import AccountBooks, Adjustments
from api.schemas import adjustments as shapes
from api.schemas.purchases import PurchaseSchema, ReasonSchema
from api.schemas.wire import example_id
from models.kernel.errors import Conflict, NotFound, Unavailable

ONE: Final = "/v1/admin/billing/accounts/{user_id}"


def adjustment_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of money for administrators."""
    common: dict[str, Any] = {"permission": "billing:admin", "tag": "Administration"}
    return (*_movements(parts, common), *_accounts(parts, common))


def _movements(parts: Parts, common: dict[str, Any]) -> tuple[Endpoint, ...]:
    adjustments = Adjustments(parts.purchases, parts.clock)
    return (
        Endpoint(
            method="POST",
            path="/v1/admin/billing/adjustments",
            handler=adjustments.on_post,
            summary="Give somebody money, or take it",
            description="What is less than nothing is taken; more than the balance has, beside what"
            " is held of it, is 409.",
            status=201,
            creates=True,
            body=shapes.NewAdjustmentSchema(),
            answer=shapes.AdjustmentSchema(),
            errors=(NotFound, Conflict),
            example={
                "user_id": example_id("user"),
                "amount_nano_usd": "-2500000000",
                "reason": "Bought by mistake.",
            },
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/billing/purchases/{purchase_id}/refund",
            handler=adjustments.on_post_refund,
            summary="Give a purchase back",
            description="Its credits are taken first: when the balance does not cover them, or the"
            " gateway keeps the money, it is 409 and nothing is changed. After a 503 it goes on by"
            " itself, or when it is asked again.",
            body=ReasonSchema(),
            answer=PurchaseSchema(),
            errors=(NotFound, Conflict, Unavailable),
            shows={"status": "refunded", "refunded_cents": 1_000},
            **common,
        ),
    )


def _accounts(parts: Parts, common: dict[str, Any]) -> tuple[Endpoint, ...]:
    books = AccountBooks(parts.clock)
    return (
        Endpoint(
            method="GET",
            path=ONE,
            handler=books.on_get,
            summary="How somebody's account stands",
            answer=shapes.BooksSchema(),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="PUT",
            path=f"{ONE}/limits",
            handler=books.on_put_limits,
            summary="Set somebody's limits",
            description="They win over those of the tier, which null brings back; what is left out"
            " stays.",
            body=shapes.NewLimitsSchema(),
            answer=shapes.BooksSchema(),
            errors=(NotFound,),
            example={"monthly_cost_nano_usd": "100000000000", "tokens_per_day": None},
            **common,
        ),
    )

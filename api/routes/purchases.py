"""The routes of purchases, and of what payment gateways tell."""

from typing import Any, Final

from api.endpoints import PUBLIC, Endpoint
from api.parts import Parts
from api.resources.purchases import OwnPurchases, StripeEvents
from api.schemas.lists import PageQuery, page_of
from api.schemas.purchases import NewPurchaseSchema, PurchaseSchema, StripeEventSchema
from api.schemas.wire import Nothing
from models.kernel.errors import Conflict, NotFound, Unauthorized, Unavailable

TAG: Final = "Billing"
MOST_EVENT: Final = 2**18


def purchase_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of purchases."""
    return (*_own(parts), *_told(parts))


def _own(parts: Parts) -> tuple[Endpoint, ...]:
    purchases = OwnPurchases(parts.purchases)
    reading: dict[str, Any] = {"method": "GET", "permission": "billing:read", "tag": TAG}
    return (
        Endpoint(
            method="POST",
            path="/v1/ai/billing/purchase",
            handler=purchases.on_post,
            permission="billing:write",
            summary="Buy credits",
            description="A purchase that is `pending` is paid at `checkout_url`; its credits are"
            " there as soon as the gateway says so. With a test key nothing is paid, and the"
            " credits are the sandbox's: 5001 cents are declined, 5002 stay pending, 5003 are paid"
            " a while later, and 5004 cannot be refunded. Repeated with the same `Idempotency-Key`"
            " it is the same purchase, as it is then.",
            tag=TAG,
            status=201,
            keyed=True,
            body=NewPurchaseSchema(),
            answer=PurchaseSchema(),
            errors=(Conflict, Unavailable),
            example={"amount_cents": 1_000},
        ),
        Endpoint(
            path="/v1/billing/purchases",
            handler=purchases.on_get,
            summary="My purchases",
            query=PageQuery(),
            answer=page_of(PurchaseSchema),
            **reading,
        ),
        Endpoint(
            path="/v1/billing/purchases/{purchase_id}",
            handler=purchases.on_get_one,
            summary="One purchase",
            answer=PurchaseSchema(),
            errors=(NotFound,),
            **reading,
        ),
    )


def _told(parts: Parts) -> tuple[Endpoint, ...]:
    events = StripeEvents(parts.purchases)
    return (
        Endpoint(
            method="POST",
            path="/v1/billing/stripe",
            handler=events.on_post,
            permission=PUBLIC,
            summary="What Stripe tells us",
            description="For Stripe alone, which signs what it sends (`Stripe-Signature`). An event"
            " is a reason to ask Stripe; sent twice, or out of order, it changes nothing.",
            tag=TAG,
            body_limit=MOST_EVENT,
            body=StripeEventSchema(),
            answer=Nothing(),
            errors=(Unauthorized, Unavailable),
        ),
    )

"""Purchases of credits: begun, read, and told of by Stripe (B-09)."""

from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.idempotency import idempotency_key
from api.schemas.lists import page_of
from api.schemas.purchases import PurchaseSchema
from jobs.payments.gateway import STRIPE
from jobs.purchases import Buyer, Purchases
from models.kernel.errors import Unauthorized
from models.kernel.ids import wire_id
from models.listings import Listing
from models.purchases import Purchase

SIGNATURE: Final = "Stripe-Signature"

_PURCHASE: Final = PurchaseSchema()


class OwnPurchases:
    """What an account has bought."""

    def __init__(self, purchases: Purchases) -> None:
        """Take what buys."""
        self._purchases = purchases

    def on_post(self, req: Request, resp: Response) -> None:
        """Begin a purchase."""
        principal = req.context.principal
        buyer = Buyer(
            account_id=principal.account_id,
            user_id=principal.user_id,
            mode=principal.mode,
            key=idempotency_key(req),
        )
        bought, is_replayed = self._purchases.buy(buyer, req.context.body["amount_cents"])
        resp.media = _PURCHASE.dump(bought)
        resp.set_header("Location", f"/v1/billing/purchases/{wire_id('purchase', bought.id)}")
        if is_replayed:
            resp.set_header("Idempotent-Replayed", "true")

    def on_get(self, req: Request, resp: Response) -> None:
        """List purchases, newest first."""
        principal = req.context.principal
        rows = Purchase.of(principal.account_id, principal.mode)
        resp.media = page_of(PurchaseSchema).dump(Listing.of(rows, **req.context.query))

    def on_get_one(self, req: Request, resp: Response, purchase_id: UUID) -> None:
        """Show one."""
        principal = req.context.principal
        row = Purchase.owned_by(principal.account_id, principal.mode, purchase_id)
        resp.media = _PURCHASE.dump(row)


class StripeEvents:
    """What Stripe tells us."""

    def __init__(self, purchases: Purchases) -> None:
        """Take what acts on it."""
        self._purchases = purchases

    def on_post(self, req: Request, _resp: Response) -> None:
        """Act on an event; one of no kind we know is taken in silence."""
        gateway = self._purchases.till.gateways.get(STRIPE)
        if gateway is None:
            raise Unauthorized("no payments are taken by Stripe here")
        notice = gateway.notice_of(req.context.raw, req.get_header(SIGNATURE) or "")
        if notice is not None:
            self._purchases.hear(STRIPE, notice)

"""What administrators do to somebody's money, and see of it (B-09, B-13)."""

from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.billing import limits_of
from api.resources.people import actor_of
from api.schemas.adjustments import AdjustmentSchema, BooksSchema
from api.schemas.purchases import PurchaseSchema
from jobs.adjustments import Books, adjust, books_of, limit, refund
from jobs.purchases import Purchases
from models.kernel.clock import Clock

_ADJUSTMENT: Final = AdjustmentSchema()
_PURCHASE: Final = PurchaseSchema()
_BOOKS: Final = BooksSchema()


class Adjustments:
    """Money that is moved by hand."""

    def __init__(self, purchases: Purchases, clock: Clock) -> None:
        """Take what gives purchases back, and the time."""
        self._purchases = purchases
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Give somebody money, or take it."""
        wish = req.context.body
        made = adjust(wish["user_id"], wish["amount"], wish["reason"], actor_of(req), self._clock)
        resp.media = _ADJUSTMENT.dump(made)

    def on_post_refund(self, req: Request, resp: Response, purchase_id: UUID) -> None:
        """Give a purchase back."""
        reason = req.context.body["reason"]
        row = refund(purchase_id, reason, actor_of(req), self._purchases, self._clock)
        resp.media = _PURCHASE.dump(row)


class AccountBooks:
    """How an account stands."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, _req: Request, resp: Response, user_id: UUID) -> None:
        """Show it."""
        _show(resp, books_of(user_id))

    def on_put_limits(self, req: Request, resp: Response, user_id: UUID) -> None:
        """Set limits over those of its tier."""
        _show(resp, limit(user_id, req.context.body, actor_of(req), self._clock))


def _show(resp: Response, books: Books) -> None:
    told = {"user_id": books.user_id, "credit": books.credit, "own": books.own}
    resp.media = _BOOKS.dump({**told, "limits": limits_of(books.credit)})

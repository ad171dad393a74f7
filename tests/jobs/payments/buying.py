"""What tests of payments share: a till, who buys at it, and what the ledger says of it."""

from typing import Any
from uuid import UUID

from peewee import SQL

from jobs.payments.fake import FakeGateway
from jobs.payments.gateway import FAKE, Gateway
from jobs.payments.till import Till
from jobs.purchases import Buyer, Purchases
from models.kernel.clock import Clock, SystemClock
from models.kernel.database import database
from models.kernel.ids import new_id, parse_id
from models.purchases import Purchase

CENT = 10_000_000

_LEGS = "select account, amount_nano from ledger_entry where idem ~ %s order by idem, amount_nano"


def purchases_at(gateway: Gateway | None = None, clock: Clock | None = None) -> Purchases:
    """Purchases at one gateway, the fake by default; test keys pay at the fake."""
    taker = gateway or FakeGateway()
    gateways = {FAKE: FakeGateway(), taker.name: taker}
    return Purchases(Till(gateways=gateways, live=taker.name), clock or SystemClock())


def buyer(account_id: UUID, mode: str = "live", **given: Any) -> Buyer:
    usual = {"user_id": new_id(), "key": None}
    return Buyer(account_id=account_id, mode=mode, **{**usual, **given})


def due(purchase: str | UUID) -> None:
    """Have it asked about now."""
    key = parse_id("purchase", purchase) if isinstance(purchase, str) else purchase
    past = SQL("created_at - interval '1 hour'")
    Purchase.update({Purchase.ask_after: past}).where(Purchase.id == key).execute()


def legs(purchase: str | UUID) -> list[tuple[str, int]]:
    """Return what the ledger has of a purchase and its refunds."""
    key = parse_id("purchase", purchase) if isinstance(purchase, str) else purchase
    return [tuple(row) for row in database.rows(_LEGS, (f"^(purchase|refund):{key}",))]

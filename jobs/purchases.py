"""Purchases: credits for money, granted once when a gateway says that they are paid (B-09, B-20).

A purchase is a row before any gateway hears of it, and each of its transitions is committed by
itself: whatever is lost between gateway and database is found by asking again.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from jobs.payments.gateway import FAILED, PAID, USD, Notice, Order, Payment, Repayment
from jobs.payments.till import Till
from models.idempotency import IdempotencyKey, fingerprint
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import IdempotencyMismatch, Unavailable, UpstreamRefused
from models.kernel.ids import new_id, parse_id, wire_id
from models.kernel.logs import get_logger
from models.purchases import KEPT_OPEN, PENDING, REFUNDING, Purchase

LEAST_CENTS: Final = 100
MOST_CENTS: Final = 100_000
AT_ONCE: Final = 20

_NOTE_KEY: Final = """
update idempotency_key set job_id = %s where account_id = %s and mode = %s and key = %s
"""
_NEW: Final = """
insert into purchase (id, account_id, user_id, mode, amount_cents, gateway)
values (%s, %s, %s, %s, %s, %s)
"""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who buys, for which account, live or with a test key; `key` is their Idempotency-Key."""

    account_id: UUID
    user_id: UUID
    mode: str
    key: str | None = None


class Purchases:
    """Buys at a till, and hears what became of it."""

    def __init__(self, till: Till, clock: Clock) -> None:
        """Take the gateways, and the time."""
        self.till = till
        self._clock = clock

    def buy(self, buyer: Buyer, cents: int) -> tuple[Purchase, bool]:
        """Begin a purchase, or return the one of this key; True when it was begun before.

        Raises `Conflict` where nobody takes payments, `IdempotencyMismatch`, and `Unavailable` when
        the gateway does not answer: repeated with the same key, it goes on with the same purchase.
        """
        gateway = self.till.gateway_for(buyer.mode)
        with database.unit():
            known = _known(buyer, cents)
            row = known or _new(buyer, cents, gateway.name)
        if row.status == PENDING and row.reference is None:
            self._begin(row)
        return row.fresh, known is not None

    def ask(self, row: Purchase) -> None:
        """Ask the gateway what became of a purchase, and do what follows; raise `Unavailable`."""
        if row.status == REFUNDING:
            self.repay(row)
        elif row.status == PENDING and row.reference is None:
            self._begin(row)
        elif row.reference is not None:
            self._learn(row, self.till.named(row.gateway).look(row.reference))

    def give_up(self, row: Purchase) -> None:
        """Ask no more about a purchase that has been open for too long."""
        if row.created_at + KEPT_OPEN < self._clock.now() and row.failed("abandoned"):
            log.warning("purchase.abandoned", purchase_id=str(row.id))

    def repay(self, row: Purchase) -> None:
        """Have the gateway give back what a refund has taken; raise `Unavailable`."""
        wanted = Repayment(
            purchase=wire_id("purchase", row.id),
            payment=row.payment or "",
            cents=row.refund_cents,
            number=row.refunds,
        )
        try:
            self.till.named(row.gateway).repay(wanted)
        except UpstreamRefused as refused:
            row.kept(row.refunds, refused.message or refused.code)
            return
        if row.refunded():
            log.info("purchase.refunded", purchase_id=str(row.id), cents=wanted.cents)

    def hear(self, name: str, notice: Notice) -> None:
        """Act on a message of a gateway: ask it about whatever the message is about."""
        gateway = self.till.named(name)
        if notice.failed_refund:
            failed = gateway.failed_repayment(notice.failed_refund)
            row = failed and _purchase_named(failed.purchase, name)
            if failed and row and row.kept(failed.number, "refund_failed"):
                log.warning("purchase.refund_failed", purchase_id=str(row.id))
            return
        row = _purchase_about(notice, name)
        if row is None:
            return
        found = gateway.look(row.reference or notice.reference)
        if notice.payment:
            if row.reversed(min(found.reversed_cents, row.amount_cents)):
                log.warning("purchase.reversed", purchase_id=str(row.id))
        else:
            self._learn(row, found)

    def _begin(self, row: Purchase) -> None:
        order = Order(purchase=wire_id("purchase", row.id), cents=row.amount_cents)
        try:
            begun = self.till.named(row.gateway).begin(order)
        except UpstreamRefused as refused:
            row.failed(refused.message or refused.code)
            return
        self._learn(row, begun)

    def _learn(self, row: Purchase, found: Payment) -> None:
        """Do what a payment asks for: money for what was paid exactly, and for nothing else."""
        if found.purchase != wire_id("purchase", row.id):
            log.error("purchase.mismatch", purchase_id=str(row.id), what="purchase")
            return
        row.begun(found.reference, found.checkout_url)
        if found.state == FAILED:
            row.failed(found.failure or FAILED)
        elif found.state == PAID and (found.cents, found.currency) != (row.amount_cents, USD):
            row.failed("amount_mismatch")
            log.error("purchase.mismatch", purchase_id=str(row.id), what="amount")
        elif found.state == PAID and row.paid(found.payment):
            log.info("purchase.succeeded", purchase_id=str(row.id), cents=found.cents)


def settle_purchases(purchases: Purchases, limit: int = AT_ONCE) -> int:
    """Ask about purchases that nobody has heard of; return how many were asked about.

    Any number of schedulers may do so at once: each is claimed, for longer each time, up to a day.
    """
    due = Purchase.due(limit)
    for key in due:
        row = Purchase.get_by_id(key)
        try:
            purchases.ask(row)
        except (Unavailable, UpstreamRefused) as error:
            log.warning("purchase.unasked", purchase_id=str(key), why=error.message)
        purchases.give_up(row)
    return len(due)


def _known(buyer: Buyer, cents: int) -> Purchase | None:
    """Return the purchase of a buyer's key, None for a key that is new and now theirs."""
    if buyer.key is None:
        return None
    place = (buyer.account_id, buyer.mode, buyer.key)
    wanted = fingerprint("POST", "purchase", {"amount_cents": cents})
    if IdempotencyKey.take(place, wanted):
        return None
    taken = IdempotencyKey.taken(place)
    if bytes(taken.fingerprint) != wanted:
        raise IdempotencyMismatch("this Idempotency-Key was used for another request")
    row: Purchase = Purchase.get_by_id(taken.job_id)
    return row


def _new(buyer: Buyer, cents: int, gateway: str) -> Purchase:
    key = new_id()
    wanted = (key, buyer.account_id, buyer.user_id, buyer.mode, cents, gateway)
    database.rows(_NEW, wanted)
    if buyer.key is not None:
        database.rows(_NOTE_KEY, (key, buyer.account_id, buyer.mode, buyer.key))
    row: Purchase = Purchase.get_by_id(key)
    return row


def _purchase_about(notice: Notice, gateway: str) -> Purchase | None:
    """Return the purchase a message is about, None for one that is not ours."""
    ours = Purchase.gateway == gateway
    if notice.payment:
        return Purchase.get_or_none(ours, Purchase.payment == notice.payment)
    known: Purchase | None = Purchase.get_or_none(ours, Purchase.reference == notice.reference)
    return known or (_purchase_named(notice.purchase, gateway) if notice.reference else None)


def _purchase_named(name: str, gateway: str) -> Purchase | None:
    try:
        key = parse_id("purchase", name)
    except ValueError:
        return None
    return Purchase.get_or_none(Purchase.gateway == gateway, Purchase.id == key)

"""Purchases: money is granted once, whatever is lost on the way, and asked about until it ends."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from peewee import ProgrammingError

from jobs.payments.fake import PENDING_CENTS, FakeGateway
from jobs.payments.gateway import Order, Payment
from jobs.purchases import Purchases, settle_purchases
from models.kernel.clock import SystemClock
from models.kernel.database import Pool, database
from models.kernel.errors import Unavailable
from models.purchases import KEPT_OPEN, Purchase
from tests import factories
from tests.fakes.clock import FakeClock
from tests.jobs.payments.buying import CENT, buyer, due, legs, purchases_at
from tests.rows import account, money

pytestmark = pytest.mark.usefixtures("database")

A_DAY = 24 * 60


class _Lost(Exception):
    """A process that ends between gateway and database."""


class LosingGateway(FakeGateway):
    """A gateway whose answers are lost as often as it is told; what it was asked for is done."""

    def __init__(self, losses: int, error: type[Exception] = _Lost) -> None:
        self.losses = losses
        self.error = error
        self.begun: list[str] = []

    def begin(self, order: Order) -> Payment:
        return self._told(super().begin(order), order.purchase)

    def look(self, reference: str) -> Payment:
        return super().look(reference)

    def _told(self, payment: Payment, purchase: str) -> Payment:
        self.begun.append(purchase)
        if len(self.begun) <= self.losses:
            raise self.error
        return payment


@pytest.fixture
def payer() -> UUID:
    return account()


def bought(purchases: Purchases, payer: UUID, cents: int = 1_000) -> Purchase:
    row, _ = purchases.buy(buyer(payer), cents)
    return row


@pytest.mark.parametrize("error", [_Lost, Unavailable], ids=["a crash", "an outage"])
def test_what_is_lost_between_gateway_and_database_is_found(
    payer: UUID, error: type[Exception]
) -> None:
    purchases = purchases_at(LosingGateway(1, error))
    with pytest.raises(error):
        bought(purchases, payer)
    row = Purchase.get()
    assert (row.status, row.reference, money(payer)[0]) == ("pending", None, 0)
    due(row.id)

    assert settle_purchases(purchases) == 1

    assert (row.fresh.status, money(payer)[0]) == ("succeeded", 1_000 * CENT)
    assert len(legs(row.id)) == 2


def test_repeating_a_request_that_was_lost_goes_on_with_its_purchase(payer: UUID) -> None:
    gateway = LosingGateway(1, Unavailable)
    purchases = purchases_at(gateway)
    with pytest.raises(Unavailable):
        purchases.buy(buyer(payer, key="once"), 1_000)

    row, is_replayed = purchases.buy(buyer(payer, key="once"), 1_000)

    assert (row.status, is_replayed, len(set(gateway.begun))) == ("succeeded", True, 1)
    assert (Purchase.select().count(), money(payer)[0]) == (1, 1_000 * CENT)


def test_a_gateway_that_stays_away_is_asked_less_and_less_until_it_is_given_up(
    payer: UUID,
) -> None:
    clock = FakeClock(SystemClock().now())
    purchases = purchases_at(LosingGateway(99, Unavailable), clock)
    with pytest.raises(Unavailable):
        bought(purchases, payer)
    row = Purchase.get()

    minutes = []
    for _ in range(14):
        due(row.id)
        began = SystemClock().now()
        assert settle_purchases(purchases) == 1
        assert settle_purchases(purchases) == 0
        minutes.append(round((row.fresh.ask_after - began).total_seconds() / 60))
    assert minutes == [min(2**time, A_DAY) for time in range(14)]
    assert row.fresh.status == "pending"

    clock.move(KEPT_OPEN.total_seconds() + 60)
    due(row.id)
    settle_purchases(purchases)
    assert (row.fresh.status, row.fresh.failure) == ("failed", "abandoned")
    due(row.id)
    assert settle_purchases(purchases) == 0


def test_what_was_given_up_is_granted_when_it_is_paid_all_the_same(payer: UUID) -> None:
    row = bought(purchases_at(), payer, PENDING_CENTS)
    assert row.failed("abandoned")

    assert [row.paid("late"), row.paid("late")] == [True, False]

    assert (row.fresh.status, row.fresh.failure) == ("succeeded", None)
    assert money(payer)[0] == PENDING_CENTS * CENT


def test_fifty_who_hear_of_a_payment_at_once_grant_it_once(payer: UUID) -> None:
    row = bought(purchases_at(), payer, PENDING_CENTS)

    def hear(_: int) -> bool:
        with database.borrowed():
            return row.fresh.paid("it")

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(hear, range(50))) == 1

    assert money(payer)[0] == PENDING_CENTS * CENT
    assert len(legs(row.id)) == 2


def test_many_schedulers_ask_about_each_once(payer: UUID) -> None:
    rows = [bought(purchases_at(), payer, PENDING_CENTS) for _ in range(12)]
    for row in rows:
        due(row.id)

    def claim(_: int) -> list[UUID]:
        return Purchase.due(2)

    with ThreadPoolExecutor(8) as threads:
        claimed = [key for keys in threads.map(claim, range(16)) for key in keys]

    assert sorted(claimed) == sorted(row.id for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        {"cents": 999},
        {"cents": 1_001},
        {"currency": "eur"},
        {"purchase": "purchase_" + "0" * 32},
    ],
    ids=str,
)
def test_what_was_not_ordered_is_not_granted(payer: UUID, change: dict[str, object]) -> None:
    class Odd(FakeGateway):
        def begin(self, order: Order) -> Payment:
            return _changed(super().begin(order), change)

    row = bought(purchases_at(Odd()), payer)

    assert row.status in {"failed", "pending"}
    assert (money(payer)[0], legs(row.id)) == (0, [])


def _changed(payment: Payment, change: dict[str, object]) -> Payment:
    told = {name: getattr(payment, name) for name in payment.__slots__}
    return Payment(**{**told, **change})


@pytest.mark.parametrize(
    "deed",
    [
        "update ledger_note set reason = 'another'",
        "delete from ledger_note",
        "truncate ledger_note",
    ],
)
def test_why_money_was_moved_is_never_changed(database: Pool, deed: str) -> None:
    factories.ledger_note()

    with pytest.raises(ProgrammingError, match="permission denied"):
        database.rows(deed)


Transition = Callable[[Purchase], bool]


@pytest.mark.parametrize(
    ("status", "transition"),
    [
        ("succeeded", lambda row: row.failed("late")),
        ("succeeded", lambda row: row.refunded()),
        ("succeeded", lambda row: row.kept(1, "x")),
        ("refunded", lambda row: row.paid("again")),
        ("refunding", lambda row: row.paid("again")),
        ("pending", lambda row: row.refunded()),
        ("failed", lambda row: row.refunded()),
        ("failed", lambda row: row.failed("again")),
    ],
)
def test_a_transition_that_does_not_fit_changes_nothing(
    payer: UUID, status: str, transition: Transition
) -> None:
    row = factories.purchase(payer, status=status)

    assert not transition(row)

    assert (row.fresh.status, legs(row.id)) == (status, [])

"""The audit of purchases: silent about whatever is bought and given back, loud about the rest."""

from uuid import UUID

import pytest
from peewee import PeeweeException

from jobs.adjustments import adjust, refund
from jobs.audit import Actor
from jobs.payments.fake import DECLINED_CENTS, KEPT_CENTS, PENDING_CENTS
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.errors import Conflict
from models.kernel.money import Nano
from models.purchases import Purchase
from tests.chaos.audit import audit
from tests.jobs.payments.buying import buyer, purchases_at
from tests.making import person

CLOCK = SystemClock()
SUCCEEDED = "status = 'succeeded' and mode = 'live' and refunds = 0 and refunded_cents = 0"


@pytest.fixture
def owner(database: Pool, pools: tuple[Pool, Pool]) -> Pool:
    """Books in which everything has happened: paid, declined, waiting, given back, kept."""
    who, purchases = person(), purchases_at()
    account, actor = UUID(str(who.account_id)), Actor(person_id=who.id, permissions=frozenset())

    def buy(cents: int, mode: str = "live") -> Purchase:
        return purchases.buy(buyer(account, mode, user_id=who.id), cents)[0]

    def give_back(cents: int, mode: str = "live") -> None:
        refund(buy(cents, mode).id, "a mistake", actor, purchases, CLOCK)

    for cents in (700, DECLINED_CENTS, PENDING_CENTS):
        buy(cents)
        buy(cents, "test")
    give_back(300)
    give_back(300, "test")
    with pytest.raises(Conflict):
        give_back(KEPT_CENTS)
    buy(500).reversed(200)
    buy(400).reversed(400)
    for amount in (5, -3):
        adjust(who.id, Nano(amount), "a gift", actor, CLOCK)
    return pools[1]


def broken(owner: Pool) -> set[str]:
    return {finding.invariant[:2] for finding in audit(owner) if finding.breaches}


def test_nothing_that_is_bought_or_given_back_breaks_an_invariant(owner: Pool) -> None:
    assert broken(owner) == set()


@pytest.mark.parametrize(
    ("deed", "invariants"),
    [
        ("update purchase set status = 'succeeded' where status = 'failed'", {"P1"}),
        ("update purchase set status = 'succeeded' where status = 'pending'", {"P1"}),
        (f"update purchase set status = 'pending' where {SUCCEEDED}", {"P1"}),
        (f"update purchase set status = 'failed' where {SUCCEEDED}", {"P1"}),
        (f"update purchase set amount_cents = amount_cents + 1 where {SUCCEEDED}", {"P1"}),
        (f"update purchase set mode = 'test' where {SUCCEEDED}", {"P1"}),
        ("update purchase set gateway = 'stripe'", {"P1"}),
        ("delete from purchase where status = 'refunded'", {"P1", "P2"}),
        ("delete from ledger_entry where idem like 'purchase:%'", {"P1", "B2", "P3"}),
        (f"update purchase set status = 'refunded' where {SUCCEEDED}", {"P2"}),
        ("update purchase set status = 'succeeded' where status = 'refunded'", {"P2"}),
        ("update purchase set refunded_cents = 0 where status = 'refunded'", {"P2"}),
        ("update purchase set refunded_cents = 1 where status = 'pending'", {"P2"}),
        ("delete from ledger_entry where idem like 'refund:%'", {"P2", "P4"}),
        ("update account set sandbox_nano = sandbox_nano + 1", {"P3"}),
        ("delete from ledger_entry where account like 'sandbox:%'", {"B1", "P3"}),
        ("delete from ledger_note", {"P4"}),
        ("delete from ledger_entry where idem like 'adjust:%'", {"P4", "B2"}),
    ],
)
def test_what_would_never_be_done_is_found(owner: Pool, deed: str, invariants: set[str]) -> None:
    owner.script(deed)

    assert invariants <= broken(owner)


@pytest.mark.parametrize("mode", ["live", "test"])
def test_a_sandbox_and_a_purchase_have_bounds_of_their_own(owner: Pool, mode: str) -> None:
    deeds = {
        "live": "update purchase set refunded_cents = amount_cents + 1",
        "test": "update account set sandbox_nano = -1",
    }

    with pytest.raises(PeeweeException):
        owner.rows(deeds[mode])

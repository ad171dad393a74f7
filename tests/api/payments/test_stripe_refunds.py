"""Money that goes back at Stripe: given, failed, or taken by the bank (B-09, B-20)."""

import pytest

from jobs.purchases import Purchases, settle_purchases
from models.kernel.denials import PaymentRequired
from models.purchases import Purchase
from tests.api.browser import Browser
from tests.api.payments.shop import paid, refund, tell
from tests.api.reader import Reader
from tests.fakes.stripe import FakeStripe
from tests.jobs.payments.buying import CENT, due, legs
from tests.rows import accepted, events, money


def test_a_purchase_is_given_back_at_stripe_once(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    key = paid(shop, stripe, ada)

    assert [refund(ada, key).json["status"] for _ in range(2)] == ["refunded"] * 2

    (made,) = stripe.refunds.values()
    assert (made["amount"], money(ada.account_id)[0]) == (1_000, 0)
    tell(shop, "charge.refunded", {"payment_intent": made["payment_intent"]})
    assert len(legs(key)) == 4


@pytest.mark.parametrize("fault", [0, 500, 409])
def test_a_refund_whose_answer_was_lost_is_made_once(
    shop: Browser, stripe: FakeStripe, ada: Reader, purchases: Purchases, fault: int
) -> None:
    key = paid(shop, stripe, ada)
    stripe.faults = [fault]
    assert refund(ada, key).status_code in {502, 503}
    assert (Purchase.get().status, money(ada.account_id)[0]) == ("refunding", 0)
    due(key)

    assert settle_purchases(purchases) == 1

    assert (Purchase.get().status, len(stripe.refunds), len(legs(key))) == ("refunded", 1, 4)
    assert events(ada.account_id)[-1] == "credits.refunded"


def test_a_refund_that_fails_after_all_comes_back(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    key = paid(shop, stripe, ada)
    refund(ada, key)
    (made,) = stripe.refunds.values()
    tell(shop, "refund.failed", made)
    assert Purchase.get().status == "refunded", "its event is not believed"

    made["status"] = "failed"
    for _ in range(2):
        assert tell(shop, "refund.failed", made).status_code == 200

    assert (Purchase.get().status, money(ada.account_id)[0]) == ("succeeded", 1_000 * CENT)
    stripe.session["payment_intent"]["latest_charge"]["amount_refunded"] = 0
    assert refund(ada, key).json["status"] == "refunded"
    assert (Purchase.get().refunds, money(ada.account_id)[0]) == (2, 0)


@pytest.mark.parametrize("kind", ["charge.refunded", "charge.dispute.funds_withdrawn"])
def test_what_the_gateway_reversed_is_taken_whatever_the_balance(
    shop: Browser, stripe: FakeStripe, ada: Reader, kind: str
) -> None:
    key = paid(shop, stripe, ada)
    accepted(ada.account_id, hold=600 * CENT)
    intent = stripe.session["payment_intent"]
    intent["latest_charge"].update(amount_refunded=1_000, disputed="dispute" in kind)

    for _ in range(2):
        assert tell(shop, kind, {"payment_intent": intent["id"]}).status_code == 200

    row = Purchase.get()
    assert (row.status, row.refunded_cents, len(legs(key))) == ("refunded", 1_000, 4)
    assert money(ada.account_id) == (0, 600 * CENT)
    with pytest.raises(PaymentRequired):
        accepted(ada.account_id, hold=1)
    assert events(ada.account_id)[-1] == "credits.refunded"


def test_what_is_reversed_in_part_is_taken_in_part(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    key = paid(shop, stripe, ada)
    charge = stripe.session["payment_intent"]["latest_charge"]
    intent = {"payment_intent": stripe.session["payment_intent"]["id"]}
    for cents in (300, 300, 200, 400):
        charge["amount_refunded"] = cents
        assert tell(shop, "charge.refunded", intent).status_code == 200
    assert (Purchase.get().status, money(ada.account_id)[0]) == ("succeeded", 600 * CENT)

    assert refund(ada, key).json["status"] == "refunded"

    (made,) = stripe.refunds.values()
    assert (made["amount"], money(ada.account_id)[0]) == (600, 0)

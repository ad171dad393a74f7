"""Stripe: paid by its word alone, once, however it fails (B-09, B-20)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobs.payments.stripe_wire import VERSION
from jobs.payments.till import Till
from jobs.purchases import Purchases, settle_purchases
from models.kernel.clock import SystemClock
from models.kernel.settings import BadSettings, Settings
from models.purchases import Purchase
from tests.api.browser import Browser
from tests.api.payments.shop import COMPLETED, buy, status, tell
from tests.api.reader import Reader
from tests.fakes.stripe import KEY, FakeStripe
from tests.jobs.payments.buying import CENT, due, legs
from tests.rows import events, money


def test_a_checkout_is_begun_and_paid_by_stripes_word(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    bought = buy(ada)

    told = bought.json
    assert (bought.status_code, told["status"], told["gateway"]) == (201, "pending", "stripe")
    assert told["checkout_url"] == stripe.session["url"]
    form = stripe.session["form"]
    assert form["client_reference_id"] == form["metadata[purchase]"] == told["id"]
    assert form["success_url"].startswith("https://shop.example.org/back?from=ilm&purchase=purch")
    assert (form["mode"], VERSION) == ("payment", "2024-06-20")
    assert money(ada.account_id)[0] == 0

    stripe.pay(stripe.session)
    answer = tell(shop, COMPLETED, stripe.session)

    assert (answer.status_code, answer.text) == (200, "{}")
    told = ada.get(f"/v1/billing/purchases/{told['id']}").json
    assert (told["status"], told["checkout_url"]) == ("succeeded", None)
    assert money(ada.account_id)[0] == 1_000 * CENT
    assert legs(told["id"]) == [
        ("payments:stripe", -1_000 * CENT), (f"wallet:{ada.account_id}", 1_000 * CENT)
    ]  # fmt: skip


def test_fifty_events_at_once_grant_once(shop: Browser, stripe: FakeStripe, ada: Reader) -> None:
    bought = buy(ada)
    stripe.pay(stripe.session)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: tell(shop, COMPLETED, stripe.session), range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert (money(ada.account_id)[0], len(legs(bought.json["id"]))) == (1_000 * CENT, 2)
    assert events(ada.account_id) == ["credits.purchased"]


def test_an_event_is_not_believed_but_looked_into(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    bought = buy(ada)
    lie = {**stripe.session, "payment_status": "paid", "status": "complete"}

    assert tell(shop, COMPLETED, lie).status_code == 200

    assert (status(ada, bought), money(ada.account_id)[0]) == ("pending", 0)


def test_events_out_of_order_end_in_the_truth(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    bought = buy(ada)
    stripe.pay(stripe.session)

    for kind in ("checkout.session.expired", "checkout.session.async_payment_failed", COMPLETED):
        assert tell(shop, kind, stripe.session).status_code == 200

    assert (status(ada, bought), money(ada.account_id)[0]) == ("succeeded", 1_000 * CENT)


@pytest.mark.parametrize(
    "odd", [{"amount_total": 1}, {"amount_total": 10**9}, {"currency": "idr"}], ids=str
)
def test_another_amount_than_was_ordered_is_not_granted(
    shop: Browser, stripe: FakeStripe, ada: Reader, odd: dict[str, Any]
) -> None:
    bought = buy(ada)
    stripe.pay(stripe.session, **odd)

    assert tell(shop, COMPLETED, stripe.session).status_code == 200

    told = ada.get(f"/v1/billing/purchases/{bought.json['id']}").json
    assert (told["status"], told["failure"]) == ("failed", "amount_mismatch")
    assert (money(ada.account_id)[0], legs(told["id"])) == (0, [])


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"status": "expired"}, "expired"),
        (
            {
                "status": "complete",
                "payment_intent": {
                    "id": "pi_1",
                    "status": "requires_payment_method",
                    "last_payment_error": {"code": "insufficient_funds"},
                },
            },
            "insufficient_funds",
        ),
    ],
    ids=["expired", "failed"],
)
def test_what_is_not_paid_fails(
    shop: Browser, stripe: FakeStripe, ada: Reader, change: dict[str, Any], failure: str
) -> None:
    bought = buy(ada)
    stripe.session.update(change)

    tell(shop, "checkout.session.expired", stripe.session)

    told = ada.get(f"/v1/billing/purchases/{bought.json['id']}").json
    assert (told["status"], told["failure"], told["checkout_url"]) == ("failed", failure, None)


@pytest.mark.parametrize("fault", [0, 500, 502, 429, 409, 401], ids=str)
def test_a_fault_after_stripe_has_done_it_makes_no_second_checkout(
    stripe: FakeStripe, ada: Reader, purchases: Purchases, fault: int
) -> None:
    stripe.faults = [fault]
    refused = buy(ada, **{"Idempotency-Key": "once"})
    assert refused.status_code in {502, 503}
    assert KEY not in refused.text

    again = buy(ada, **{"Idempotency-Key": "once"})

    assert (again.status_code, again.json["checkout_url"]) == (201, stripe.session["url"])
    assert (len(stripe.sessions), Purchase.select().count()) == (1, 1)
    stripe.pay(stripe.session)
    due(again.json["id"])
    assert settle_purchases(purchases) == 1
    assert (status(ada, again), money(ada.account_id)[0]) == ("succeeded", 1_000 * CENT)


def test_a_payment_whose_event_and_answer_were_lost_is_found_by_asking(
    stripe: FakeStripe, ada: Reader, purchases: Purchases
) -> None:
    stripe.faults = [0]
    buy(ada)
    stripe.pay(stripe.session)
    (row,) = Purchase.select()
    due(row.id)
    stripe.faults = [500]
    assert settle_purchases(purchases) == 1
    assert row.fresh.status == "pending"
    due(row.id)

    assert settle_purchases(purchases) == 1

    assert (row.fresh.status, money(ada.account_id)[0]) == ("succeeded", 1_000 * CENT)


def test_an_event_may_come_before_we_know_the_checkout(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    stripe.faults = [0]
    assert buy(ada).status_code == 503
    stripe.pay(stripe.session)

    assert tell(shop, COMPLETED, stripe.session).status_code == 200

    assert money(ada.account_id)[0] == 1_000 * CENT
    assert Purchase.get().reference == stripe.session["id"]


def test_what_stripe_refuses_has_failed(stripe: FakeStripe, ada: Reader) -> None:
    stripe.faults = [400]

    told = buy(ada).json

    assert (told["status"], told["failure"]) == ("failed", "api_error")


def test_stripe_needs_its_key() -> None:
    with pytest.raises(BadSettings, match="STRIPE_SECRET_KEY"):
        Till.of(Settings(payments="stripe"), SystemClock())


def test_a_test_key_never_pays_at_stripe(shop: Browser, stripe: FakeStripe, ada: Reader) -> None:
    test = Reader(shop, person=ada.person, mode="test")

    assert buy(test).json["gateway"] == "fake"

    assert (stripe.asked, money(ada.account_id)[0]) == ([], 0)

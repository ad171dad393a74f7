"""What Stripe sends: believed only when it is signed, and even then looked into (B-09)."""

from typing import Any

import pytest

from models.kernel.database import Pool
from tests.api.browser import Browser
from tests.api.conftest import Open, code
from tests.api.payments.shop import COMPLETED, buy, now, status, tell
from tests.api.reader import Reader
from tests.fakes.stripe import FakeStripe, event, mac
from tests.rows import money


@pytest.mark.parametrize("about", ["of nobody", "of another", "of a shop beside us"])
def test_an_event_of_what_is_not_ours_is_taken_in_silence(
    shop: Browser, stripe: FakeStripe, ada: Reader, about: str
) -> None:
    bought = buy(ada)
    paid = stripe.pay(dict(stripe.session), id="cs_test_other")
    if about != "of nobody":
        stripe.sessions["cs_test_other"] = paid
    if about == "of a shop beside us":
        paid["client_reference_id"] = "order 5"

    assert tell(shop, COMPLETED, paid).status_code == 200

    assert (status(ada, bought), money(ada.account_id)[0]) == ("pending", 0)


def test_an_event_is_told_again_when_stripe_cannot_be_asked(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    bought = buy(ada)
    stripe.pay(stripe.session)
    stripe.faults = [500]

    assert tell(shop, COMPLETED, stripe.session).status_code == 502
    assert tell(shop, COMPLETED, stripe.session).status_code == 200

    assert status(ada, bought) == "succeeded"


def test_a_kind_of_event_nobody_knows_is_taken_in_silence(
    shop: Browser, stripe: FakeStripe
) -> None:
    for kind in ("customer.created", "checkout.session.completed.v2", ""):
        assert tell(shop, kind, {"id": "cus_1"}).status_code == 200
    assert stripe.asked == []


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "whsec_another"},
        {"ahead": -330},
        {"ahead": 330},
        {"signature": ""},
        {"signature": "t=,v1="},
        {"signature": "v1=" + "0" * 64},
        {"signature": f"t={now()}"},
        {"signature": f"t={now()},v0=" + "0" * 64},
        {"signature": f"t={now()},t={now()},v1=" + "0" * 64},
        {"signature": "t=" + "9" * 400 + ",v1=" + "0" * 64},
        {"signature": "t=" + "\u00b2" * 5 + ",v1=\u00e9"},
        {"body": b'{"id": "evt_1", "type": "checkout.session.completed"}'},
    ],
    ids=range(12),
)
def test_what_stripe_has_not_just_signed_is_refused(
    shop: Browser, stripe: FakeStripe, ada: Reader, how: dict[str, Any]
) -> None:
    bought = buy(ada)
    stripe.pay(stripe.session)

    assert code(tell(shop, COMPLETED, stripe.session, **how)) == (401, "UNAUTHORIZED")

    assert status(ada, bought) == "pending"


def test_one_of_several_signatures_is_enough(
    shop: Browser, stripe: FakeStripe, ada: Reader
) -> None:
    bought = buy(ada)
    body, moment = event(COMPLETED, stripe.pay(stripe.session)), now() - 200
    old = mac(body, moment, "whsec_old")

    many = f"t={moment},v1={old},v0={old},v1={mac(body, moment)}"
    assert tell(shop, COMPLETED, stripe.session, signature=many).status_code == 200

    assert status(ada, bought) == "succeeded"


def test_without_a_secret_or_without_stripe_no_event_is_believed(
    open_browser: Open, given: dict[str, Any], database: Pool
) -> None:
    unsigned = open_browser(**{**given, "stripe_webhook_secret": ""})
    assert code(tell(unsigned, COMPLETED, {"id": "x"}, secret="")) == (401, "UNAUTHORIZED")
    assert code(tell(open_browser(), COMPLETED, {"id": "x"})) == (401, "UNAUTHORIZED")

"""Buying credits over HTTP: what becomes of an amount, for whom, and how often (B-09, DX-08)."""

from typing import Any

import pytest

from jobs.payments.fake import DECLINED_CENTS, LATER_CENTS, PENDING_CENTS
from jobs.purchases import settle_purchases
from models.kernel.database import Pool
from models.purchases import Purchase
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.jobs.payments.buying import due, legs, purchases_at
from tests.rows import events

CENT = 10_000_000
BUY = "/v1/ai/billing/purchase"
LIST = "/v1/billing/purchases"


def buy(reader: Reader, cents: Any, **headers: str) -> Any:
    return reader.post(BUY, json={"amount_cents": cents}, headers=headers)


def balance(reader: Reader) -> int:
    return int(reader.get("/v1/billing/balance").json["balance_nano_usd"])


def test_what_is_bought_is_in_the_balance_at_once(ada: Reader) -> None:
    before = balance(ada)

    answer = buy(ada, 1_234)

    told = answer.json
    assert (answer.status_code, told["status"], told["gateway"]) == (201, "succeeded", "fake")
    assert (told["amount_cents"], told["amount_nano_usd"]) == (1_234, str(1_234 * CENT))
    assert (told["checkout_url"], told["failure"], told["refunded_cents"]) == (None, None, 0)
    assert answer.headers["location"] == f"{LIST}/{told['id']}"
    assert balance(ada) == before + 1_234 * CENT
    assert ada.get(f"{LIST}/{told['id']}").json == told
    assert events(ada.account_id) == ["credits.purchased"]
    newest = ada.get("/v1/billing/transactions").json["data"][0]
    assert (newest["operation_type"], newest["amount_nano_usd"]) == (
        "purchase",
        str(1_234 * CENT),
    )


@pytest.mark.parametrize(
    ("cents", "status", "failure"),
    [(DECLINED_CENTS, "failed", "card_declined"), (PENDING_CENTS, "pending", None)],
)
def test_what_is_not_paid_is_not_in_the_balance(
    ada: Reader, cents: int, status: str, failure: str | None
) -> None:
    before = balance(ada)

    told = buy(ada, cents).json

    due(told["id"])
    assert settle_purchases(purchases_at()) == (status == "pending")
    assert ada.get(f"{LIST}/{told['id']}").json == {
        **told, "status": status, "failure": failure
    }  # fmt: skip
    assert (balance(ada), legs(told["id"])) == (before, [])


def test_what_is_paid_later_is_found_by_asking(ada: Reader) -> None:
    before = balance(ada)
    told = buy(ada, LATER_CENTS).json
    assert (told["status"], balance(ada)) == ("pending", before)
    due(told["id"])

    assert [settle_purchases(purchases_at()) for _ in range(2)] == [1, 0]

    assert ada.get(f"{LIST}/{told['id']}").json["status"] == "succeeded"
    assert balance(ada) == before + LATER_CENTS * CENT


def test_the_same_key_buys_once(ada: Reader, bob: Reader) -> None:
    before = balance(ada)

    first, again = (buy(ada, 500, **{"Idempotency-Key": "once"}) for _ in range(2))

    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert balance(ada) == before + 500 * CENT
    other = buy(ada, 501, **{"Idempotency-Key": "once"})
    assert code(other) == (409, "CONFLICT")
    assert buy(bob, 500, **{"Idempotency-Key": "once"}).json["id"] != first.json["id"]
    assert code(buy(ada, 500, **{"Idempotency-Key": "a b"})) == (400, "VALIDATION_ERROR")


def test_a_test_key_buys_for_the_sandbox_alone(open_browser: Open, ada: Reader) -> None:
    test = Reader(open_browser(payments="off"), person=ada.person, mode="test")
    before = balance(ada)

    told = buy(test, 700).json

    assert (told["status"], told["gateway"]) == ("succeeded", "fake")
    assert (balance(test), balance(ada)) == (700 * CENT, before)
    assert legs(told["id"]) == [
        ("payments:fake", -700 * CENT), (f"sandbox:{ada.account_id}", 700 * CENT)
    ]  # fmt: skip
    (listed,) = test.get("/v1/billing/transactions").json["data"]
    assert (listed["operation_type"], listed["amount_nano_usd"]) == ("purchase", str(700 * CENT))
    assert ada.get(LIST).json["data"] == []
    assert code(ada.get(f"{LIST}/{told['id']}")) == (404, "NOT_FOUND")


def test_a_purchase_is_its_accounts(ada: Reader, bob: Reader) -> None:
    told = buy(ada, 100).json

    assert code(bob.get(f"{LIST}/{told['id']}")) == (404, "NOT_FOUND")
    assert bob.get(LIST).json["data"] == []
    assert ada.get(LIST).json["data"] == [told]


@pytest.mark.parametrize("cents", [99, 100_001, -100, 0, 100.5, "100", None, True, 10**30])
def test_an_amount_has_bounds(ada: Reader, cents: Any) -> None:
    assert code(buy(ada, cents)) == (400, "VALIDATION_ERROR")
    assert Purchase.select().count() == 0


@pytest.mark.parametrize("given", [{"payments": "off"}, {"public_url": "http://ilm.example.org"}])
def test_where_nobody_takes_payments_it_is_said_what_to_set(
    open_browser: Open, database: Pool, given: dict[str, str]
) -> None:
    reader = Reader(open_browser(**given))

    answer = buy(reader, 100)

    assert code(answer) == (409, "CONFLICT")
    assert "STRIPE_SECRET_KEY" in answer.json["error"]["message"]
    assert Purchase.select().count() == 0


def test_who_may_not_buy_does_not(open_browser: Open, database: Pool) -> None:
    reader = Reader(open_browser(), scopes=["billing:read"])

    assert code(buy(reader, 100)) == (403, "INSUFFICIENT_PERMISSIONS")
    assert reader.get(LIST).status_code == 200

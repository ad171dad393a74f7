"""Money in the hands of administrators: given, taken, given back, limited; and always said why."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from falcon.testing import Result

from jobs.payments.fake import KEPT_CENTS, PENDING_CENTS
from models.accounts import Person
from models.kernel.database import Pool
from models.kernel.ids import new_id, parse_id, wire_id
from models.people import AuditEntry
from models.purchases import LedgerNote
from tests import factories
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.jobs.payments.buying import CENT, legs
from tests.rows import accepted, events, grant, money

ADJUST = "/v1/admin/billing/adjustments"
DOLLAR = 100 * CENT
WHY = "a gift"


@pytest.fixture
def boss(database: Pool, open_browser: Open) -> Reader:
    """Somebody who administers money."""
    return Reader(open_browser(), person=factories.person(role="admin"))


def adjust(boss: Reader, whose: Reader, amount: Any, **other: Any) -> Result:
    headers = other.pop("headers", {})
    user = wire_id("user", whose.person.id)
    wish = {"user_id": user, "amount_nano_usd": amount, "reason": WHY, **other}
    return boss.post(ADJUST, json=wish, headers=headers)


def balance(reader: Reader) -> int:
    return int(reader.get("/v1/billing/balance").json["balance_nano_usd"])


def account_of(reader: Reader, tail: str = "") -> str:
    return f"/v1/admin/billing/accounts/{wire_id('user', reader.person.id)}{tail}"


def refund(boss: Reader, purchase: str) -> Result:
    return boss.post(f"/v1/admin/billing/purchases/{purchase}/refund", json={"reason": WHY})


def buy(reader: Reader, cents: int) -> str:
    return str(reader.post("/v1/ai/billing/purchase", json={"amount_cents": cents}).json["id"])


@pytest.mark.parametrize("amount", [123_456_789, -123_456_789])
def test_money_is_moved_by_hand_and_it_is_said_why(boss: Reader, ada: Reader, amount: int) -> None:
    before = balance(ada)

    answer = adjust(boss, ada, str(amount))

    told = answer.json
    assert answer.status_code == 201
    assert (told["amount_nano_usd"], told["reason"]) == (str(amount), WHY)
    assert told["balance_nano_usd"] == str(before + amount)
    assert balance(ada) == before + amount
    moved = ada.get(f"/v1/billing/transactions/{told['id']}").json
    assert (moved["operation_type"], moved["amount_nano_usd"]) == ("adjustment", str(amount))
    entry = AuditEntry.about(ada.person.id).get()
    assert (entry.action, entry.actor_id) == ("billing.adjusted", boss.person.id)
    assert entry.details == {"amount_nano_usd": str(amount), "reason": WHY, "id": told["id"]}
    note = LedgerNote.get()
    assert (note.account_id, note.actor_id, note.reason) == (ada.account_id, boss.person.id, WHY)
    assert events(ada.account_id) == ["credits.adjusted"]


def test_an_adjustment_takes_no_balance_below_zero(boss: Reader, ada: Reader) -> None:
    has = balance(ada)
    accepted(ada.account_id, hold=5 * CENT)

    answer = adjust(boss, ada, str(-(has - 5 * CENT) - 1))

    assert code(answer) == (409, "CONFLICT")
    assert "does not cover" in answer.json["error"]["message"]
    assert (balance(ada), LedgerNote.select().count()) == (has, 0)
    assert (AuditEntry.about(ada.person.id).count(), events(ada.account_id)) == (0, [])
    assert adjust(boss, ada, str(-(has - 5 * CENT))).status_code == 201
    assert money(ada.account_id) == (5 * CENT, 5 * CENT)


def test_the_same_key_adjusts_once(boss: Reader, ada: Reader) -> None:
    before = balance(ada)
    headers = {"Idempotency-Key": "once"}

    first, again = (adjust(boss, ada, "7", headers=headers) for _ in range(2))

    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert balance(ada) == before + 7
    assert code(adjust(boss, ada, "8", headers=headers)) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"amount_nano_usd": "0"}, "amount_nano_usd"),
        ({"amount_nano_usd": "1.5"}, "amount_nano_usd"),
        ({"amount_nano_usd": 5}, "amount_nano_usd"),
        ({"amount_nano_usd": str(10**15)}, "amount_nano_usd"),
        ({"reason": ""}, "reason"),
        ({"reason": "  "}, "reason"),
        ({"reason": None}, "reason"),
        ({"user_id": "ada"}, "user_id"),
    ],
    ids=str,
)
def test_an_adjustment_that_is_not_whole_is_refused(
    boss: Reader, ada: Reader, wish: dict[str, Any], field: str
) -> None:
    answer = adjust(boss, ada, wish.pop("amount_nano_usd", "1"), **wish)

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert {each["field"] for each in answer.json["error"]["details"]} == {field}
    assert LedgerNote.select().count() == 0


def test_who_is_nobody_has_no_money(boss: Reader) -> None:
    nobody = wire_id("user", new_id())
    wish = {"user_id": nobody, "amount_nano_usd": "1", "reason": WHY}

    assert code(boss.post(ADJUST, json=wish)) == (404, "NOT_FOUND")
    assert code(boss.get(f"/v1/admin/billing/accounts/{nobody}")) == (404, "NOT_FOUND")
    limits = f"/v1/admin/billing/accounts/{nobody}/limits"
    assert code(boss.send("PUT", limits, json={})) == (404, "NOT_FOUND")


def test_who_does_not_administer_money_moves_none(ada: Reader, bob: Reader) -> None:
    assert code(adjust(ada, ada, "1")) == (403, "INSUFFICIENT_PERMISSIONS")
    assert code(ada.get(account_of(bob))) == (403, "INSUFFICIENT_PERMISSIONS")
    assert code(refund(ada, buy(ada, 100))) == (403, "INSUFFICIENT_PERMISSIONS")


def test_moving_money_wants_a_second_factor(open_browser: Open, database: Pool) -> None:
    browser = open_browser(admin_mfa="required")
    boss = Reader(browser, person=factories.person(role="super_admin"))

    assert code(adjust(boss, boss, "1")) == (403, "STEP_UP_REQUIRED")


def test_a_purchase_is_given_back_once(boss: Reader, ada: Reader) -> None:
    before, purchase = balance(ada), buy(ada, 500)

    first, again = refund(boss, purchase), refund(boss, purchase)

    assert (first.status_code, first.json["status"]) == (200, "refunded")
    assert (again.json, first.json["refunded_cents"]) == (first.json, 500)
    assert balance(ada) == before
    assert [amount for _, amount in legs(purchase)] == [
        -500 * CENT, 500 * CENT, -500 * CENT, 500 * CENT
    ]  # fmt: skip
    assert events(ada.account_id) == ["credits.purchased", "credits.refunded"]
    entry = AuditEntry.about(ada.person.id).get()
    assert (entry.action, entry.actor_id) == ("billing.refunded", boss.person.id)
    assert entry.details == {"purchase_id": purchase, "reason": WHY}
    assert [(note.idem, note.reason) for note in LedgerNote.select()] == [
        (f"refund:{parse_id('purchase', purchase)}", WHY)
    ]
    kinds = [each["operation_type"] for each in ada.get("/v1/billing/transactions").json["data"]]
    assert kinds[:2] == ["refund", "purchase"]


def test_many_who_give_it_back_at_once_give_it_back_once(boss: Reader, ada: Reader) -> None:
    before, purchase = balance(ada), buy(ada, 500)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: refund(boss, purchase), range(16)))

    assert {answer.status_code for answer in answers} == {200}
    assert (balance(ada), len(legs(purchase)), LedgerNote.select().count()) == (before, 4, 1)


def test_what_is_spent_is_not_given_back(boss: Reader, ada: Reader) -> None:
    Person.update(tier="enterprise").where(Person.id == ada.person.id).execute()
    purchase = buy(ada, 500)
    accepted(ada.account_id, hold=balance(ada) - 499 * CENT)

    answer = refund(boss, purchase)

    assert code(answer) == (409, "CONFLICT")
    assert "does not cover" in answer.json["error"]["message"]
    assert ada.get(f"/v1/billing/purchases/{purchase}").json["status"] == "succeeded"
    assert (len(legs(purchase)), LedgerNote.select().count()) == (2, 0)


def test_what_the_gateway_keeps_comes_back_to_the_balance(boss: Reader, ada: Reader) -> None:
    purchase = buy(ada, KEPT_CENTS)
    has = balance(ada)

    answers = [refund(boss, purchase) for _ in range(2)]

    assert [code(answer) for answer in answers] == [(409, "CONFLICT")] * 2
    assert "gives this amount back to nobody" in answers[0].json["error"]["message"]
    told = ada.get(f"/v1/billing/purchases/{purchase}").json
    assert (told["status"], told["refunded_cents"], balance(ada)) == ("succeeded", 0, has)
    assert events(ada.account_id) == ["credits.purchased"]


def test_what_was_never_paid_is_not_given_back(boss: Reader, ada: Reader) -> None:
    purchase = buy(ada, PENDING_CENTS)

    answer = refund(boss, purchase)

    assert code(answer) == (409, "CONFLICT")
    assert "pending" in answer.json["error"]["message"]
    assert legs(purchase) == []
    assert code(refund(boss, wire_id("purchase", new_id()))) == (404, "NOT_FOUND")


def test_the_sandboxs_purchases_are_given_back_from_the_sandbox(
    boss: Reader, open_browser: Open, ada: Reader
) -> None:
    test = Reader(open_browser(), person=ada.person, mode="test")
    has, purchase = balance(ada), buy(test, 500)

    assert refund(boss, purchase).json["status"] == "refunded"

    assert (balance(test), balance(ada)) == (0, has)


def test_an_account_stands_as_its_owner_sees_it(boss: Reader, ada: Reader) -> None:
    grant(ada.account_id, 3 * DOLLAR)

    told = boss.get(account_of(ada)).json

    assert told["balance"] == ada.get("/v1/billing/balance").json
    assert told["limits"] == ada.get("/v1/billing/limits").json
    assert told["own_limits"] == {"monthly_cost_nano_usd": None, "tokens_per_day": None}
    assert told["sandbox_balance_nano_usd"] == "0"


def test_limits_of_ones_own_win_until_they_are_lifted(boss: Reader, ada: Reader) -> None:
    path = account_of(ada, "/limits")
    wish = {"monthly_cost_nano_usd": str(9 * DOLLAR), "tokens_per_day": 77, "reason": WHY}

    told = boss.send("PUT", path, json=wish).json

    assert told["own_limits"] == {"monthly_cost_nano_usd": str(9 * DOLLAR), "tokens_per_day": 77}
    limits = ada.get("/v1/billing/limits").json
    assert limits["monthly_cost"]["limit_nano_usd"] == str(9 * DOLLAR)
    assert limits["tokens_per_day"]["limit"] == 77
    kept = boss.send("PUT", path, json={"tokens_per_day": None}).json["own_limits"]
    assert kept == {"monthly_cost_nano_usd": str(9 * DOLLAR), "tokens_per_day": None}
    assert ada.get("/v1/billing/limits").json["tokens_per_day"]["limit"] == 10_000
    zero = boss.send("PUT", path, json={"monthly_cost_nano_usd": "0"}).json["own_limits"]
    assert zero["monthly_cost_nano_usd"] == "0"
    first = AuditEntry.about(ada.person.id).order_by(AuditEntry.id).get()
    assert (first.action, first.actor_id) == ("billing.limited", boss.person.id)
    assert first.details["reason"] == WHY
    assert first.details["before"] == {"monthly_cost_nano_usd": None, "tokens_per_day": None}
    assert first.details["after"]["tokens_per_day"] == 77


def test_a_limit_far_below_what_is_spent_is_told_and_not_a_fault(
    database: Pool, boss: Reader, ada: Reader
) -> None:
    balance(ada)
    spent = "update account set spent_nano = %s where id = %s"
    database.rows(spent, (DOLLAR, ada.account_id))

    wish = {"monthly_cost_nano_usd": "1", "tokens_per_day": 0}
    told = boss.send("PUT", account_of(ada, "/limits"), json=wish).json

    assert told["limits"]["used_percent"] == 1_000_000


@pytest.mark.parametrize(
    "wish",
    [
        {"monthly_cost_nano_usd": "-1"},
        {"monthly_cost_nano_usd": 1},
        {"tokens_per_day": -1},
        {"tokens_per_day": 10**12 + 1},
        {"overdraft": 1},
    ],
    ids=str,
)
def test_a_limit_that_is_none_is_refused(boss: Reader, ada: Reader, wish: dict[str, Any]) -> None:
    answer = boss.send("PUT", account_of(ada, "/limits"), json=wish)

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert AuditEntry.about(ada.person.id).count() == 0

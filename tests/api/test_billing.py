"""Billing over HTTP: balance, usage, transactions, limits, estimates, budgets (B-04 to B-17)."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from jobs.statement_papers import SetStatement, set_statement
from models import engine
from models.accounts import ApiKey, Person
from models.engine import Ending
from models.kernel.clock import SystemClock
from models.kernel.database import Pool, database
from models.kernel.ids import wire_id
from models.kernel.money import Nano
from tests import factories
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.rows import accepted, grant, used
from workers.adapters.statement_paper import PaperProgram

pytestmark = pytest.mark.usefixtures("database")

CENT = 10_000_000
DOLLAR = 100 * CENT
PATHS = ("balance", "usage", "limits", "transactions", "budgets")


def charged(reader: Reader, cost: int, **line: Any) -> UUID:
    """Have an operation of a reader's end at this cost; return its job."""
    of = line.pop("of", {"user_id": reader.person.id})
    row = accepted(reader.account_id, hold=max(cost, 1), type="llm.completion", **of)
    job = engine.claim(row.id, "worker", 60.0)
    assert job is not None
    lines = [{**used(cost), "operation": "completion", **line}]
    done, _ = engine.finish(job, Ending("succeeded", {}, cost=Nano(cost), usage=lines), 4)
    assert done
    return UUID(str(job.id))


def test_the_balance_holds_credits_and_purchases_before_holds(ada: Reader) -> None:
    grant(ada.account_id, 423 * CENT)
    charged(ada, 45 * CENT + 1)
    accepted(ada.account_id, hold=CENT)

    told = ada.get("/v1/billing/balance").json

    left = 523 * CENT - 45 * CENT - 1
    assert (told["balance_cents"], told["balance_nano_usd"]) == (477, str(left))
    assert (told["free_credits_remaining"], told["held_nano_usd"]) == (54, str(CENT))
    assert (told["lifetime_usage_cents"], told["lifetime_usage_nano_usd"]) == (46, "450000001")
    resets = datetime.fromisoformat(told["free_credits_reset_at"])
    assert (resets.day, resets.hour, resets > SystemClock().now()) == (1, 0, True)
    assert ada.get("/v1/ai/billing/balance").json == told


def test_a_test_keys_balance_is_the_sandboxs(open_browser: Open, ada: Reader) -> None:
    test = Reader(open_browser(), person=ada.person, mode="test")
    charged(ada, CENT)

    told = test.get("/v1/billing/balance").json

    assert (told["balance_cents"], told["free_credits_remaining"]) == (0, 0)
    assert test.get("/v1/billing/transactions").json["data"] == []
    assert test.get("/v1/billing/usage").json["total"]["calls"] == 0


def test_every_operation_and_movement_is_a_transaction(ada: Reader, bob: Reader) -> None:
    grant(ada.account_id, 5 * DOLLAR)
    dear = charged(ada, 2 * CENT + 5, llm="gpt", tokens_in=150, tokens_out=200)
    free = charged(ada, 0, operation="embedding")

    listed = ada.get("/v1/billing/transactions").json

    assert listed["pagination"]["total"] == 4
    by_id = {each["id"]: each for each in listed["data"]}
    one = by_id[wire_id("txn", dear)]
    assert one == ada.get(f"/v1/billing/transactions/{one['id']}").json
    assert (one["operation_type"], one["operation_id"]) == ("completion", wire_id("msg", dear))
    assert (one["tokens_input"], one["tokens_output"], one["model"]) == (150, 200, "gpt")
    assert (one["cost_cents"], one["cost_nano_usd"]) == (3, "20000005")
    assert by_id[wire_id("txn", free)]["cost_cents"] == 0
    kinds = sorted(each["operation_type"] for each in listed["data"])
    assert kinds == ["completion", "credits_granted", "credits_granted", "embedding"]
    changes = sum(int(each["amount_nano_usd"]) for each in listed["data"])
    assert str(changes) == ada.get("/v1/billing/balance").json["balance_nano_usd"]
    assert code(bob.get(f"/v1/billing/transactions/{one['id']}")) == (404, "NOT_FOUND")


def test_pages_of_transactions_hold_each_once(ada: Reader) -> None:
    made = {wire_id("txn", charged(ada, 1)) for _ in range(5)}

    pages = [ada.get(f"/v1/billing/transactions?page={n}&limit=2").json["data"] for n in (1, 2, 3)]

    ids = [each["id"] for page in pages for each in page]
    assert len(ids) == len(set(ids)) == 6
    assert made < set(ids)


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_usage_adds_up_whichever_way_it_is_broken_down(ada: Reader, period: str) -> None:
    key = ApiKey.get(ApiKey.user == ada.person.id).id
    for cost, llm in ((7, "small"), (11 * CENT, "large"), (13, "large")):
        charged(ada, cost, llm=llm, of={"user_id": ada.person.id, "key_id": key})
    charged(ada, 5, llm="small")
    charged(ada, 0, llm="small", is_own_key=True)
    charged(ada, 0, llm="lost", is_borne=True)

    told = ada.get(f"/v1/billing/usage?period={period}").json

    assert (told["period"], told["total"]["calls"]) == (period, 5)
    assert told["total"]["cost_nano_usd"] == str(11 * CENT + 25)
    for group in ("by_model", "by_operation", "by_key", "by_user"):
        for name in ("calls", "tokens_input", "tokens_output"):
            assert sum(part[name] for part in told[group]) == told["total"][name]
        assert sum(int(part["cost_nano_usd"]) for part in told[group]) == 11 * CENT + 25
    assert [part["name"] for part in told["by_model"]] == ["large", "small"]
    assert [part["name"] for part in told["by_key"]] == [wire_id("key", key), "none"]


def test_limits_tell_what_is_used_of_them(ada: Reader) -> None:
    charged(ada, 42 * CENT)

    told = ada.get("/v1/billing/limits").json

    month = told["monthly_cost"]
    assert (told["tier"], told["used_percent"], told["soft_limit_percent"]) == ("free", 42, 80)
    assert (month["limit_cents"], month["used_cents"], month["remaining_cents"]) == (100, 42, 58)
    assert told["tokens_per_day"]["limit"] == 10_000
    assert told["grace"] == {"hours": 0, "overdraft_nano_usd": "0", "started_at": None}


def test_no_limit_is_null(ada: Reader) -> None:
    Person.update(tier="enterprise").where(Person.id == ada.person.id).execute()

    month = ada.get("/v1/billing/limits").json["monthly_cost"]

    assert (month["limit_cents"], month["remaining_cents"], month["limit_nano_usd"]) == (None,) * 3


def test_an_estimate_shows_the_vendors_prices_and_what_we_take(ada: Reader) -> None:
    wish = {"model": "gpt-4o-mini", "input_tokens": 500, "estimated_output_tokens": 200}

    told = ada.post("/v1/ai/estimate", json=wish).json

    assert (told["input_cost_per_1m"], told["output_cost_per_1m"]) == (0.15, 0.6)
    assert (told["estimated_cost_cents"], told["estimated_cost_nano_usd"]) == (1, "273000")
    assert told["markup_percent"] == 40
    odd = ada.post("/v1/ai/estimate", json={**wish, "model": "no-such"})
    assert code(odd) == (400, "VALIDATION_ERROR")


def test_a_budget_is_set_counted_in_and_lifted(ada: Reader, database: Pool) -> None:
    wish = {"period": "day", "amount_nano_usd": str(10 * CENT), "alert_at": [50]}
    made = ada.post("/v1/billing/budgets", json=wish)
    assert made.status_code == 201
    charged(ada, 6 * CENT)

    (told,) = ada.get("/v1/billing/budgets").json["data"]

    assert (told["spent_nano_usd"], told["hard"], told["subject"]) == (str(6 * CENT), True, None)
    kinds = database.rows("select type from event where type like 'budget.%%'", ())
    assert kinds == [("budget.alert",)]
    assert code(ada.post("/v1/billing/budgets", json=wish)) == (409, "DUPLICATE_RESOURCE")
    assert ada.delete(f"/v1/billing/budgets/{told['id']}").status_code == 204
    assert ada.get("/v1/billing/budgets").json["data"] == []
    assert database.rows("select budgets from account where budgets > 0") == []


def test_a_budget_is_for_ones_own(ada: Reader, bob: Reader) -> None:
    key = ApiKey.get(ApiKey.user == bob.person.id).id
    for scope, subject, words in (
        ("key", wire_id("key", key), "No key of this account."),
        ("user", wire_id("user", bob.person.id), "No user of this account."),
        ("user", None, "Needs the id of a user."),
        ("account", "acct", "Leave it out."),
        ("key", "key", "Not an id of a key."),
    ):
        wish = {"scope": scope, "subject": subject, "amount_nano_usd": "1"}
        answer = ada.post("/v1/billing/budgets", json=wish)
        assert answer.json["error"]["details"] == [{"field": "subject", "message": words}]
    made = bob.post(
        "/v1/billing/budgets",
        json={"scope": "key", "subject": wire_id("key", key), "amount_nano_usd": "1"},
    ).json
    assert code(ada.delete(f"/v1/billing/budgets/{made['id']}")) == (404, "NOT_FOUND")


@pytest.mark.parametrize("amount", ["0", "-5", "1.5", 5, "1e3", "", "9" * 19])
def test_an_amount_is_a_string_of_digits(ada: Reader, amount: Any) -> None:
    answer = ada.post("/v1/billing/budgets", json={"amount_nano_usd": amount})
    assert code(answer) == (400, "VALIDATION_ERROR")


def test_days_may_be_asked_for_and_add_up(ada: Reader) -> None:
    charged(ada, 7)
    charged(ada, 11)
    today = SystemClock().now().date()
    start, end = today - timedelta(days=9), today + timedelta(days=1)

    told = ada.get(f"/v1/billing/usage?start={start}&end={end}").json

    assert (told["period"], told["start"], told["end"]) == (None, str(start), str(end))
    (day,) = told["days"]
    assert (day["date"], day["calls"], day["cost_nano_usd"]) == (str(today), 2, "18")
    assert ada.get(f"/v1/billing/usage?start={start}&end={today}").json["days"] == []


@pytest.mark.parametrize(
    "query",
    [
        "start=2026-01-01",
        "end=2026-01-01",
        "start=2026-01-01&end=2026-01-01",
        "start=2024-01-01&end=2026-01-02",
        "period=day&start=2026-01-01&end=2026-01-02",
        "start=yesterday&end=2026-01-02",
    ],
)
def test_days_that_are_none_or_too_many_are_refused(ada: Reader, query: str) -> None:
    assert code(ada.get(f"/v1/billing/usage?{query}")) == (400, "VALIDATION_ERROR")


def test_statements_are_listed_and_shown_to_their_owner(ada: Reader, bob: Reader) -> None:
    charged(ada, 7, llm="large")
    month = f"{SystemClock().now():%Y-%m}"

    (listed,) = ada.get("/v1/billing/statements").json["data"]
    told = ada.get(f"/v1/billing/statements/{month}").json

    assert (listed["period"], listed["status"], listed["charged_nano_usd"]) == (month, "open", "7")
    assert told["closing_nano_usd"] == ada.get("/v1/billing/balance").json["balance_nano_usd"]
    assert (told["opening_cents"], told["closing_cents"], told["charged_cents"]) == (0, 99, 1)
    lines = {line["kind"]: line["amount_cents"] for line in told["lines"]}
    assert (lines["granted"], lines["charged"], sum(lines.values())) == (100, -1, 99)
    (share,) = told["by_model"]
    assert (share["name"], share["cost_cents"], share["cost_nano_usd"]) == ("large", 1, "7")
    assert told["by_user"][0]["label"] == ada.person.name
    assert bob.get(f"/v1/billing/statements/{month}").json["charged_nano_usd"] == "0"


@pytest.mark.parametrize("month", ["2020-01", "2026-13", "november", "0000-01"])
def test_a_month_without_a_statement_is_not_found(ada: Reader, month: str) -> None:
    assert code(ada.get(f"/v1/billing/statements/{month}")) == (404, "NOT_FOUND")


def test_a_pdf_is_set_by_a_job_and_then_sent(ada: Reader, bob: Reader) -> None:
    path, ended = "/v1/billing/statements/2026-09.pdf", SystemClock().now()
    factories.credit_period(
        ada.account_id, period=date(2026, 9, 1), granted_nano=0, closed_at=ended
    )
    asked, again = ada.get(path), ada.get(path)
    assert (asked.status_code, again.json["id"]) == (202, asked.json["id"])
    assert asked.json["type"] == "statement.set"

    job = set_statement(SetStatement(ada.account_id, "2026-09"), PaperProgram())
    for effect in job.effects:
        database.rows(effect.sql, effect.parameters)

    sent = ada.get(path)
    assert (sent.headers["content-type"], sent.content[:5]) == ("application/pdf", b"%PDF-")
    assert code(bob.get(path)) == (404, "NOT_FOUND")
    month = f"{SystemClock().now():%Y-%m}"
    assert code(ada.get(f"/v1/billing/statements/{month}.pdf"))[0] == 409

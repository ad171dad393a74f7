"""The delivery log: everything that was sent and came back, and statistics of it (H-06, H-10)."""

from datetime import timedelta
from typing import Any

import pytest

from models.kernel.clock import SystemClock, wire_time
from models.kernel.ids import new_id, wire_id
from models.people import AuditEntry
from models.webhooks import Webhook, WebhookDelivery
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.webhook_factories import (
    URL,
    attempted,
    happens,
    turned,
    webhook,
    webhook_attempt,
    webhook_delivery,
)

pytestmark = pytest.mark.usefixtures("database")

NOW = SystemClock().now()


@pytest.fixture
def row(ada: Reader) -> Webhook:
    return webhook(ada.account_id)


def at(row: Webhook) -> str:
    return f"/v1/webhooks/{wire_id('wh', row.id)}"


def one(row: Webhook, delivery: WebhookDelivery) -> str:
    return f"{at(row)}/deliveries/{wire_id('delivery', delivery.id)}"


def listed(reader: Reader, row: Webhook, query: str = "") -> list[dict[str, Any]]:
    answer = reader.get(f"{at(row)}/deliveries{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["data"]
    return found


def test_deliveries_are_listed_the_newest_first_with_how_the_last_attempt_ended(
    ada: Reader, row: Webhook
) -> None:
    old, young = webhook_delivery(row), webhook_delivery(row)
    attempted(old, number=1, outcome="failed", status=500, failure="status 500")
    attempted(old, number=2, outcome="failed", status=None, failure="timeout")

    first, second = listed(ada, row)

    assert (first["id"], second["id"]) == tuple(wire_id("delivery", e.id) for e in (young, old))
    assert (first["attemptCount"], first["outcome"]) == (0, None)
    assert second | {
        "attemptCount": 2, "outcome": "failed", "status": None, "failure": "timeout",
        "cause": "event", "eventType": "book.created", "state": "pending", "url": URL,
    } == second  # fmt: skip


def test_deliveries_are_found_by_state_and_type_in_pages(ada: Reader, row: Webhook) -> None:
    turned(webhook_delivery(row), "exhausted")
    happens(ada.account_id, "job.failed", job={})
    happens(ada.account_id, "job.failed", job={})

    assert [each["state"] for each in listed(ada, row, "?state=exhausted,skipped")] == ["exhausted"]
    assert len(listed(ada, row, "?eventType=job.failed")) == 2
    assert len(listed(ada, row, "?eventType=job.failed&limit=1&page=2")) == 1
    assert listed(ada, row, "?eventType=job.failed&state=delivered") == []
    assert code(ada.get(f"{at(row)}/deliveries?state=lost")) == (400, "VALIDATION_ERROR")


def test_a_delivery_is_shown_with_its_event_and_every_attempt(ada: Reader, row: Webhook) -> None:
    delivery = webhook_delivery(row)
    sent = {"webhook-id": "evt_1", "Authorization": "***"}
    begun = NOW - timedelta(milliseconds=1_250)
    attempted(
        delivery, number=1, outcome="failed", status=500, failure="status 500", started_at=begun,
        finished_at=NOW, request_headers=sent, body="{}", response_headers={"X-A": "b"},
        response_body="no",
    )  # fmt: skip
    attempted(delivery, number=2, outcome="lost", status=None, request_headers=None,
              response_headers=None, response_body=None)  # fmt: skip
    attempted(delivery, number=3, request_headers=sent)

    whole = ada.get(one(row, delivery)).json

    first, lost, last = whole["attempts"]
    assert first | {
        "number": 1, "durationMs": 1_250, "outcome": "failed", "status": 500,
        "request": {"url": URL, "headers": sent, "body": "{}"},
        "response": {"headers": {"X-A": "b"}, "body": "no"},
    } == first  # fmt: skip
    assert (lost["outcome"], lost["request"]["body"], lost["response"]) == ("lost", None, None)
    assert '"title": "Walden"' in last["request"]["body"]
    assert whole["event"] == ada.get(f"/v1/events/{whole['eventId']}").json
    assert (whole["attemptCount"], whole["outcome"]) == (3, "delivered")


def test_what_is_under_way_has_no_end_yet(ada: Reader, row: Webhook) -> None:
    attempt = webhook_attempt(webhook_delivery(row))

    (shown,) = ada.get(one(row, WebhookDelivery.get_by_id(attempt.delivery_id))).json["attempts"]

    nothing = ("outcome", "finishedAt", "durationMs", "response")
    assert {name: shown[name] for name in nothing} == dict.fromkeys(nothing)


def test_the_next_attempt_is_told_while_there_will_be_one(ada: Reader, row: Webhook) -> None:
    webhook_delivery(row)
    later, much_later = NOW + timedelta(days=1), NOW + timedelta(days=2)
    WebhookDelivery.update(next_attempt_at=later).execute()

    told = [listed(ada, row)[0]["nextAttemptAt"]]
    for change in ({"open_until": much_later}, {"is_enabled": False}):
        Webhook.update(**change).execute()
        told.append(listed(ada, row)[0]["nextAttemptAt"])
    Webhook.update(is_enabled=True).execute()
    WebhookDelivery.update(state="exhausted").execute()
    told.append(listed(ada, row)[0]["nextAttemptAt"])

    assert told == [wire_time(later), wire_time(much_later), None, None]


def test_an_event_is_delivered_once_more_with_the_same_id(ada: Reader, row: Webhook) -> None:
    delivery = webhook_delivery(row)
    elsewhere = webhook_delivery(row)
    WebhookDelivery.update(url="https://elsewhere.example/").where(
        WebhookDelivery.id == elsewhere.id
    ).execute()
    for each in (delivery, elsewhere):
        turned(each, "exhausted")

    answers = [ada.post(f"{one(row, each)}/resend") for each in (delivery, elsewhere)]

    assert [answer.status_code for answer in answers] == [202, 202]
    second, first = listed(ada, row, "?state=pending")
    assert [first["id"], second["id"]] == [answer.json["deliveryId"] for answer in answers]
    assert answers[0].headers["location"].endswith(first["id"])
    assert (first["cause"], first["eventId"]) == ("resend", wire_id("evt", delivery.event_id))
    assert (first["url"], second["url"]) == (URL, "https://elsewhere.example/")
    assert AuditEntry.select().where(AuditEntry.action == "webhook.resent").count() == 2


def test_what_is_sent_again_waits_for_no_order(ada: Reader) -> None:
    row = webhook(ada.account_id, fifo="")
    ada.post(f"{one(row, webhook_delivery(row))}/resend")

    keys = [each.fifo_key for each in WebhookDelivery.select().order_by(WebhookDelivery.seq)]
    assert keys == ["=", None]


def test_a_delivery_is_anothers_or_another_webhooks(ada: Reader, bob: Reader, row: Webhook) -> None:
    delivery, other = webhook_delivery(row), webhook(ada.account_id)
    asked = [
        (bob, one(row, delivery)), (ada, one(other, delivery)),
        (ada, f"{at(row)}/deliveries/{wire_id('delivery', new_id())}"),
    ]  # fmt: skip
    for reader, path in asked:
        assert code(reader.get(path)) == (404, "NOT_FOUND")
        assert code(reader.post(f"{path}/resend")) == (404, "NOT_FOUND")
    for path in ("deliveries", "stats"):
        assert code(bob.get(f"{at(row)}/{path}")) == (404, "NOT_FOUND")


def test_what_one_may_not_read_is_not_read_in_the_log(
    ada: Reader, row: Webhook, open_browser: Open
) -> None:
    limited = Reader(open_browser(), ada.person, scopes=["webhooks:read", "webhooks:write"])
    delivery = webhook_delivery(row)

    shown = limited.get(one(row, delivery))
    sent = limited.post(f"{one(row, delivery)}/resend")

    assert [code(each) for each in (shown, sent)] == [(403, "INSUFFICIENT_PERMISSIONS")] * 2
    assert "books:read" in shown.json["error"]["message"]
    assert len(listed(limited, row)) == 1


def test_a_webhook_that_was_sent_nothing_has_no_rates(ada: Reader, row: Webhook) -> None:
    told = ada.get(f"{at(row)}/stats").json

    assert told["deliveries"] == dict.fromkeys(
        ("pending", "delivering", "delivered", "exhausted", "skipped"), 0
    )
    assert told["attempts"] == {"delivered": 0, "failed": 0, "lost": 0}
    for name in ("successRate", "attemptsPerDelivery", "durationMs", "nextAttemptAt"):
        assert told[name] is None
    assert told["breaker"] == {"state": "closed", "until": None}
    assert told["overdue"] == {"count": 0, "oldestAt": None}


def test_attempts_are_counted_and_their_times_spread(ada: Reader, row: Webhook) -> None:
    for number in range(1, 101):
        delivery = webhook_delivery(row)
        turned(delivery, "delivered")
        begun = NOW - timedelta(milliseconds=10 * number)
        if number == 100:
            attempted(delivery, number=1, outcome="failed", started_at=NOW, finished_at=NOW)
        attempted(delivery, number=2, started_at=begun, finished_at=NOW)
    ancient = webhook_delivery(row)
    WebhookDelivery.update(created_at=NOW - timedelta(days=2)).where(
        WebhookDelivery.id == ancient.id
    ).execute()

    told = ada.get(f"{at(row)}/stats").json

    assert (told["deliveries"]["delivered"], told["deliveries"]["pending"]) == (100, 0)
    assert told["attempts"] == {"delivered": 100, "failed": 1, "lost": 0}
    assert told["successRate"] == pytest.approx(100 / 101)
    assert told["attemptsPerDelivery"] == pytest.approx(1.01)
    assert told["durationMs"] == {"p50": 500, "p95": 950, "p99": 990}
    since = wire_time(NOW - timedelta(days=3))
    assert ada.get(f"{at(row)}/stats?since={since}").json["deliveries"]["pending"] == 1


@pytest.mark.parametrize(
    ("state", "stands", "overdue"),
    [
        ("closed", {}, 1),
        ("closed", {"failures": 4}, 1),
        ("half_open", {"failures": 5}, 0),
        ("open", {"failures": 5, "open_until": NOW + timedelta(days=1)}, 0),
        ("closed", {"is_enabled": False}, 0),
    ],
)
def test_the_breaker_tells_why_nothing_goes(
    ada: Reader, row: Webhook, state: str, stands: dict[str, Any], overdue: int
) -> None:
    due = NOW - timedelta(minutes=2)
    webhook_delivery(row)
    webhook_delivery(row)
    WebhookDelivery.update(next_attempt_at=due).where(
        WebhookDelivery.id == WebhookDelivery.select(WebhookDelivery.id).limit(1)
    ).execute()
    Webhook.update(failing_since=NOW - timedelta(days=1), **stands).execute()

    told = ada.get(f"{at(row)}/stats").json

    assert told["breaker"]["state"] == state
    assert (told["breaker"]["until"] is None) == (state != "open")
    assert told["overdue"] == {"count": overdue, "oldestAt": wire_time(due) if overdue else None}
    assert told["failingSince"] == wire_time(NOW - timedelta(days=1))
    assert (told["nextAttemptAt"] is None) == (not stands.get("is_enabled", True))

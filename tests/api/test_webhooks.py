"""Webhooks over HTTP: registered, read, changed, ended, and what is refused of it (H-01, H-12)."""

import json
from typing import Any

import pytest

from jobs.webhooks import endpoints
from models.kernel.database import Pool
from models.kernel.ids import new_id, wire_id
from models.people import AuditEntry
from models.webhooks import Webhook, WebhookDelivery
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.making import person
from tests.organization_factories import membership
from tests.webhook_factories import happens, webhook

pytestmark = pytest.mark.usefixtures("database")

URL = "https://93.184.215.14/hook"
HOME = "/v1/webhooks"
WISH = {"url": URL, "events": ["book.*"]}


def registered(reader: Reader, **more: Any) -> dict[str, Any]:
    answer = reader.post(HOME, json={**WISH, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def at(made: dict[str, Any]) -> str:
    return f"{HOME}/{made['id']}"


def test_a_webhook_is_registered_and_its_secret_shown_this_once(ada: Reader) -> None:
    answer = ada.post(HOME, json=WISH)

    made = answer.json
    assert (answer.status_code, answer.headers["location"]) == (201, at(made))
    assert made["secret"].startswith("whsec_")
    assert made["publicKey"].startswith("whpk_")
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert shown | {"url": URL, "events": ["book.*"], "enabled": True, "fifo": False} == shown
    assert ada.get(at(made)).json == shown
    assert ada.get(HOME).json["data"] == [shown]
    assert made["secret"] not in str(list(Webhook.select().dicts()))


def test_a_registration_that_is_sent_again_shows_no_secret(ada: Reader) -> None:
    again = {"headers": {"Idempotency-Key": "once"}}
    first = ada.post(HOME, json=WISH, **again)
    second = ada.post(HOME, json=WISH, **again)

    assert (second.json["id"], second.json["secret"]) == (first.json["id"], None)
    assert Webhook.select().count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/hook", "https://127.0.0.1/hook", "https://10.1.2.3/", "ftp://a.example/",
        "https://[::ffff:169.254.169.254]/", "https://localhost/", "https://0x7f000001/", "https:///x",
        "https://user:pass@93.184.215.14/", "https://a.example/\n", "https://intern/", "x",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_called_is_not_registered(ada: Reader, url: str) -> None:
    assert code(ada.post(HOME, json={**WISH, "url": url})) == (400, "VALIDATION_ERROR")
    made = registered(ada)
    assert code(ada.patch(at(made), json={"url": url})) == (400, "VALIDATION_ERROR")
    assert ada.get(at(made)).json["url"] == URL


@pytest.mark.parametrize(
    "wish",
    [
        {"events": []}, {"events": ["planet.*"]}, {"events": ["book"]}, {"events": ["book.*"] * 51},
        {"events": "book.*"}, {"filter": {}}, {"filter": {"data book": 1}}, {"filter": ["data"]},
        {"filter": {"data.n": {"near": 1}}}, {"filter": {"data.n": {}}},
        {"filter": {"data.n": [1] * 51}}, {"filter": {"data.n": {"gt": {"a": 1}}}},
        {"filter": {"data.n": "\u0000"}}, {"transform": {"a": "{{data book}}"}},
        {"transform": "x" * 16_385}, {"transform": {"a": "\u0000"}}, {"transform": {"\u0000": "a"}},
        {"transform": json.loads("[" * 11 + "]" * 11)}, {"fifo": "data book"}, {"fifo": 1},
        {"fifo": ""}, {"headers": {"Host": "a"}}, {"headers": {"X-A": "a\r\nX-B: b"}},
        {"headers": {"webhook-id": "a"}}, {"headers": {"X-A": 1}}, {"rateLimitPerSecond": 0},
        {"rateLimitPerSecond": 1_001}, {"maxInFlight": 101}, {"verify": "trust"},
        {"description": "x" * 201}, {"enabled": False}, {"hearsAll": True}, {"secret": "whsec_a"},
    ],
)  # fmt: skip
def test_what_could_not_work_is_refused(ada: Reader, wish: dict[str, Any]) -> None:
    assert code(ada.post(HOME, json={**WISH, **wish})) == (400, "VALIDATION_ERROR")
    assert Webhook.select().count() == 0


@pytest.mark.parametrize("text", [r"\ud800", r"\udc00\ud800", r"a\ud83d"])
@pytest.mark.parametrize("field", ['"filter": {{"data.n": "{}"}}', '"transform": {{"a": "{}"}}'])
def test_half_of_a_character_is_refused(ada: Reader, field: str, text: str) -> None:
    body = json.dumps(WISH)[:-1] + ", " + field.format(text) + "}"

    answer = ada.post(HOME, body=body, headers={"Content-Type": "application/json"})

    assert code(answer) == (400, "VALIDATION_ERROR")


def test_an_account_has_so_many_webhooks_with_live_and_test_keys_each(
    ada: Reader, open_browser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_WEBHOOKS", 2)
    test = Reader(open_browser(), ada.person, mode="test")
    registered(ada)
    made = registered(ada)

    assert code(ada.post(HOME, json=WISH)) == (409, "CONFLICT")
    registered(test)
    assert ada.delete(at(made)).status_code == 204
    registered(ada)


def test_a_webhook_changes_and_null_clears(ada: Reader) -> None:
    wish = {
        "filter": {"data.book.visibility": "public"}, "transform": {"text": "{{type}}"},
        "headers": {"X-Tenant": "library"}, "fifo": "data.book.id", "description": "Old.",
    }  # fmt: skip
    made = registered(ada, **wish)
    assert (made["hasHeaders"], made["fifo"]) == (True, "data.book.id")

    fresh = {
        "events": ["job.*"], "url": f"{URL}/2", "description": "", "fifo": True,
        "rateLimitPerSecond": 7, "maxInFlight": 3,
    }  # fmt: skip
    changed = ada.patch(at(made), json=fresh).json
    cleared = dict.fromkeys(("filter", "transform", "headers"))
    plain = ada.patch(at(made), json={**cleared, "fifo": False}).json

    assert changed | fresh == changed
    assert (changed["filter"], changed["transform"]) == (wish["filter"], wish["transform"])
    assert plain | {"filter": None, "transform": None, "fifo": False} == plain
    assert plain["hasHeaders"] is False
    row = Webhook.get()
    assert (row.filter, row.condition, row.transform, row.headers) == (None, None, None, None)


def test_a_filter_that_is_cleared_filters_no_more(ada: Reader) -> None:
    made = registered(ada, filter={"data.number": {"gt": 5}})
    happens(ada.account_id, number=1)
    happens(ada.account_id, number=6)
    assert WebhookDelivery.select().count() == 1

    ada.patch(at(made), json={"filter": None})
    happens(ada.account_id, number=2)

    assert WebhookDelivery.select().count() == 2


def test_a_webhook_is_disabled_and_enabled_with_its_backlog_or_without(ada: Reader) -> None:
    made = registered(ada)

    off = ada.patch(at(made), json={"enabled": False}).json
    happens(ada.account_id)
    kept = WebhookDelivery.get().state
    on = ada.patch(at(made), json={"enabled": True, "backlog": "skip"}).json

    assert (off["enabled"], off["disabledReason"], kept) == (False, "owner", "pending")
    assert (on["enabled"], on["disabledReason"], on["disabledAt"]) == (True, None, None)
    assert WebhookDelivery.get().state == "skipped"


def test_a_webhook_that_is_deleted_is_not_there(ada: Reader) -> None:
    made = registered(ada)

    assert ada.delete(at(made)).status_code == 204

    assert code(ada.get(at(made))) == (404, "NOT_FOUND")
    assert code(ada.delete(at(made))) == (404, "NOT_FOUND")
    assert ada.get(HOME).json["data"] == []
    happens(ada.account_id)
    assert WebhookDelivery.select().count() == 0


def test_a_secret_is_exchanged_and_shown_once(ada: Reader) -> None:
    made = registered(ada)

    rotated = ada.post(f"{at(made)}/rotate-secret", json={"overlapSeconds": 0}).json

    assert rotated["secret"] != made["secret"]
    assert ada.get(at(made)).json["publicKey"] == rotated["publicKey"] != made["publicKey"]
    for odd in (-1, 7 * 86_400 + 1):
        answer = ada.post(f"{at(made)}/rotate-secret", json={"overlapSeconds": odd})
        assert code(answer) == (400, "VALIDATION_ERROR")


def test_a_ping_is_a_delivery_of_an_event_of_its_own(ada: Reader) -> None:
    made = registered(ada)
    registered(ada, events=["*"])

    pinged = ada.post(f"{at(made)}/ping")

    assert pinged.status_code == 202
    delivery = WebhookDelivery.get()
    assert wire_id("delivery", delivery.id) == pinged.json["deliveryId"]
    event = ada.get(f"/v1/events/{pinged.json['eventId']}").json
    assert (event["type"], event["data"]["webhook"]["id"]) == ("webhook.ping", made["id"])


def test_anothers_webhook_is_not_there(ada: Reader, bob: Reader, open_browser: Open) -> None:
    made = registered(ada)
    test = Reader(open_browser(), ada.person, mode="test")
    for stranger in (bob, test):
        calls = [
            stranger.get(at(made)), stranger.patch(at(made), json={"description": "mine"}),
            stranger.delete(at(made)), stranger.post(f"{at(made)}/ping"),
            stranger.post(f"{at(made)}/rotate-secret", json={}),
        ]  # fmt: skip
        assert [code(answer) for answer in calls] == [(404, "NOT_FOUND")] * len(calls)
        assert stranger.get(HOME).json["data"] == []
    assert code(ada.get(f"{HOME}/{wire_id('wh', new_id())}")) == (404, "NOT_FOUND")


def test_a_test_key_sees_its_own_and_hears_of_the_sandbox(ada: Reader, open_browser: Open) -> None:
    test = Reader(open_browser(), ada.person, mode="test")
    made = registered(test)

    happens(ada.account_id)
    happens(ada.account_id, mode="test")

    assert [each["id"] for each in test.get(HOME).json["data"]] == [made["id"]]
    assert ada.get(HOME).json["data"] == []
    assert WebhookDelivery.select().count() == 1


def test_an_organizations_webhooks_are_its_administrators(ada: Reader) -> None:
    place = membership(ada.person, role="admin").account_id
    acting = {"headers": {"X-Organization": wire_id("org", place)}}
    made = ada.post(HOME, json=WISH, **acting).json

    assert code(ada.get(at(made))) == (404, "NOT_FOUND")
    assert ada.get(at(made), **acting).json["id"] == made["id"]
    happens(place)
    assert WebhookDelivery.select().count() == 1


def test_nobody_hears_what_they_may_not_read(ada: Reader, open_browser: Open) -> None:
    scopes = ["webhooks:read", "webhooks:write", "books:read"]
    limited = Reader(open_browser(), ada.person, scopes=scopes)
    made = registered(limited)
    whole = registered(ada, events=["job.*"])

    refused = [
        limited.post(HOME, json={**WISH, "events": ["book.created", "credits.*"]}),
        limited.patch(at(made), json={"events": ["budget.alert"]}),
        limited.patch(at(whole), json={"url": f"{URL}/mine"}),
    ]

    assert [code(each) for each in refused] == [(403, "INSUFFICIENT_PERMISSIONS")] * 3
    said = [each.json["error"]["message"] for each in refused]
    assert ["billing:read" in each for each in said] == [True, True, False]
    assert "jobs:read" in said[2]
    assert code(limited.post(HOME, json={**WISH, "events": ["*"]}))[0] == 403
    assert limited.patch(at(whole), json={"enabled": False}).status_code == 200


def test_who_may_only_read_registers_nothing(open_browser: Open) -> None:
    viewer = Reader(open_browser(), person(role="viewer"))
    reading = Reader(open_browser(), scopes=["webhooks:read"])
    row = webhook(reading.account_id)

    assert code(viewer.get(HOME)) == (403, "INSUFFICIENT_PERMISSIONS")
    assert code(reading.post(HOME, json=WISH)) == (403, "INSUFFICIENT_PERMISSIONS")
    for act in ("ping", "rotate-secret"):
        path = f"{HOME}/{wire_id('wh', row.id)}/{act}"
        assert code(reading.post(path, json={})) == (403, "INSUFFICIENT_PERMISSIONS")


def test_what_is_done_to_a_webhook_is_written_down(ada: Reader, database: Pool) -> None:
    made = registered(ada, headers={"X-Token": "hush"})
    ada.patch(at(made), json={"headers": {"X-Token": "hush"}, "description": "New."})
    ada.post(f"{at(made)}/rotate-secret", json={})
    ada.delete(at(made))

    entries = list(AuditEntry.select().order_by(AuditEntry.id))
    assert [each.action for each in entries] == [
        "webhook.registered", "webhook.changed", "webhook.secret_rotated", "webhook.deleted",
    ]  # fmt: skip
    assert entries[1].details["changed"] == ["description", "headers"]
    assert "hush" not in str([each.details for each in entries])


def test_webhooks_are_listed_in_pages_the_newest_first(ada: Reader) -> None:
    ids = [registered(ada)["id"] for _ in range(3)]

    first, second = (ada.get(f"{HOME}?limit=2&page={page}").json for page in (1, 2))

    assert [each["id"] for each in (*first["data"], *second["data"])] == ids[::-1]
    assert (first["pagination"]["total"], first["pagination"]["hasMore"]) == (3, True)

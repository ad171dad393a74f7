"""Receivers' tools over HTTP: recoveries, replays, the sandbox's echo (H-10, H-11)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from jobs.webhooks.again import RecoverWebhook, ReplayWebhook, deliver_again
from jobs.webhooks.carrier import Carrier
from models import webhooks
from models.jobs import JobRow
from models.kernel.clock import SystemClock, wire_time
from models.kernel.http import Egress
from models.kernel.ids import parse_id, wire_id
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings
from models.people import AuditEntry
from models.webhooks import NOBODY, Webhook, WebhookAttempt, WebhookDelivery
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.fakes.run import FakeRun
from tests.webhook_factories import happens, webhook

pytestmark = pytest.mark.usefixtures("database")

NOW = SystemClock().now()
SINCE = wire_time(NOW - timedelta(hours=1))
URL = "https://93.184.215.14/hook"
HOUSE = "http://127.0.0.1:8000"


@pytest.fixture
def row(ada: Reader) -> Webhook:
    return webhook(ada.account_id)


def at(row: Webhook) -> str:
    return f"/v1/webhooks/{wire_id('wh', row.id)}"


def test_a_recovery_is_a_job(ada: Reader, row: Webhook) -> None:
    answer = ada.post(f"{at(row)}/recover", json={"since": SINCE})

    assert (answer.status_code, answer.json["type"]) == (202, "webhooks.recover")
    assert ada.get(answer.headers["location"]).json["id"] == answer.json["id"]
    kept = JobRow.get()
    job = RecoverWebhook.from_input(kept.input)
    assert (job.webhook_id, kept.queue) == (row.id, "webhooks")
    assert wire_time(NOW - timedelta(hours=1)) == SINCE
    entry = AuditEntry.select().where(AuditEntry.action == "webhook.recover").get()
    assert entry.details["job_id"] == str(kept.id)


def test_what_the_wire_asks_for_is_what_is_done(ada: Reader) -> None:
    row = webhook(ada.account_id, events=["book.*"])
    happens(ada.account_id)
    WebhookDelivery.update(state="exhausted").execute()
    ada.post(f"{at(row)}/recover", json={"since": SINCE})

    done = deliver_again(RecoverWebhook.from_input(JobRow.get().input), FakeRun(ada.account_id))

    assert done.result == {"deliveries": 1}


def test_a_replay_goes_to_another_address(ada: Reader, row: Webhook) -> None:
    wish = {"since": SINCE, "url": URL, "until": wire_time(NOW)}

    answer = ada.post(f"{at(row)}/replay", json=wish)

    assert (answer.status_code, answer.json["type"]) == (202, "webhooks.replay")
    assert ReplayWebhook.from_input(JobRow.get().input).url == URL
    entry = AuditEntry.select().where(AuditEntry.action == "webhook.replay").get()
    assert entry.details["url"] == URL


def test_one_goes_on_at_a_time_and_the_same_key_asks_for_the_same(
    ada: Reader, row: Webhook
) -> None:
    wish = {"json": {"since": SINCE}, "headers": {"Idempotency-Key": "once"}}
    first = ada.post(f"{at(row)}/recover", **wish)

    assert code(ada.post(f"{at(row)}/recover", json={"since": SINCE})) == (409, "CONFLICT")
    assert code(ada.post(f"{at(row)}/replay", json={"since": SINCE})) == (409, "CONFLICT")
    assert ada.post(f"{at(row)}/recover", **wish).json["id"] == first.json["id"]
    ada.post(f"/v1/jobs/{first.json['id']}/cancel")
    assert ada.post(f"{at(row)}/replay", json={"since": SINCE}).status_code == 202


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("recover", {}), ("recover", {"since": "yesterday"}),
        ("recover", {"since": wire_time(NOW + timedelta(days=1))}),
        ("recover", {"since": SINCE, "until": SINCE}), ("replay", {"since": SINCE, "until": SINCE}),
        ("replay", {"url": URL}), ("replay", {"since": SINCE, "url": "http://93.184.215.14/"}),
        ("replay", {"since": SINCE, "url": "https://127.0.0.1/"}),
        ("replay", {"since": SINCE, "url": "https://169.254.169.254/latest"}),
    ],
)  # fmt: skip
def test_what_cannot_be_done_again_is_refused(
    ada: Reader, row: Webhook, path: str, wish: dict[str, Any]
) -> None:
    assert code(ada.post(f"{at(row)}/{path}", json=wish)) == (400, "VALIDATION_ERROR")
    assert JobRow.select().count() == 0


def test_anothers_webhook_is_nothing_to_work_with(ada: Reader, bob: Reader, row: Webhook) -> None:
    for path, body in (
        ("recover", {"since": SINCE}), ("replay", {"since": SINCE}),
        ("debug-signature", {"headers": {}, "body": ""}),
    ):  # fmt: skip
        assert code(bob.post(f"{at(row)}/{path}", json=body)) == (404, "NOT_FOUND")


def test_who_may_not_read_the_events_replays_them_nowhere_else(
    ada: Reader, row: Webhook, open_browser: Open
) -> None:
    scopes = ["webhooks:read", "webhooks:write", "jobs:read"]
    limited = Reader(open_browser(), ada.person, scopes=scopes)

    refused = limited.post(f"{at(row)}/replay", json={"since": SINCE, "url": URL})

    assert code(refused) == (403, "INSUFFICIENT_PERMISSIONS")
    assert limited.post(f"{at(row)}/replay", json={"since": SINCE}).status_code == 202


def test_a_signature_is_explained(ada: Reader) -> None:
    made = ada.post("/v1/webhooks", json={"url": URL, "events": ["book.*"]}).json
    given = {"webhook-id": "evt_1", "webhook-timestamp": "1795179600", "webhook-signature": "v1,a"}

    told = ada.post(
        f"/v1/webhooks/{made['id']}/debug-signature", json={"headers": given, "body": "{}"}
    ).json

    assert (told["verified"], told["deliveryId"], told["difference"]) == (False, None, None)
    assert told["standard"]["text"] == "evt_1.1795179600.{}"
    assert told["given"] == [
        {"header": "webhook-signature", "signature": "v1,a", "verifies": False}
    ]  # fmt: skip
    assert told["timestamp"].keys() == {"ageSeconds", "isFresh"}
    body = json.dumps({"id": 1})
    for signature in told["standard"]["signatures"]:
        again = {**given, "webhook-signature": signature}
        path, wish = f"/v1/webhooks/{made['id']}/debug-signature", {"headers": again, "body": "{}"}
        assert ada.post(path, json=wish).json["given"][0]["verifies"]
        assert not ada.post(path, json={**wish, "body": body}).json["given"][0]["verifies"]


class Sandbox:
    """Somebody with a test key, and couriers that know the house's own address."""

    def __init__(self, open_browser: Open, tmp_path: Any, ada: Reader) -> None:
        options = {"public_url": HOUSE}
        self.reader = Reader(open_browser(**options), ada.person, mode="test")
        self.live = Reader(open_browser(**options), ada.person)
        settings = Settings(home=tmp_path, **options)
        self.carrier = Carrier(
            Egress(settings.reachable), open_secrets(settings), settings, SystemClock()
        )

    def echoes(self) -> list[dict[str, Any]]:
        answer = self.reader.get("/v1/sandbox/echo")
        assert answer.json["url"] == f"{HOUSE}/v1/sandbox/echo"
        found: list[dict[str, Any]] = answer.json["data"]
        return found

    def registers(self, **more: Any) -> dict[str, Any]:
        wish = {"url": f"{HOUSE}/v1/sandbox/echo", "events": ["book.*"], **more}
        answer = self.reader.post("/v1/webhooks", json=wish)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json
        return made

    def delivers(self) -> None:
        webhooks.finish([self.carrier.carry(each) for each in webhooks.claim(NOBODY, 100, 60)])


@pytest.fixture
def sandbox(open_browser: Open, tmp_path: Any, ada: Reader) -> Sandbox:
    return Sandbox(open_browser, tmp_path, ada)


def test_the_sandbox_receives_verifies_and_shows(ada: Reader, sandbox: Sandbox) -> None:
    made = sandbox.registers(headers={"X-Token": "hush"})
    happens(ada.account_id, mode="test", book={"title": "Walden"})

    sandbox.delivers()

    (echo,) = sandbox.echoes()
    assert (echo["webhookId"], echo["verified"]) == (made["id"], True)
    assert '"title": "Walden"' in echo["body"]
    assert echo["headers"]["webhook-signature"].startswith("v1,")
    assert "hush" not in str(echo)
    assert WebhookDelivery.get().state == "delivered"
    assert parse_id("delivery", echo["deliveryId"]) == WebhookDelivery.get().id


def test_the_sandbox_shows_the_newest_few_of_the_last_day(ada: Reader, sandbox: Sandbox) -> None:
    sandbox.registers(rateLimitPerSecond=1_000, maxInFlight=100)
    for number in range(22):
        happens(ada.account_id, mode="test", number=number)
    sandbox.delivers()

    assert len(sandbox.echoes()) == 20
    WebhookAttempt.update(started_at=NOW - timedelta(days=2)).execute()
    assert sandbox.echoes() == []


def test_the_sandbox_is_for_test_keys_and_for_who_may_read(
    ada: Reader, bob: Reader, sandbox: Sandbox, open_browser: Open
) -> None:
    sandbox.registers()
    happens(ada.account_id, mode="test")
    sandbox.delivers()
    options = {"public_url": HOUSE}
    others = [
        sandbox.live, Reader(open_browser(**options), bob.person, mode="test"),
        Reader(open_browser(**options), ada.person, mode="test", scopes=["webhooks:read"]),
    ]  # fmt: skip

    assert len(sandbox.echoes()) == 1
    assert [each.get("/v1/sandbox/echo").json["data"] for each in others] == [[], [], []]


def test_nobody_posts_to_the_sandbox_and_no_other_address_of_ours_is_registered(
    open_browser: Open, ada: Reader
) -> None:
    here = Reader(open_browser(public_url=HOUSE), ada.person, mode="test")
    live = Reader(open_browser(public_url=HOUSE), ada.person)

    assert here.post("/v1/sandbox/echo", json={}).status_code == 405
    for reader, url in (
        (here, f"{HOUSE}/v1/sandbox/echo/"), (here, "http://127.0.0.1:8000/v1/jobs"),
        (here, f"{HOUSE}/v1/sandbox/echo?a"),
        (live, f"{HOUSE}/v1/sandbox/echo"),
    ):  # fmt: skip
        wish = {"url": url, "events": ["book.*"]}
        assert code(reader.post("/v1/webhooks", json=wish)) == (400, "VALIDATION_ERROR")
    wish = {"url": f"{HOUSE}/v1/sandbox/echo", "events": ["book.*"]}
    assert here.post("/v1/webhooks", json=wish).status_code == 201

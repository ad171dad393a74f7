"""Webhooks whole: registered over HTTP, told by whatever happens, verified by the receiver (H)."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from models.kernel.clock import SystemClock, wire_time
from models.kernel.database import Pool
from models.kernel.settings import Settings
from models.webhooks import Webhook, WebhookAttempt, WebhookDelivery
from tests.conftest import cleared
from tests.fakes.receiver import FakeReceiver, Received, Reply
from tests.processes import Processes, Web, until
from tests.webhook_factories import happens

EGRESS = {"ILM_EGRESS_ALLOW": "127.0.0.0/8", "ILM_WEBHOOK_SCHEDULE": "0.1,0.1,0.1"}


class Integrator:
    """Somebody with a token, and what they hear."""

    def __init__(self, web: Web, receiver: FakeReceiver) -> None:
        self.web = web
        self.receiver = receiver
        self.token = web.newcomer("ada@example.org")

    def call(self, method: str, path: str, **parts: Any) -> Any:
        answer = self.web.call(method, path, self.token, **parts)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def registers(self, **more: Any) -> dict[str, Any]:
        wish = {"url": self.receiver.url, "events": ["job.*"], **more}
        made: dict[str, Any] = self.call("POST", "/v1/webhooks", json=wish)
        return made

    def works(self) -> str:
        job = self.call("POST", "/v1/jobs", json={"type": "system.echo", "input": {"text": "hi"}})
        return str(job["id"])

    def ends(self, job: str) -> str:
        """Wait until a job has ended; return its id."""
        path = f"/v1/jobs/{job}"
        until(lambda: self.call("GET", path)["status"] == "succeeded", "a job does not end")
        return job

    def heard(self, count: int = 1) -> list[Received]:
        until(lambda: len(self.receiver.received) >= count, f"{count} were not delivered")
        return self.receiver.received


@pytest.fixture(scope="module")
def processes(
    settings: Settings, pools: tuple[Pool, Pool], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    cleared(settings, pools)
    with Processes(settings, tmp_path_factory.mktemp("logs"), **EGRESS) as made:
        made.worker("default")
        yield made


@pytest.fixture(scope="module")
def web(processes: Processes) -> Web:
    return processes.web()


@pytest.fixture
def ada(web: Web, database: Pool) -> Iterator[Integrator]:
    with FakeReceiver() as receiver:
        yield Integrator(web, receiver)


def test_what_happens_is_told_and_its_signature_holds(ada: Integrator) -> None:
    webhook = ada.registers()

    job = ada.works()

    (got,) = ada.heard()
    told = Verifier(webhook["secret"]).verify(got.body, dict(got.headers))
    assert (told["type"], told["data"]["job"]["id"]) == ("job.succeeded", job)
    assert got.id == told["id"]
    until(lambda: WebhookDelivery.get().state == "delivered", "its end is not written")


def test_what_failed_is_tried_again_until_it_arrives(ada: Integrator) -> None:
    ada.registers()
    ada.receiver.script = lambda _: Reply(200 if len(ada.receiver.received) > 2 else 500)

    ada.works()

    assert len({got.id for got in ada.heard(3)}) == 1
    until(lambda: WebhookDelivery.get().state == "delivered", "its end is not written")
    outcomes = [row.outcome for row in WebhookAttempt.select().order_by(WebhookAttempt.number)]
    assert outcomes == ["failed", "failed", "delivered"]


def test_a_ping_reaches_one_endpoint_alone(ada: Integrator) -> None:
    webhook = ada.registers(events=["*"])
    ada.registers(events=["*"])

    pinged = ada.call("POST", f"/v1/webhooks/{webhook['id']}/ping")

    (got,) = ada.heard()
    told = json.loads(got.body)
    assert (told["id"], told["type"]) == (pinged["eventId"], "webhook.ping")
    assert told["data"]["webhook"]["id"] == webhook["id"]


def test_a_secret_that_was_exchanged_signs_on_beside_the_new_one(ada: Integrator) -> None:
    webhook = ada.registers()

    rotated = ada.call("POST", f"/v1/webhooks/{webhook['id']}/rotate-secret", json={})
    ada.works()

    (got,) = ada.heard()
    assert rotated["secret"] != webhook["secret"]
    for secret in (webhook["secret"], rotated["secret"]):
        Verifier(secret).verify(got.body, dict(got.headers))


def test_a_challenge_has_to_be_echoed(ada: Integrator) -> None:
    def echo(request: Received) -> Reply:
        return Reply(200, {}, json.loads(request.body)["challenge"].encode())

    wish = {"url": ada.receiver.url, "events": ["*"], "verify": "challenge"}
    refused = ada.web.call("POST", "/v1/webhooks", ada.token, json=wish)
    ada.receiver.script = echo
    taken = ada.web.call("POST", "/v1/webhooks", ada.token, json=wish)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert taken.status_code == 201


def test_what_a_courier_has_lost_is_delivered_by_whoever_finds_it(ada: Integrator) -> None:
    """Where its lease is over it is due again; the one attempt that was lost is written down."""
    ada.registers()
    ada.receiver.script = lambda _: Reply(hangs=len(ada.receiver.received) == 1)
    ada.works()
    ada.heard()
    WebhookDelivery.update(lease_until=WebhookDelivery.created_at).execute()

    first, second = ada.heard(2)

    assert first.id == second.id
    until(lambda: WebhookDelivery.get().state == "delivered", "its end is not written")
    outcomes = [row.outcome for row in WebhookAttempt.select().order_by(WebhookAttempt.number)]
    assert outcomes == ["lost", "delivered"]


def test_every_delivery_verifies_while_the_secret_is_exchanged_a_hundred_times(
    ada: Integrator,
) -> None:
    """The receiver knows the secrets whose overlap is not over, which are all of them here."""
    webhook = ada.registers(rateLimitPerSecond=1_000)
    known = [webhook["secret"]]
    wrong: list[str] = []

    def verify(got: Received) -> Reply:
        for secret in reversed(known):
            with suppress(WebhookVerificationError):
                Verifier(secret).verify(got.body, dict(got.headers))
                return Reply()
        wrong.append(got.id)
        return Reply(401)

    ada.receiver.script = verify
    account = Webhook.get().account_id
    for _ in range(100):
        for _ in range(3):
            happens(account, "job.succeeded", job={"id": "job_1"})
        path = f"/v1/webhooks/{webhook['id']}/rotate-secret"
        known.append(ada.call("POST", path, json={"overlapSeconds": 60})["secret"])

    is_open = WebhookDelivery.state.in_(["pending", "delivering"])
    until(lambda: not WebhookDelivery.select().where(is_open).exists(), "not all was delivered")
    assert wrong == []
    assert len({got.id for got in ada.receiver.received}) == 300


def test_what_was_given_up_and_what_was_never_told_is_recovered_by_a_job(ada: Integrator) -> None:
    began = wire_time(SystemClock().now() - timedelta(minutes=1))
    ada.receiver.script = lambda _: Reply(500)
    webhook = ada.registers()
    place = f"/v1/webhooks/{webhook['id']}"
    missed = {ada.works()}
    given_up = WebhookDelivery.select().where(WebhookDelivery.state == "exhausted")
    until(given_up.exists, "it is not given up")
    ada.call("PATCH", place, json={"events": ["book.*"]})
    missed.add(ada.ends(ada.works()))
    tried = len(ada.receiver.received)
    ada.receiver.script = lambda _: Reply(200)
    ada.call("PATCH", place, json={"events": ["job.*"]})

    asked = ada.call("POST", f"{place}/recover", json={"since": began})

    ada.ends(asked["id"])
    assert ada.call("GET", f"/v1/jobs/{asked['id']}")["result"] == {"deliveries": 2}
    told = {json.loads(got.body)["data"]["job"]["id"] for got in ada.heard(tried + 3)[tried:]}
    assert told == {*missed, asked["id"]}

"""Carrying: what is sent, how it is signed, and what an answer means (H-03 – H-05, H-08, X-8)."""

import hmac
import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook as Verifier

from jobs.webhooks.carrier import HEADERS, KEYS, MOST_ANSWER, MOST_BODY, Carrier
from jobs.webhooks.signing import Secret, new_secret
from models.kernel.clock import SystemClock
from models.kernel.http import Egress
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from models.webhooks import Parcel
from tests.fakes.receiver import FakeReceiver, Reply

SEALS = Secrets(b"0" * 32)
EVENT = {"id": "evt_1", "type": "book.created", "timestamp": "t", "data": {"book": {"n": 1}}}


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as made:
        yield made


def carrier(**options: Any) -> Carrier:
    settings = Settings(egress_allow=("127.0.0.0/8",), **options)
    return Carrier(Egress(settings.reachable), SEALS, settings, SystemClock())


def parcel(url: str, *keys: Secret, **more: Any) -> Parcel:
    webhook_id = more.pop("webhook_id", uuid4())
    values: dict[str, Any] = {
        "delivery_id": uuid4(), "attempt": 1, "cause": "event", "url": url, "headers": None,
        "webhook_id": webhook_id, "transform": None, "payload": json.dumps(EVENT),
        "secrets": [SEALS.seal(KEYS, key.raw, context=str(webhook_id)) for key in keys], **more,
    }  # fmt: skip
    return Parcel(**values)


def sealed(webhook_id: UUID, headers: dict[str, str]) -> bytes:
    return SEALS.seal(HEADERS, json.dumps(headers).encode(), context=str(webhook_id))


def test_a_delivery_is_signed_as_standard_webhooks_says_by_every_key(
    receiver: FakeReceiver,
) -> None:
    new, old = new_secret(), new_secret()

    end = carrier().carry(parcel(receiver.url, new, old))

    (got,) = receiver.received
    assert (end.outcome, end.status, end.wait) == ("delivered", 200, None)
    for key in (new, old):
        assert Verifier(key.shown).verify(got.body, dict(got.headers)) == EVENT
    content = f"{got.id}.{got.headers['webhook-timestamp']}.".encode() + got.body
    signed = got.headers["webhook-signature"].split(" ")
    ours = [b64decode(each.removeprefix("v1a,")) for each in signed if each.startswith("v1a,")]
    for key, signature in zip((new, old), ours, strict=True):
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, content)


def test_our_own_signature_is_of_moment_and_body(receiver: FakeReceiver) -> None:
    key = new_secret()

    carrier().carry(parcel(receiver.url, key))

    (got,) = receiver.received
    moment, *signatures = got.headers["x-ilm-signature"].split(",")
    signed = moment.removeprefix("t=").encode() + b"." + got.body
    assert signatures == [f"v1={hmac.new(key.key, signed, 'sha256').hexdigest()}"]


def test_each_attempt_has_the_same_id(receiver: FakeReceiver) -> None:
    for attempt in (1, 2):
        carrier().carry(parcel(receiver.url, new_secret(), attempt=attempt))

    first, second = receiver.received
    assert first.id == second.id == "evt_1"
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_an_endpoints_own_headers_are_sent_and_not_logged(receiver: FakeReceiver) -> None:
    key = uuid4()
    own = sealed(key, {"Authorization": "Bearer hush"})

    end = carrier().carry(parcel(receiver.url, webhook_id=key, headers=own))

    assert receiver.received[0].headers["authorization"] == "Bearer hush"
    assert end.request_headers is not None
    assert end.request_headers["Authorization"] == "***"
    assert "hush" not in str(end)


def test_a_template_makes_the_body_and_the_log_keeps_it(receiver: FakeReceiver) -> None:
    template = {"text": "{{type}}: {{data.book.n}}", "book": "{{data.book}}", "none": "{{data.x}}"}

    end = carrier().carry(parcel(receiver.url, transform=template))

    sent = {"text": "book.created: 1", "book": {"n": 1}, "none": None}
    assert json.loads(receiver.received[0].body) == sent
    assert end.body == receiver.received[0].body.decode()


def test_an_event_too_large_to_send_is_told_by_where_it_is(receiver: FakeReceiver) -> None:
    large = json.dumps({**EVENT, "data": {"text": "x" * MOST_BODY}})

    carrier(public_url="https://ilm.example").carry(parcel(receiver.url, payload=large))

    told = json.loads(receiver.received[0].body)
    assert told == {**EVENT, "data": {"url": "https://ilm.example/v1/events/evt_1"}}


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 500, 503])
def test_only_a_2xx_is_a_delivery(receiver: FakeReceiver, status: int) -> None:
    receiver.script = lambda _: Reply(status, {"Location": "http://127.0.0.1:1/"}, b"no")

    end = carrier().carry(parcel(receiver.url))

    assert (end.outcome, end.status, end.failure) == ("failed", status, f"status {status}")
    assert (end.response_body, len(receiver.received)) == ("no", 1)


@pytest.mark.parametrize(("attempt", "pause"), [(1, 5), (2, 300), (9, 86_400), (10, None)])
def test_pauses_are_those_of_the_schedule_and_a_fifth_more_or_less(
    receiver: FakeReceiver, attempt: int, pause: int | None
) -> None:
    receiver.script = lambda _: Reply(500)
    ours = carrier()

    waits = {ours.carry(parcel(receiver.url, attempt=attempt)).wait for _ in range(10)}

    if pause is None:
        assert waits == {None}
    else:
        assert len(waits) > 1
        assert all(wait and 0.8 * pause <= wait <= 1.2 * pause for wait in waits)


@pytest.mark.parametrize(
    ("status", "said", "pause", "wait"),
    [
        (503, "120", 120, 120),
        (429, "Fri, 01 Jan 2100 00:00:00 GMT", 86_400, 86_400),
        (429, None, 30, 4),
        (503, "soon", 30, 4),
        (500, "120", 0, 120),
        (500, None, 0, 4),
        (503, "-1", 30, 4),
        (503, "Thu, 01 Jan 1970 00:00:00 GMT", 0, 4),
    ],
)
def test_an_endpoint_says_until_when_it_is_left_alone(
    receiver: FakeReceiver, status: int, said: str | None, pause: float, wait: float
) -> None:
    receiver.script = lambda _: Reply(status, {"Retry-After": said} if said else {})

    end = carrier().carry(parcel(receiver.url))

    assert (end.pause, end.wait is not None and end.wait >= wait) == (pause, True)


def test_what_does_not_answer_in_time_has_failed(receiver: FakeReceiver) -> None:
    receiver.script = lambda _: Reply(hangs=True)

    end = carrier(webhook_timeout=1).carry(parcel(receiver.url))

    assert (end.outcome, end.status, end.failure) == ("failed", None, "timeout")


def test_of_a_long_answer_the_beginning_is_kept(receiver: FakeReceiver) -> None:
    receiver.script = lambda _: Reply(200, {"X-Long": "y" * 600}, b"\x00" + b"z" * 100_000)

    end = carrier().carry(parcel(receiver.url))

    assert end.outcome == "delivered"
    assert end.response_body == "\N{REPLACEMENT CHARACTER}" + "z" * (MOST_ANSWER - 1)
    assert end.response_headers is not None
    assert end.response_headers["X-Long"] == "y" * 500


def test_an_address_of_the_house_is_not_called(receiver: FakeReceiver) -> None:
    settings = Settings()
    ours = Carrier(Egress(settings.reachable), SEALS, settings, SystemClock())

    end = ours.carry(parcel(receiver.url))

    assert (end.outcome, end.failure, receiver.received) == ("failed", "address", [])

"""The verification helper for integrators, by real deliveries, beside another's (H-04, X-8)."""

import importlib.util
import random
import sys
from binascii import Error as BinasciiError
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook as Other
from standardwebhooks.webhooks import WebhookVerificationError

from jobs.webhooks.carrier import KEYS, Carrier
from jobs.webhooks.signing import Secret, new_secret, shown_public_key, signed_headers
from models.kernel.clock import SystemClock
from models.kernel.http import Egress
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from models.webhooks import Parcel
from tests.fakes.receiver import FakeReceiver, Received

FILE: Final = Path(__file__).parents[2] / "sdk" / "python" / "ilm_webhooks.py"
SEALS: Final = Secrets(b"0" * 32)
SEED: Final = 20261122


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ilm_webhooks", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HELPER: Final = loaded()
verify: Final = HELPER.verify
Refused: Final = HELPER.VerificationError


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as made:
        yield made


def delivered(receiver: FakeReceiver, *keys: Secret, payload: str = "") -> Received:
    """Have something delivered in earnest; return it as it arrived."""
    settings, key = Settings(egress_allow=("127.0.0.0/8",)), uuid4()
    parcel = Parcel(
        delivery_id=uuid4(), attempt=1, cause="event", url=receiver.url, webhook_id=key,
        headers=None, transform=None, payload=payload or '{"id": "evt_1", "type": "book.created"}',
        secrets=[SEALS.seal(KEYS, each.raw, context=str(key)) for each in keys],
    )  # fmt: skip
    end = Carrier(Egress(settings.reachable), SEALS, settings, SystemClock()).carry(parcel)
    assert end.outcome == "delivered"
    return receiver.received[-1]


def headers_of(key: Secret, body: bytes, at: int = 1_000) -> dict[str, str]:
    return dict(signed_headers([key], "evt_1", at, body, "X-ILM-Signature"))


def test_a_delivery_is_verified_by_secret_by_public_key_and_by_our_own_header(
    receiver: FakeReceiver,
) -> None:
    key = new_secret()
    got = delivered(receiver, key)
    told = {"id": "evt_1", "type": "book.created"}
    ours = {"X-ilm-signature": got.headers["x-ilm-signature"]}

    assert verify(got.body, got.headers, key.shown) == told
    assert verify(got.body.decode(), got.headers, key.shown) == told
    assert verify(got.body, got.headers, shown_public_key(key.public_key)) == told
    assert verify(got.body, ours, key.shown) == told
    assert Other(key.shown).verify(got.body, dict(got.headers)) == told


def test_while_secrets_are_exchanged_either_verifies(receiver: FakeReceiver) -> None:
    new, old = new_secret(), new_secret()
    both, one = delivered(receiver, new, old), delivered(receiver, new)

    for key in (new, old):
        verify(both.body, both.headers, key.shown)
        verify(both.body, both.headers, shown_public_key(key.public_key))
        verify(both.body, {"X-ILM-Signature": both.headers["x-ilm-signature"]}, key.shown)
    verify(one.body, one.headers, [old.shown, new.shown])
    with pytest.raises(Refused):
        verify(one.body, one.headers, old.shown)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "evt_2"}, {"webhook-timestamp": "1001"}, {"webhook-signature": ""},
        {"webhook-signature": "v1,"}, {"webhook-signature": "v1,AAAA"}, {"webhook-id": ""},
        {"webhook-signature": "v2,AAAA v1a,AAAA"}, {"webhook-signature": "ü,ü v1,ü"},
        {"webhook-timestamp": ""}, {"webhook-timestamp": "soon"}, {"webhook-timestamp": "1" * 99},
        {"webhook-timestamp": "１０００"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["secret", "public key"])
def test_what_was_altered_is_refused(change: dict[str, str], kind: str) -> None:
    key, body = new_secret(), b"{}"
    headers = headers_of(key, body)
    text = key.shown if kind == "secret" else shown_public_key(key.public_key)
    assert verify(body, headers, text, now=1_000) == {}

    with pytest.raises(Refused):
        verify(body, {**headers, **change}, text, now=1_000)


@pytest.mark.parametrize("body", [b"{ }", b"{}\n", b"", b'{"a":1}'])
def test_another_body_is_refused(body: bytes) -> None:
    key = new_secret()
    headers = headers_of(key, b"{}")

    for named in (headers, {"X-ILM-Signature": headers["X-ILM-Signature"]}):
        with pytest.raises(Refused, match="no signature fits"):
            verify(body, named, key.shown, now=1_000)


@pytest.mark.parametrize("header", ["", "t=1000", "v1=00", "t=1000,v1=", "t=x,v1=00", "=,="])
def test_our_own_header_without_what_it_needs_is_refused(header: str) -> None:
    with pytest.raises(Refused):
        verify(b"{}", {"X-ILM-Signature": header}, new_secret().shown, now=1_000)


def test_what_is_not_signed_or_not_json_is_refused() -> None:
    key = new_secret()

    with pytest.raises(Refused, match="no signature"):
        verify(b"{}", {}, key.shown)
    for body in (b"hello", b"\xff", b"[" * 100_000):
        with pytest.raises(Refused, match="not JSON"):
            verify(body, headers_of(key, body), key.shown, now=1_000)


@pytest.mark.parametrize(
    ("off", "is_taken"), [(300, True), (-300, True), (301, False), (-301, False)]
)
def test_a_delivery_is_fresh_for_five_minutes(off: int, is_taken: bool) -> None:
    key = new_secret()
    headers = headers_of(key, b"{}")

    for named in (headers, {"X-ILM-Signature": headers["X-ILM-Signature"]}):
        if is_taken:
            assert verify(b"{}", named, key.shown, now=1_000 + off) == {}
        else:
            with pytest.raises(Refused, match="too old"):
                verify(b"{}", named, key.shown, now=1_000 + off)
    assert verify(b"{}", headers, key.shown, 1_000, now=1_900) == {}


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_???", "secret", "whpk_AAAA", "whsk_AAAA"])
def test_a_secret_that_is_none_is_said_so(text: str) -> None:
    key = new_secret()

    with pytest.raises(ValueError, match="this is no wh") as refused:
        verify(b"{}", headers_of(key, b"{}"), text, now=1_000)

    assert not isinstance(refused.value, Refused)


def test_it_agrees_with_another_implementation_on_whatever_it_is_given() -> None:
    dice = random.Random(SEED)
    now = int(SystemClock().now().timestamp())
    agreed = []
    for _ in range(300):
        key, body = new_secret(), f'{{"n":{dice.randrange(9)}}}'.encode()
        headers = headers_of(key, body, now + dice.choice([0, 0, 0, 400, -400]))
        headers.pop("X-ILM-Signature")
        if dice.random() < 0.5:
            name = dice.choice(sorted(headers))
            at = dice.randrange(len(headers[name]))
            headers[name] = headers[name][:at] + dice.choice("0aA=,. ") + headers[name][at + 1 :]
        agreed.append(_answer(verify, body, headers, key.shown))
        assert agreed[-1] == _answer(_others, body, headers, key.shown), headers

    assert 50 < sum(agreed) < 250


def test_it_needs_nothing_but_the_standard_library() -> None:
    text = FILE.read_text(encoding="utf-8")
    tops = {line.split()[1].split(".")[0] for line in text.splitlines()
            if line.startswith(("import ", "from "))}  # fmt: skip

    assert tops <= sys.stdlib_module_names


def _others(body: bytes, headers: dict[str, str], secret: str) -> Any:
    try:
        return Other(secret).verify(body, headers)
    except BinasciiError as error:
        raise WebhookVerificationError from error


def _answer(function: Any, *given: Any) -> bool:
    try:
        function(*given)
    except (Refused, WebhookVerificationError):
        return False
    return True

"""The signature debugger: what was signed, and which mistake it was, each really made (H-10)."""

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from jobs.webhooks.carrier import Carrier
from jobs.webhooks.debugging import Debugger, Finding
from jobs.webhooks.signing import Secret, own_signature, signed_content, standard_signature
from models import webhooks
from models.kernel.clock import SystemClock
from models.kernel.http import Egress
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from models.webhooks import NOBODY, Webhook, WebhookSecret
from tests.fakes.clock import FakeClock
from tests.fakes.receiver import FakeReceiver, Received
from tests.rows import account
from tests.webhook_factories import happens, secret, webhook

pytestmark = pytest.mark.usefixtures("database")

SEALS: Final = Secrets(b"0" * 32)
OWN: Final = "X-ILM-Signature"
TITLE: Final = "Wüthering Heights"


class Case:
    """A delivery that was really made, and what somebody makes of it."""

    def __init__(self, receiver: FakeReceiver) -> None:
        self.row: Webhook = webhook(account(), url=receiver.url)
        self.shown = secret(self.row, SEALS)
        settings = Settings(egress_allow=("127.0.0.0/8",))
        self.clock = SystemClock()
        carrier = Carrier(Egress(settings.reachable), SEALS, settings, self.clock)
        happens(self.row.account_id, book={"title": TITLE}, number=1)
        webhooks.finish([carrier.carry(each) for each in webhooks.claim(NOBODY, 9, 60)])
        self.got: Received = receiver.received[-1]
        self.headers = {
            name: value
            for name, value in self.got.headers.items()
            if name.startswith(("webhook-", "x-ilm-"))
        }
        self.body = self.got.body.decode()

    @property
    def key(self) -> bytes:
        return b64decode(self.shown.removeprefix("whsec_"))

    @property
    def signed_at(self) -> datetime:
        return datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)

    @property
    def content(self) -> bytes:
        return signed_content(self.got.id, int(self.headers["webhook-timestamp"]), self.got.body)

    def explain(self, body: str | None = None, clock: Any = None, **changes: Any) -> Finding:
        """Explain it with some headers changed; None takes one away."""
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        headers = {n: v for n, v in {**self.headers, **named}.items() if v is not None}
        debugger = Debugger(SEALS, clock or self.clock, OWN)
        return debugger.explain(self.row, headers, self.body if body is None else body)

    def signed_by(self, key: bytes, content: bytes | None = None) -> Finding:
        """Explain it with a signature that somebody made wrongly."""
        made = standard_signature(key, self.content if content is None else content)
        return self.explain(webhook_signature=made, x_ilm_signature=None)


@pytest.fixture
def case() -> Iterator[Case]:
    with FakeReceiver() as receiver:
        yield Case(receiver)


def only_cause(finding: Finding) -> str:
    assert not finding.is_verified
    (cause,) = finding.causes
    return cause


def test_what_was_signed_is_told_to_the_byte_and_what_holds_is_said_to(case: Case) -> None:
    found = case.explain()

    assert found.standard is not None
    assert b64decode(found.standard.base64) == case.content
    assert found.standard.text == case.content.decode()
    assert case.headers["webhook-signature"].split(" ") == list(found.standard.signatures)
    assert found.own is not None
    assert case.headers["x-ilm-signature"].split(",")[1:] == list(found.own.signatures)
    assert [each.header for each in found.given] == [
        "webhook-signature", "webhook-signature", "x-ilm-signature",
    ]  # fmt: skip
    assert all(each.is_right for each in found.given)
    assert (found.is_verified, found.timestamp.is_fresh, found.difference) == (True, True, None)
    assert found.delivery_id is not None
    assert "decoded from base64" in only(found.causes)


def only(causes: Any) -> str:
    (cause,) = causes
    return str(cause)


def test_no_secret_is_told(case: Case) -> None:
    raw = SEALS.unseal(
        "webhook-keys", bytes(WebhookSecret.get().sealed), context=str(case.row.id)
    )  # fmt: skip
    told = [str(each) for each in (case.explain(), case.explain("x"), case.signed_by(b"wrong"))]

    hidden = [case.shown.removeprefix("whsec_"), case.key.hex(), raw.hex(), repr(case.key)[2:-1]]
    assert [text for text in hidden for words in told if text in words] == []


def test_headers_are_known_in_any_case(case: Case) -> None:
    upper = {name.upper(): value for name, value in case.headers.items()}

    found = Debugger(SEALS, case.clock, OWN).explain(case.row, upper, case.body)

    assert found.is_verified


@pytest.mark.parametrize(("seconds", "is_fresh"), [(300, True), (301, False), (-301, False)])
def test_an_old_timestamp_is_refused_though_the_signature_holds(
    case: Case, seconds: int, *, is_fresh: bool
) -> None:
    clock = FakeClock(case.signed_at + timedelta(seconds=seconds))

    found = case.explain(clock=clock)

    assert (found.timestamp.is_fresh, found.is_verified) == (is_fresh, is_fresh)
    assert found.timestamp.age_seconds == seconds


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_is_named(case: Case, name: str) -> None:
    changes = {name.replace("-", "_"): None, "x_ilm_signature": None}

    found = case.explain(**changes)

    assert any(f"{name} is missing" in cause for cause in found.causes)
    assert (found.standard is None) == (name != "webhook-signature")


def test_our_own_signature_stands_alone(case: Case) -> None:
    only_ours = dict.fromkeys(("webhook_id", "webhook_timestamp", "webhook_signature"))

    found = case.explain(**only_ours)

    assert (found.is_verified, found.standard) == (True, None)


def test_json_that_was_written_anew_is_found_with_its_first_byte(case: Case) -> None:
    anew = json.dumps(json.loads(case.body), separators=(",", ":"))
    assert anew != case.body

    found = case.explain(anew)

    assert "written anew" in only_cause(found)
    assert found.difference is not None
    offset = found.difference.offset
    assert anew.encode()[:offset] == case.got.body[:offset]
    assert anew.encode()[offset] != case.got.body[offset]
    assert found.difference.sent.startswith(case.got.body[offset:][:10].decode())


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (lambda body: body + "\n", "newline at its end"),
        (lambda body: body + "\r\n", "newline at its end"),
        (lambda body: body.replace("Heights", "Depths"), "not the one that was sent"),
        (lambda body: body[:-1], "not the one that was sent"),
        (lambda _: "", "not the one that was sent"),
        (lambda _: "[" * 100_000, "not the one that was sent"),
    ],
)
def test_a_body_that_was_changed_is_told_apart(case: Case, made: Any, cause: str) -> None:
    changed = made(case.body)

    found = case.explain(changed)

    assert cause in only_cause(found)
    assert found.difference is not None
    shorter = min(len(changed.encode()), len(case.got.body))
    assert found.difference.offset <= shorter


def test_offsets_are_counted_in_bytes(case: Case) -> None:
    at = case.got.body.index(b"Heights")

    found = case.explain(case.body.replace("Heights", "heights"))

    assert found.difference is not None
    assert found.difference.offset == at > case.body.index("Heights")
    assert (found.difference.given[0], found.difference.sent[0]) == ("h", "H")


def test_a_secret_that_is_taken_as_text_is_named(case: Case) -> None:
    for text in (case.shown, case.shown.removeprefix("whsec_")):
        assert "secret as text" in only_cause(case.signed_by(text.encode()))


def test_what_was_signed_short_of_something_is_named(case: Case) -> None:
    moment = case.headers["webhook-timestamp"].encode()

    assert "lacks the id" in only_cause(case.signed_by(case.key, moment + b"." + case.got.body))
    assert "the body alone" in only_cause(case.signed_by(case.key, case.got.body))


def test_a_secret_that_is_over_is_named(case: Case) -> None:
    WebhookSecret.update(expires_at=case.clock.now() - timedelta(seconds=1)).execute()
    secret(case.row, SEALS)

    assert "a secret that is over" in only_cause(case.explain())


def test_a_stranger_made_it(case: Case) -> None:
    assert "no secret of this webhook" in only_cause(case.signed_by(b"another"))
    unknown = case.explain(webhook_id="evt_" + "0" * 32)
    assert unknown.is_verified
    assert any("nothing with this webhook-id" in cause for cause in unknown.causes)
    assert (unknown.delivery_id, unknown.difference) == (None, None)


def test_what_another_endpoint_was_sent_is_not_told(case: Case) -> None:
    other = webhook(case.row.account_id)
    secret(other, SEALS)

    found = Debugger(SEALS, case.clock, OWN).explain(other, case.headers, "{}")

    assert (found.delivery_id, found.difference, found.is_verified) == (None, None, False)


def test_a_signature_without_its_version_is_named(case: Case) -> None:
    bare = standard_signature(case.key, case.content).removeprefix("v1,")

    found = case.explain(webhook_signature=bare, x_ilm_signature=None)

    assert any("begins with v1," in cause for cause in found.causes)


@pytest.mark.parametrize("odd", ["soon", "1" * 400, "-1", "１２３", "1.5", ""])
def test_a_timestamp_that_is_no_number_breaks_nothing(case: Case, odd: str) -> None:
    found = case.explain(webhook_timestamp=odd, x_ilm_signature=f"t={odd},v1=00")

    assert (found.timestamp.age_seconds, found.standard, found.own, found.is_verified) == (
        None,
        None,
        None,
        False,
    )


def test_the_attempt_with_that_timestamp_is_compared_with(case: Case) -> None:
    ours = own_signature(case.key, b"1." + case.got.body)

    found = case.explain(webhook_timestamp="1", x_ilm_signature=f"t=1,v1={ours}")

    assert [each.is_right for each in found.given] == [False, False, True]
    assert found.difference is None


def test_every_secret_that_holds_is_tried(case: Case) -> None:
    secret(case.row, SEALS)

    found = case.explain()

    assert found.is_verified
    assert found.standard is not None
    assert len(found.standard.signatures) == 4


def test_a_secret_is_not_seen_in_a_log() -> None:
    assert "raw" not in repr(Secret(b"k" * 64))

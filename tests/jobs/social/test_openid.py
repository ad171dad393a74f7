"""What a provider has published: read once an hour, and not at every made-up key (A-16)."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from jobs.issuers.newcomers import Outsider
from jobs.social.openid import OpenIdProvider
from jobs.social.provider import Client, Trip
from models.kernel.clock import SystemClock
from models.kernel.errors import Unauthorized, Unavailable
from models.kernel.http import Egress
from tests.fakes.clock import FakeClock
from tests.fakes.issuer import DISCOVERY, is_away, is_huge, redirects
from tests.fakes.sign_in import CLIENT_ID, SECRET, FakeProvider

TRIP = Trip(state="s" * 43, nonce="n" * 43, verifier="v" * 43, redirect_uri="https://ilm.example/x")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    """A provider that nobody gives up on because this machine stands still."""
    for module in ("jobs.issuers.keys", "jobs.social.exchanging"):
        monkeypatch.setattr(f"{module}.SECONDS", 60.0)
    with FakeProvider() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(SystemClock().now())


@pytest.fixture
def client(fake: FakeProvider) -> Client:
    return Client(name="oidc", title="", url=fake.url, client_id=CLIENT_ID, secret=SECRET)


@pytest.fixture
def openid(client: Client, clock: FakeClock) -> OpenIdProvider:
    return OpenIdProvider(client, Egress([ip_network("127.0.0.0/8")]), clock)


def come_back(fake: FakeProvider, openid: OpenIdProvider) -> Outsider:
    fake.consent(openid.address(TRIP))
    return openid.whom(list(fake.codes)[-1], "", TRIP)


def test_what_is_published_is_read_once_an_hour(
    fake: FakeProvider, openid: OpenIdProvider, clock: FakeClock
) -> None:
    for pause in (0, 500, 3_100):
        clock.move(pause)
        assert openid.address(TRIP)

    assert (fake.fetches(DISCOVERY), fake.fetches()) == (2, 2)


def test_a_key_that_is_new_is_found_and_made_up_ones_cost_one_fetch_a_minute(
    fake: FakeProvider, openid: OpenIdProvider, clock: FakeClock
) -> None:
    assert come_back(fake, openid).subject == "somebody"
    fake.rotate("second")
    clock.move(60)
    assert come_back(fake, openid).subject == "somebody"

    fake.forge = lambda own: fake.token(header={"kid": "made up"}, **own)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            come_back(fake, openid)
    assert fake.fetches() == 2


@pytest.mark.parametrize("script", [is_away, is_huge, redirects], ids=lambda each: each.__name__)
def test_while_a_provider_publishes_nothing_what_is_known_is_used(
    fake: FakeProvider, openid: OpenIdProvider, clock: FakeClock, script
) -> None:
    address = openid.address(TRIP)
    fake.script = script
    clock.move(3_601)

    assert [openid.address(TRIP), openid.address(TRIP)] == [address, address]
    assert fake.fetches(DISCOVERY) == 2
    assert "/elsewhere" not in fake.asked


@pytest.mark.parametrize(
    "metadata", [{"issuer": "https://evil.example"}, {"token_endpoint": "file:///etc/passwd"}]
)
def test_a_provider_that_says_odd_things_is_not_gone_to(
    fake: FakeProvider, openid: OpenIdProvider, metadata
) -> None:
    fake.metadata = metadata
    fake.publish()

    with pytest.raises(Unavailable):
        openid.address(TRIP)


def test_a_code_without_our_secret_or_verifier_is_worth_nothing(
    fake: FakeProvider, openid: OpenIdProvider, client: Client, clock: FakeClock
) -> None:
    stranger = OpenIdProvider(
        replace(client, secret="guessed"), Egress([ip_network("127.0.0.0/8")]), clock
    )
    with pytest.raises(Unauthorized):
        come_back(fake, stranger)

    fake.consent(openid.address(TRIP))
    with pytest.raises(Unauthorized):
        openid.whom(list(fake.codes)[-1], "", replace(TRIP, verifier="w" * 43))

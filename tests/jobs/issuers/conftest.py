"""An issuer on loopback, its row, and who reads its tokens by a clock of their own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pytest

from jobs.attempts import Origin
from jobs.issuers.keys import IssuerKeys
from jobs.issuers.outsiders import Outsiders
from models.accounts import Standing
from models.issuers import Issuer
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.http import Egress
from tests.fakes.clock import FakeClock
from tests.fakes.issuer import AUDIENCE, KEYS, FakeIssuer
from tests.identity_factories import issuer as issuer_row

Trusting = Callable[..., Issuer]


@dataclass
class House:
    """A house that trusts issuers on loopback."""

    outsiders: Outsiders
    clock: FakeClock

    def ask(self, token: str) -> Standing | None:
        return self.outsiders.standing(token, Origin(request_id="req_test"))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIssuer]:
    """An issuer that nobody gives up on because this machine stands still."""
    monkeypatch.setattr("jobs.issuers.keys.SECONDS", 60.0)
    with FakeIssuer() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(SystemClock().now())


@pytest.fixture
def trust(database: Pool, fake: FakeIssuer, clock: FakeClock) -> Trusting:
    """Trust the issuer, by further columns, with no key of it read yet."""

    def make(**given: Any) -> Issuer:
        usual = {
            "url": fake.url,
            "audiences": [AUDIENCE],
            "jwks_url": f"{fake.url}{KEYS}",
            "claims": {
                "email": "email",
                "email_verified": "email_verified",
                "name": "name",
                "role": "role",
                "tier": "tier",
            },
            "provisions": True,
            "fetch_after": clock.now(),
        }
        return issuer_row(**{**usual, **given})

    return make


def house_at(clock: FakeClock) -> House:
    keys = IssuerKeys(Egress([ip_network("127.0.0.0/8")]), clock)
    return House(Outsiders("https://ilm.example", keys, clock), clock)


@pytest.fixture
def house(clock: FakeClock) -> House:
    return house_at(clock)

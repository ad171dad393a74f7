"""A house that takes payments by Stripe, and a Stripe on loopback."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from jobs.payments.till import Till
from jobs.purchases import Purchases
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import Open
from tests.api.reader import Reader
from tests.fakes.stripe import KEY, SECRET, FakeStripe


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with FakeStripe() as running:
        yield running


@pytest.fixture
def given(stripe: FakeStripe) -> dict[str, Any]:
    """The settings of a house that takes payments by Stripe."""
    return {
        "stripe_secret_key": KEY,
        "stripe_webhook_secret": SECRET,
        "stripe_api_url": stripe.url,
        "egress_allow": (str(ip_network("127.0.0.0/8")),),
        "payments_return_url": "https://shop.example.org/back?from=ilm",
    }


@pytest.fixture
def shop(open_browser: Open, database: Pool, given: dict[str, Any]) -> Browser:
    return open_browser(**given)


@pytest.fixture
def ada(shop: Browser) -> Reader:
    """Somebody who buys, and administers."""
    return Reader(shop, person=factories.person(role="admin", tier="enterprise"))


@pytest.fixture
def purchases(given: dict[str, Any]) -> Purchases:
    """What the scheduler asks with."""
    return Purchases(Till.of(Settings(**given), SystemClock()), SystemClock())

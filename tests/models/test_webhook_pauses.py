"""Endpoints that ask to be left alone are, whatever else befalls them meanwhile (H-05)."""

from uuid import UUID

import pytest

from models import webhooks
from models.kernel.clock import SystemClock
from models.webhooks import End, Parcel, Webhook
from tests.rows import account
from tests.webhook_factories import happens, webhook

pytestmark = pytest.mark.usefixtures("database")

HOUR = 3_600.0


def claimed() -> list[Parcel]:
    return webhooks.claim(UUID(int=0), 100, 60)


def delivered(parcel: Parcel) -> End:
    return End(
        delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome="delivered", wait=None
    )


def failed(parcel: Parcel, pause: float = 0.0) -> End:
    return End(
        delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome="failed", wait=0.0,
        pause=pause,
    )  # fmt: skip


@pytest.mark.parametrize("failures", [0, 5])
def test_a_pause_that_was_asked_for_outlives_what_was_under_way(failures: int) -> None:
    who = account()
    row = webhook(who)
    for _ in range(failures + 2):
        happens(who)
    *failing, busy, well = claimed()

    webhooks.finish([failed(parcel) for parcel in failing])
    webhooks.finish([failed(busy, pause=HOUR)])
    webhooks.finish([delivered(well)])

    assert claimed() == []
    fresh = Webhook.get_by_id(row.id)
    assert (fresh.open_until > SystemClock().now(), fresh.failures) == (True, 0)

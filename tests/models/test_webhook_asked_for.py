"""What somebody asks for by hand, a ping or one more delivery, goes before what waits (H-10)."""

from datetime import UTC, datetime

import pytest

from jobs.webhooks.pinging import ping
from models.webhook_log import resent
from models.webhooks import NOBODY, End, Parcel, Webhook, claim, finish
from tests.rows import account
from tests.webhook_factories import happens, webhook, webhook_delivery

pytestmark = pytest.mark.usefixtures("database")

FAR_OFF = datetime(2999, 1, 1, tzinfo=UTC)


def claimed(most: int = 1) -> list[Parcel]:
    return claim(NOBODY, most, 60)


def failed(parcel: Parcel) -> None:
    finish([
        End(delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome="failed", wait=0.0)
    ])  # fmt: skip


def beset(**more: object) -> Webhook:
    """An endpoint for which much waits."""
    row = webhook(account(), **more)
    for _ in range(4):
        happens(row.account_id)
    return row


@pytest.mark.parametrize("fifo", [None, ""])
def test_what_is_asked_for_goes_before_what_waits(fifo: str | None) -> None:
    row = beset(fifo=fifo)
    old = webhook_delivery(row)
    asked = [ping(row).delivery_id, resent(row, old.id)]

    assert [parcel.delivery_id for parcel in (*claimed(), *claimed())] == asked
    assert [parcel.cause for parcel in claimed()] == ["event"]


def test_the_order_of_events_is_kept_beside_it() -> None:
    row = beset(fifo="")
    ping(row)

    assert sorted(parcel.cause for parcel in claimed(10)) == ["event", "ping"]
    assert claimed(10) == []


def test_it_is_the_probe_of_an_endpoint_that_fails() -> None:
    row = beset(failures=5)
    ping(row)

    assert [parcel.cause for parcel in claimed(10)] == ["ping"]


def test_when_it_has_failed_it_waits_with_the_others() -> None:
    row = beset()
    ping(row)
    failed(claimed()[0])

    assert [parcel.cause for parcel in claimed(4)] == ["event"] * 4
    assert [parcel.cause for parcel in claimed()] == ["ping"]


def test_an_endpoint_that_is_left_alone_is_not_sent_it_either() -> None:
    ping(beset(open_until=FAR_OFF))

    assert claimed() == []

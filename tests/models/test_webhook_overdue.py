"""What is overdue: due for a minute, and nothing holds it up (H-06)."""

from datetime import timedelta
from typing import Any

import pytest

from models.kernel.clock import SystemClock
from models.webhook_log import overdue
from models.webhooks import WebhookDelivery
from tests.rows import account
from tests.webhook_factories import happens, webhook

pytestmark = pytest.mark.usefixtures("database")

NOW = SystemClock().now()
AGO, SOON = NOW - timedelta(minutes=2), NOW + timedelta(minutes=2)


def waiting(count: int = 1, **more: Any) -> None:
    """Let an endpoint have so many deliveries that are due for two minutes."""
    row = webhook(account(), **more)
    for number in range(count):
        happens(row.account_id, number=number, book={"id": str(number % 2)})
    WebhookDelivery.update(next_attempt_at=AGO).where(WebhookDelivery.webhook == row.id).execute()


def test_what_nobody_carries_is_overdue() -> None:
    waiting(2)
    waiting(1)

    assert overdue(NOW) == 3


@pytest.mark.parametrize(
    "held_up",
    [
        {"is_enabled": False}, {"deleted_at": NOW}, {"failures": 5}, {"open_until": SOON},
        {"free_at": NOW},
    ],
)  # fmt: skip
def test_what_is_held_up_is_not(held_up: dict[str, Any]) -> None:
    waiting(**held_up)

    assert overdue(NOW) == 0


@pytest.mark.parametrize("state", ["delivering", "delivered", "exhausted", "skipped"])
def test_what_does_not_wait_is_not(state: str) -> None:
    waiting()
    lease = SOON if state == "delivering" else None
    WebhookDelivery.update(state=state, lease_until=lease).execute()

    assert overdue(NOW) == 0


def test_what_is_due_for_less_than_a_minute_is_not() -> None:
    waiting()
    WebhookDelivery.update(next_attempt_at=NOW - timedelta(seconds=59)).execute()

    assert overdue(NOW) == 0


def test_of_what_keeps_to_an_order_only_the_first_may_be() -> None:
    waiting(4, fifo="data.book.id")
    assert overdue(NOW) == 2

    first = WebhookDelivery.select().order_by(WebhookDelivery.seq).get()
    WebhookDelivery.update(next_attempt_at=SOON).where(WebhookDelivery.id == first.id).execute()
    assert overdue(NOW) == 1

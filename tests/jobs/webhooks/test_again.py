"""Replays and recoveries: past events delivered again, each once, whatever is killed (H-11)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from jobs.run import GivenBack
from jobs.webhooks import again
from jobs.webhooks.again import RecoverWebhook, ReplayWebhook, deliver_again
from models import webhooks
from models.kernel.clock import SystemClock
from models.kernel.database import Pool, database
from models.kernel.errors import Cancelled
from models.webhooks import End, Webhook, WebhookDelivery
from tests.fakes.run import FakeRun
from tests.rows import account
from tests.webhook_factories import happens, webhook

pytestmark = pytest.mark.usefixtures("database")

NOW = SystemClock().now()
LONG_AGO = NOW - timedelta(days=80)
SOON = NOW + timedelta(days=1)
MANY = """
insert into event (id, account_id, mode, type, data)
select event_id(), %s, 'live', 'book.created', jsonb_build_object('number', n)
from generate_series(1, %s) n
"""


@pytest.fixture
def who() -> UUID:
    return account()


def recovered(row: Webhook, run: FakeRun | None = None, since: datetime = LONG_AGO) -> int:
    job = RecoverWebhook(row.id, since.isoformat(), SOON.isoformat())
    return int(deliver_again(job, run or FakeRun(row.account_id)).result["deliveries"])


def replayed(row: Webhook, url: str | None = None, until: datetime = SOON) -> int:
    job = ReplayWebhook(row.id, LONG_AGO.isoformat(), until.isoformat(), url=url)
    return int(deliver_again(job, FakeRun(row.account_id)).result["deliveries"])


def pending(row: Webhook) -> list[WebhookDelivery]:
    mine = (WebhookDelivery.webhook == row.id) & (WebhookDelivery.state == "pending")
    return list(WebhookDelivery.select().where(mine).order_by(WebhookDelivery.seq))


def numbers(row: Webhook) -> list[int]:
    """Return the numbers of the events that wait, in the order of their deliveries."""
    return [number for (number,) in database.rows(
        "select (data ->> 'number')::int from webhook_delivery d join event on event.id = event_id"
        " where webhook_id = %s and state = 'pending' order by d.seq", (row.id,)
    )]  # fmt: skip


def in_state(row: Webhook, state: str) -> None:
    WebhookDelivery.update(state=state).where(WebhookDelivery.webhook == row.id).execute()


def test_what_happened_before_an_endpoint_was_there_is_recovered_in_order(who: UUID) -> None:
    happens(who, number=0)
    happens(who, "job.failed", job={})
    happens(account(), number=9)
    happens(who, mode="test", number=9)
    for number in range(1, 4):
        happens(who, number=number)
    row = webhook(who, events=["book.*"], filter={"data.number": {"gt": 0}})

    assert recovered(row) == 3

    assert numbers(row) == [1, 2, 3]
    assert {each.cause for each in pending(row)} == {"recover"}


@pytest.mark.parametrize(
    ("state", "count"),
    [("pending", 0), ("delivered", 0), ("exhausted", 1), ("skipped", 1)],
)
def test_what_has_arrived_or_is_on_its_way_is_not_recovered(
    who: UUID, state: str, count: int
) -> None:
    row = webhook(who)
    happens(who)
    in_state(row, state)

    assert recovered(row) == count


def test_what_arrived_elsewhere_or_at_another_endpoint_has_not_arrived(who: UUID) -> None:
    other = webhook(who)
    happens(who)
    in_state(other, "delivered")
    row = webhook(who)
    replayed(row, "https://elsewhere.example/")
    in_state(row, "delivered")

    assert recovered(row) == 1


def test_what_was_recovered_is_not_recovered_twice(who: UUID) -> None:
    happens(who)
    row = webhook(who)

    assert (recovered(row), recovered(row)) == (1, 0)


def test_pings_are_nobodys_past(who: UUID, database: Pool) -> None:
    row = webhook(who)
    database.rows("select webhook_told(webhook, 'webhook.ping') from webhook")

    assert (recovered(row), replayed(row)) == (0, 0)


def test_only_what_happened_in_the_span_comes_again(who: UUID, pools: tuple[Pool, Pool]) -> None:
    for number in range(3):
        happens(who, number=number)
    moments = [NOW - timedelta(days=3), NOW - timedelta(days=2), NOW - timedelta(days=1)]
    for number, moment in enumerate(moments):
        pools[1].rows(
            "update event set created_at = %s where data ->> 'number' = %s", (moment, str(number))
        )
    row, other = webhook(who), webhook(who)

    assert recovered(row, since=moments[1]) == 2
    assert numbers(row) == [1, 2]
    assert replayed(other, until=moments[2]) == 2
    assert numbers(other) == [0, 1]


def test_a_replay_delivers_what_has_arrived_too_with_the_same_id(who: UUID) -> None:
    row = webhook(who)
    happens(who)
    in_state(row, "delivered")

    assert (replayed(row), replayed(row, "https://staging.example/")) == (1, 1)

    first, second = pending(row)
    assert first.event_id == second.event_id == WebhookDelivery.get().event_id
    assert [(each.cause, each.url) for each in (first, second)] == [
        ("replay", None), ("replay", "https://staging.example/"),
    ]  # fmt: skip


def test_a_job_that_is_killed_begins_anew_and_doubles_nothing(
    who: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "AT_ONCE", 2)
    for number in range(7):
        happens(who, number=number)
    row = webhook(who)
    run = FakeRun(who, stops=GivenBack(), after=2)
    with pytest.raises(GivenBack):
        recovered(row, run)
    assert numbers(row) == [0, 1, 2, 3]
    in_state(row, "exhausted")

    run._stops = None
    assert recovered(row, run) == 7

    assert numbers(row) == [4, 5, 6]
    assert run.steps[-1] == (7, 7)


def test_a_job_that_is_cancelled_stops_and_what_it_made_stays(
    who: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "AT_ONCE", 2)
    for number in range(5):
        happens(who, number=number)
    row = webhook(who)

    with pytest.raises(Cancelled):
        recovered(row, FakeRun(who, stops=Cancelled("enough"), after=1))

    assert numbers(row) == [0, 1]


def test_many_events_are_gone_through_in_steps(who: UUID, database: Pool) -> None:
    database.rows(MANY, (who, 3_500))
    row, run = webhook(who), FakeRun(who)

    assert recovered(row, run) == 3_500

    assert run.steps == [(1_000, 3_500), (2_000, 3_500), (3_000, 3_500), (3_500, 3_500)]
    assert numbers(row) == list(range(1, 3_501))


def test_of_an_endpoint_that_is_gone_nothing_is_delivered(who: UUID) -> None:
    happens(who)
    row = webhook(who, deleted_at=NOW)
    assert recovered(row) == 0

    Webhook.delete().execute()
    assert recovered(row) == 0


def test_the_order_of_an_endpoint_is_kept(who: UUID) -> None:
    for number in range(6):
        happens(who, number=number, book={"id": f"book_{number % 2}"})
    row = webhook(who, fifo="data.book.id")
    recovered(row)

    order: list[int] = []
    while parcels := webhooks.claim(UUID(int=0), 10, 60):
        assert len(parcels) <= 2
        for parcel in parcels:
            order.append(int(parcel.payload.split('"number": ')[1].split("}")[0].split(",")[0]))
            webhooks.finish([_end(parcel)])
        Webhook.update(free_at=LONG_AGO).execute()

    assert [number for number in order if number % 2 == 0] == [0, 2, 4]
    assert [number for number in order if number % 2] == [1, 3, 5]


def test_what_goes_elsewhere_holds_up_no_order_and_no_breaker(who: UUID) -> None:
    row = webhook(who, fifo="")
    happens(who, number=0)
    replayed(row, "https://staging.example/")

    parcels = webhooks.claim(UUID(int=0), 10, 60)
    assert {parcel.url for parcel in parcels} == {row.url, "https://staging.example/"}
    (elsewhere,) = (parcel for parcel in parcels if parcel.url != row.url)
    webhooks.finish([_end(elsewhere, outcome="failed", wait=5.0, status=410)])

    fresh = Webhook.get_by_id(row.id)
    assert (fresh.failures, fresh.failing_since, fresh.is_enabled) == (0, None, True)


def _end(parcel: webhooks.Parcel, outcome: str = "delivered", **more: Any) -> End:
    values: dict[str, Any] = {"wait": None, **more}
    return End(
        delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome=outcome, **values
    )  # fmt: skip

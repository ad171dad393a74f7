"""Deliveries: made with their events, claimed by one courier, ended once (H-05, H-09)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from models import webhooks
from models.accounts import Person
from models.kernel.database import Pool
from models.webhooks import End, Parcel, Webhook, WebhookAttempt, WebhookDelivery
from tests.making import person
from tests.organization_factories import organization
from tests.rows import account
from tests.webhook_factories import happens, webhook

pytestmark = pytest.mark.usefixtures("database")

NOBODY = UUID(int=0)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FAR_OFF = datetime(2999, 1, 1, tzinfo=UTC)


def claimed(most: int = 100, after: UUID = NOBODY, lease: float = 60) -> list[Parcel]:
    return webhooks.claim(after, most, lease)


def ended(parcel: Parcel, outcome: str = "delivered", **more: object) -> int:
    values: dict[str, object] = {"wait": 60.0 if outcome == "failed" else None, **more}
    end = End(delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome=outcome, **values)  # type: ignore[arg-type]
    return webhooks.finish([end])


def states() -> list[str]:
    rows = WebhookDelivery.select(WebhookDelivery.state).order_by(WebhookDelivery.seq)
    return [row.state for row in rows]


def due_now() -> None:
    WebhookDelivery.update(next_attempt_at=WebhookDelivery.created_at).execute()


def test_an_event_is_a_delivery_for_every_endpoint_that_hears_it() -> None:
    who = account()
    hears = [webhook(who), webhook(who, events=["book.*", "job.failed"])]
    for deaf in ({"events": ["job.*"]}, {"mode": "test"}, {"filter": {"data.book.title": "Emma"}}):
        webhook(who, **deaf)
    webhook(account())

    happens(who)

    assert {row.webhook_id for row in WebhookDelivery.select()} == {row.id for row in hears}


def test_an_event_that_is_taken_back_takes_its_deliveries_with_it(database: Pool) -> None:
    who = account()
    webhook(who)
    with database.atomic() as transaction:
        happens(who)
        transaction.rollback()

    assert states() == []


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        ({"data.book.title": "Walden"}, True),
        ({"data.book.title": ["Emma", "Walden"]}, True),
        ({"data.book.title": {"startsWith": "Wal"}}, True),
        ({"data.book.pages": {"gt": 99, "lte": 320}}, True),
        ({"data.book.pages": {"lt": 100}}, False),
        ({"data.book.pages": "320"}, False),
        ({"data.book.pages": {"gt": "99"}}, False),
        ({"data.book.isbn": {"exists": False}, "type": "book.created"}, True),
        ({"data.book.isbn": {"exists": True}}, False),
        ({"data.book.isbn": {"ne": "1"}}, True),
        ({"data.book.isbn": "1"}, False),
        ({"data.book.language": None}, True),
        ({"data.book.title": 'W"; drop'}, False),
    ],
)
def test_a_filter_decides_what_is_delivered(wanted: dict[str, object], passes: bool) -> None:
    who = account()
    webhook(who, filter=wanted)

    happens(who, book={"title": "Walden", "pages": 320, "language": None})

    assert states() == ["pending"] * passes


def test_what_is_due_is_claimed_once_and_its_attempt_is_written() -> None:
    who = account()
    row = webhook(who)
    happens(who)

    (parcel,) = claimed()

    assert (parcel.webhook_id, parcel.attempt, parcel.url) == (row.id, 1, row.url)
    assert claimed() == []
    attempt = WebhookAttempt.get()
    assert (attempt.delivery_id, attempt.number, attempt.outcome) == (parcel.delivery_id, 1, None)


def test_a_delivery_is_ended_once_and_by_the_attempt_that_has_it() -> None:
    who = account()
    webhook(who)
    happens(who)
    (parcel,) = claimed()

    assert ended(parcel, status=200) == 1
    assert ended(parcel, "failed") == 0
    assert states() == ["delivered"]
    assert WebhookDelivery.get().finished_at is not None


def test_one_that_failed_waits_and_the_last_is_exhausted() -> None:
    who = account()
    webhook(who)
    happens(who)
    (first,) = claimed()
    ended(first, "failed")
    assert (states(), claimed()) == (["pending"], [])
    due_now()
    (second,) = claimed()

    ended(second, "failed", wait=None)

    assert (second.attempt, states()) == (2, ["exhausted"])


def test_what_a_courier_has_lost_is_due_again_and_its_end_counts_no_more() -> None:
    who = account()
    webhook(who)
    happens(who)
    (lost,) = claimed(lease=-1)

    assert webhooks.rescue(10) == 1
    (again,) = claimed()

    assert ended(lost) == 0
    assert ended(again) == 1
    numbers = WebhookAttempt.select().order_by(WebhookAttempt.number)
    assert [(row.number, row.outcome) for row in numbers] == [(1, "delivered"), (2, "delivered")]


def test_what_takes_every_courier_down_is_given_up() -> None:
    who = account()
    webhook(who)
    happens(who)
    for _ in range(21):
        assert len(claimed(lease=-1)) == 1
        webhooks.rescue(10)

    assert (states(), claimed()) == (["exhausted"], [])


def test_no_more_are_under_way_at_an_endpoint_than_it_takes_at_once() -> None:
    who = account()
    webhook(who, max_in_flight=3)
    for _ in range(5):
        happens(who)

    first = claimed()
    assert (len(first), claimed()) == (3, [])
    ended(first[0])

    assert len(claimed()) == 1


def test_no_more_are_sent_a_second_than_an_endpoint_allows(database: Pool) -> None:
    who = account()
    webhook(who, rate_per_second=2)
    for _ in range(5):
        happens(who)
    ((before,),) = database.rows("select clock_timestamp()")

    assert len(claimed()) == 2
    assert Webhook.get().free_at > before - timedelta(seconds=0.5)
    Webhook.update(free_at=FAR_OFF).execute()
    assert claimed() == []
    Webhook.update(free_at=LONG_AGO).execute()
    assert len(claimed()) == 2


def test_an_endpoint_that_fails_five_times_in_a_row_is_probed_and_then_drained() -> None:
    who = account()
    row = webhook(who)
    for _ in range(8):
        happens(who)
    parcels = claimed()
    for parcel in parcels[:5]:
        ended(parcel, "failed", wait=36_000.0)
    for parcel in parcels[5:]:
        webhooks.finish([_given_back(parcel)])
    assert (states().count("pending"), claimed()) == (8, [])

    _breaker_is_half_open(row)
    (probe,) = claimed()
    assert claimed() == []
    ended(probe)

    assert len(claimed()) == 7


def _given_back(parcel: Parcel) -> End:
    return End(delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome="failed", wait=0.0)


def _breaker_is_half_open(row: Webhook) -> None:
    Webhook.update(open_until=LONG_AGO).where(Webhook.id == row.id).execute()


def test_a_probe_that_fails_leaves_an_endpoint_alone_for_longer(database: Pool) -> None:
    who = account()
    row = webhook(who)
    pauses = []
    for _ in range(9):
        happens(who)
        _breaker_is_half_open(row)
        ended(claimed(1)[0], "failed")
        sql = "select extract(epoch from open_until - last_failed_at)::int from webhook"
        pauses.append(database.rows(sql)[0][0])

    assert pauses == [0, 0, 0, 0, 2, 4, 8, 16, 32]


def test_an_endpoint_that_is_gone_is_disabled_and_its_account_is_told(database: Pool) -> None:
    who = account()
    row = webhook(who, events=["book.*"])
    happens(who)
    happens(who)

    ended(claimed()[0], "failed", status=410)

    fresh = Webhook.get_by_id(row.id)
    assert (fresh.is_enabled, fresh.disabled_reason) == (False, "gone")
    told = "select data #>> '{webhook,disabledReason}' from event where type = 'webhook.disabled'"
    assert database.rows(told) == [("gone",)]
    happens(who)
    assert (states().count("pending"), claimed()) == (2, [])


def test_what_is_kept_while_an_endpoint_is_disabled_goes_out_oldest_first() -> None:
    who = account()
    row = webhook(who, is_enabled=False)
    for number in range(4):
        happens(who, number=number)
    assert claimed() == []

    webhooks.enable(row.id, is_enabled=True)

    assert [f'"number": {n}' in parcel.payload for n, parcel in enumerate(claimed())] == [True] * 4


def test_a_backlog_that_is_skipped_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "SKIPPED_AT_ONCE", 2)
    who = account()
    row = webhook(who, is_enabled=False)
    for _ in range(5):
        happens(who)

    assert webhooks.skip_pending(row.id) == 5
    webhooks.enable(row.id, is_enabled=True)

    assert (claimed(), set(states())) == ([], {"skipped"})


def test_claims_go_round_the_endpoints() -> None:
    who = account()
    rows = sorted(webhook(who).id for _ in range(3))
    for _ in range(4):
        happens(who)

    first = claimed(5)
    rest = claimed(100, after=first[-1].webhook_id)

    assert [parcel.webhook_id for parcel in first] == [rows[0]] * 4 + [rows[1]]
    assert [parcel.webhook_id for parcel in rest] == [rows[2]] * 4


@pytest.mark.parametrize("status", ["suspended", "deleted"])
def test_whose_account_is_closed_is_told_of_nothing_until_it_is_open_again(status: str) -> None:
    owner = person(status=status)
    webhook(owner.account_id, user_id=owner.id)
    happens(owner.account_id)
    assert claimed() == []

    Person.update(status="active").where(Person.id == owner.id).execute()

    assert len(claimed()) >= 1


def test_an_organization_that_was_deleted_is_told_of_nothing() -> None:
    home = organization(deleted_at=LONG_AGO)
    webhook(home.id)
    happens(home.id)

    assert claimed() == []

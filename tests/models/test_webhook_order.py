"""Order, for endpoints that ask for it: one delivery of a key at a time, the oldest first (W10)."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg2
import pytest

from models import webhooks
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from models.webhooks import End, Parcel, Webhook, WebhookDelivery
from tests.rows import account
from tests.webhook_factories import happens, webhook

pytestmark = pytest.mark.usefixtures("database")

NOBODY = UUID(int=0)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SEED = 20261122


def claimed(most: int = 100) -> list[Parcel]:
    return webhooks.claim(NOBODY, most, 60)


def ended(parcel: Parcel, *, is_well: bool) -> None:
    outcome, wait = ("delivered", None) if is_well else ("failed", 0.0)
    webhooks.finish(
        [End(delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome=outcome, wait=wait)]
    )
    Webhook.update(open_until=LONG_AGO, free_at=LONG_AGO, failures=0).execute()


def number(parcel: Parcel) -> int:
    return int(parcel.payload.split('"number": ')[1].split("}")[0].split(",")[0])


def test_with_one_key_for_all_the_next_goes_when_the_one_before_has_arrived() -> None:
    who = account()
    webhook(who, fifo="")
    for each in range(3):
        happens(who, number=each)

    order = []
    while parcels := claimed():
        (parcel,) = parcels
        assert claimed() == []
        order.append(number(parcel))
        ended(parcel, is_well=len(order) > 2)

    assert order == [0, 0, 0, 1, 2]


def test_keys_do_not_wait_for_each_other() -> None:
    who = account()
    webhook(who, fifo="data.book.id", max_in_flight=100)
    for each in range(6):
        happens(who, number=each, book={"id": f"book_{each % 3}"})

    assert sorted(map(number, claimed())) == [0, 1, 2]


def test_more_keys_than_are_looked_at_at_once_all_have_their_turn() -> None:
    who = account()
    webhook(who, fifo="data.book.id", max_in_flight=100)
    for each in range(600):
        happens(who, number=each, book={"id": f"{each:04}"})
    WebhookDelivery.update(next_attempt_at=SystemClock().now() + timedelta(days=1)).where(
        WebhookDelivery.fifo_key < "=0550"
    ).execute()

    assert claimed() == []
    assert len(claimed()) == 50


def test_what_a_transaction_may_still_come_before_does_not_go(settings: Settings) -> None:
    who = account()
    webhook(who, fifo="")
    with psycopg2.connect(settings.database_url) as slow, slow.cursor() as cursor:
        cursor.execute(
            "insert into event (id, account_id, mode, type, data) values"
            " (gen_random_uuid(), %s, 'live', 'book.created', %s)", (str(who), '{"number": 0}')
        )  # fmt: skip
        happens(who, number=1)
        assert claimed() == []
    slow.close()

    (first,) = claimed()
    ended(first, is_well=True)
    (second,) = claimed()

    assert [number(first), number(second)] == [0, 1]


def test_claims_go_round_the_endpoints_by_id_however_rows_are_joined(database: Pool) -> None:
    who = account()
    rows = [webhook(who, id=each) for each in sorted((new_id() for _ in range(6)), reverse=True)]
    happens(who)

    with database.unit():
        database.rows("discard plans")
        database.rows("set local enable_nestloop = off")
        database.rows("set local enable_mergejoin = off")
        parcels = claimed()

    assert [parcel.webhook_id for parcel in parcels] == sorted(row.id for row in rows)


def test_the_order_of_each_key_is_kept_whatever_fails(capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    who = account()
    webhook(who, fifo="data.book.id", max_in_flight=100)
    for each in range(60):
        happens(who, number=each, book={"id": f"book_{chance.randrange(5)}"})

    arrived: dict[str, list[int]] = {}
    while parcels := claimed(chance.randrange(1, 8)):
        for parcel in parcels:
            is_well = chance.random() < 0.6
            if is_well:
                key = parcel.payload.split('"id": "book_')[1][0]
                arrived.setdefault(key, []).append(number(parcel))
            ended(parcel, is_well=is_well)

    print(f"seed {SEED}")
    assert sum(map(len, arrived.values())) == 60
    assert all(each == sorted(each) for each in arrived.values())

"""Couriers: claim what there is room for, end what they carry, have little under way (W1, W3)."""

from collections.abc import Callable, Iterator
from threading import Event, Lock
from uuid import UUID

import pytest
from peewee import OperationalError

from models import webhooks
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.webhooks import End, Parcel, WebhookDelivery
from tests.processes import until
from tests.rows import account
from tests.webhook_factories import happens, webhook
from workers.couriers import CLAIMED_AT_ONCE, Couriers

pytestmark = pytest.mark.usefixtures("database")

Make = Callable[..., Couriers]


class Road:
    """What parcels go along: it counts them, and holds them up while it is closed."""

    def __init__(self) -> None:
        self.is_open = Event()
        self.is_open.set()
        self.carried: list[UUID] = []
        self._lock = Lock()

    def __call__(self, parcel: Parcel) -> End:
        with self._lock:
            self.carried.append(parcel.delivery_id)
        self.is_open.wait()
        return End(
            delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome="delivered", wait=None
        )


@pytest.fixture
def road() -> Iterator[Road]:
    made = Road()
    yield made
    made.is_open.set()


@pytest.fixture
def make() -> Iterator[Make]:
    """Make couriers; all are stopped at the end."""
    made: list[Couriers] = []

    def couriers_on(carry: Callable[[Parcel], End], threads: int = 4) -> Couriers:
        made.append(Couriers(carry, SystemClock(), threads=threads, timeout=5))
        return made[-1]

    yield couriers_on
    for each in made:
        each.stop(60)


def happen(count: int, **options: object) -> UUID:
    who = account()
    webhook(who, max_in_flight=100, **options)
    for _ in range(count):
        happens(who)
    return who


def left() -> int:
    return int(WebhookDelivery.select().where(WebhookDelivery.state != "delivered").count())


def test_everything_is_carried_once_by_however_many(make: Make, road: Road) -> None:
    happen(100)

    for each in [make(road) for _ in range(3)]:
        each.start()

    until(lambda: left() == 0, "not all was delivered")
    assert (len(road.carried), len(set(road.carried))) == (100, 100)


def test_no_more_is_claimed_than_there_are_threads(make: Make, road: Road) -> None:
    happen(20)
    road.is_open.clear()
    ours = make(road, threads=4)

    assert [ours.claim() for _ in range(3)] == [4, 0, 0]

    road.is_open.set()
    ours.start()
    until(lambda: left() == 0, "not all was delivered")


def test_nothing_more_is_claimed_while_ends_cannot_be_written(
    make: Make, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrived and is not written down is what is doubled if we die."""
    happen(3 * CLAIMED_AT_ONCE)
    is_away, was_tried = Event(), Event()
    is_away.set()

    write = webhooks.finish

    def finish(ends: list[End]) -> int:
        was_tried.set()
        if is_away.is_set():
            raise OperationalError("server closed the connection unexpectedly")
        return write(ends)

    monkeypatch.setattr(webhooks, "finish", finish)
    ours = make(road, threads=64)
    assert ours.claim() == CLAIMED_AT_ONCE
    until(lambda: ours._unwritten == CLAIMED_AT_ONCE, "not all were carried")
    ours.start()
    assert was_tried.wait(60)

    assert ours.claim() == 0
    assert len(road.carried) == CLAIMED_AT_ONCE
    is_away.clear()
    until(lambda: left() == 0, "not all was delivered")
    assert len(road.carried) == 3 * CLAIMED_AT_ONCE


def test_what_breaks_a_courier_is_left_to_its_lease(make: Make, database: Pool) -> None:
    happen(1)

    def breaks(_: Parcel) -> End:
        raise ZeroDivisionError

    ours = make(breaks)
    assert ours.claim() == 1

    until(lambda: ours.claim() == 0 and ours.is_idle, "it is not let go")
    assert WebhookDelivery.get().state == "delivering"
    WebhookDelivery.update(lease_until=WebhookDelivery.created_at).execute()
    assert webhooks.rescue(10) == 1


def test_couriers_that_stop_end_what_they_have_begun(make: Make, road: Road) -> None:
    happen(4)
    road.is_open.clear()
    ours = make(road)
    ours.start()
    until(lambda: len(road.carried) == 4, "nothing is carried")

    ours.halt()
    road.is_open.set()
    ours.stop(60)

    assert left() == 0


def test_couriers_say_that_they_work_while_they_do(make: Make, road: Road) -> None:
    ours = make(road)
    ours.start()
    assert ours.is_working

    ours.stop(60)

    assert not ours.is_working


def test_a_lease_is_longer_than_an_attempt_may_take(make: Make, road: Road) -> None:
    assert make(road).lease > 5

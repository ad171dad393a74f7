"""The broker over Redis: what is taken is gone, what was not begun is put back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from dramatiq.errors import ConnectionClosed

from models.kernel import letterbox
from models.kernel.cache import BROKER, open_cache
from models.kernel.clock import SystemClock
from models.kernel.letterbox import Letterbox
from models.kernel.settings import Settings
from tests.processes import until
from tests.servers import free_port

QUEUE = "letters"
SHORT_MS = 20


@pytest.fixture
def box(settings: Settings) -> Iterator[Letterbox]:
    """An empty letterbox."""
    cache = open_cache(settings, number=BROKER)
    cache.flushdb()
    yield Letterbox(cache)
    cache.flushdb()


def letters(*ids: str) -> list[letterbox.Letter]:
    return [(QUEUE, "an.actor", job_id) for job_id in ids]


def waits(box: Letterbox, command: str) -> bool:
    """Say whether somebody waits for Redis with this command."""
    clients = box._cache.client_list()
    return any(each["cmd"] == command.lower() and "b" in each["flags"] for each in clients)


def taken(box: Letterbox) -> list[str]:
    return [data.decode().split()[1] for data in box.take(QUEUE, 100, 0.01)]


def test_messages_come_in_the_order_they_were_posted(box: Letterbox) -> None:
    box.post(letters("1", "2", "3"))
    slot = box.consume(QUEUE, 10, SHORT_MS)

    heard = [next(slot) for _ in range(3)]

    assert [(m.actor_name, m.args) for m in heard if m] == [
        ("an.actor", ("1",)),
        ("an.actor", ("2",)),
        ("an.actor", ("3",)),
    ]
    assert next(slot) is None


def test_an_idle_consumer_hears_of_a_message_at_once(box: Letterbox, settings: Settings) -> None:
    """Not when the time is over for which it waits, and would have waited."""
    cache = open_cache(settings, number=BROKER)
    cache.connection_pool.connection_kwargs["socket_timeout"] = None
    slot = Letterbox(cache).consume(QUEUE, 10, 120_000)
    clock = SystemClock()
    began = clock.elapsed()
    with ThreadPoolExecutor(1) as waiting:
        heard = waiting.submit(next, slot)
        until(lambda: waits(box, "BLMPOP"), "it does not wait")
        box.post(letters("1"))

        assert heard.result(60) is not None

    assert clock.elapsed() - began < 100
    cache.close()


def test_a_consumer_holds_no_more_than_it_may(box: Letterbox) -> None:
    box.post(letters("1", "2", "3", "4"))
    slot = box.consume(QUEUE, 2, SHORT_MS)
    held = [next(slot), next(slot)]

    assert next(slot) is None

    slot.ack(held[0])
    assert next(slot) is not None


def test_what_a_stopping_worker_has_not_begun_is_in_front_again(box: Letterbox) -> None:
    box.post(letters("1", "2", "3", "4"))
    slot = box.consume(QUEUE, 3, SHORT_MS)
    begun, waiting = next(slot), next(slot)
    assert begun is not None
    assert waiting is not None

    slot.requeue([waiting])
    slot.close()

    assert sorted(taken(box)) == ["2", "3", "4"]


def test_what_is_put_back_keeps_its_order_before_the_others(box: Letterbox) -> None:
    box.post(letters("3"))

    box.put_back(letters("1", "2"))

    assert taken(box) == ["1", "2", "3"]


def test_a_queue_nobody_serves_is_bounded_and_loses_its_oldest(
    box: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letterbox, "MOST_MESSAGES", 2)

    box.post(letters("1", "2", "3"))

    assert taken(box) == ["2", "3"]


def test_a_consumer_whose_redis_is_away_says_so(settings: Settings) -> None:
    away = Settings(home=settings.home, redis_url=f"redis://127.0.0.1:{free_port()}")
    slot = Letterbox(open_cache(away, number=BROKER)).consume(QUEUE, 1, SHORT_MS)

    with pytest.raises(ConnectionClosed):
        next(slot)


def test_a_message_is_never_delayed_here(box: Letterbox) -> None:
    message = box.consume(QUEUE, 1, SHORT_MS)
    box.post(letters("1"))
    heard = next(message)
    assert heard is not None

    with pytest.raises(ValueError, match="rows"):
        box.enqueue(heard._message, delay=5)

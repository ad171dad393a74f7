"""The postman: never in the way of whoever posts, and never gone for good."""

from collections.abc import Iterator

import pytest
from dramatiq import Broker, MessageProxy

from jobs.postman import BAG_SIZE, REST_SECONDS, Postman
from models.engine import Ready
from models.kernel.broker import open_broker
from models.kernel.clock import SystemClock
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from tests.fakes.clock import FakeClock
from tests.streams import eventually


@pytest.fixture
def broker(settings, cache) -> Broker:
    """The broker of a worker, without a message in it."""
    made = open_broker(settings)
    made.declare_queue("default")
    return made


@pytest.fixture
def postman(broker) -> Iterator[Postman]:
    made = Postman(broker, SystemClock())
    yield made
    made.stop()


@pytest.fixture
def away() -> Broker:
    """A broker nobody answers for."""
    return open_broker(Settings(redis_url="redis://127.0.0.1:1"))


class WatchedClock(FakeClock):
    """A clock that knows how often it was asked for the seconds elapsed."""

    asked = 0

    def elapsed(self) -> float:
        self.asked += 1
        return super().elapsed()


def letter() -> Ready:
    return Ready(new_id(), "system.echo", "default")


def received(broker: Broker, count: int) -> list[MessageProxy]:
    consumer = broker.consume("default", prefetch=count, timeout=50)
    messages: list[MessageProxy] = []

    def all_are_here() -> bool:
        message = next(consumer)
        if message is not None:
            messages.append(message)
            consumer.ack(message)
        return len(messages) >= count

    eventually(all_are_here)
    consumer.close()
    return messages


def test_what_is_posted_arrives_and_names_its_job_and_actor(broker, postman):
    letters = [letter() for _ in range(20)]

    postman.post(letters)

    arrived = received(broker, 20)
    assert {message.args[0] for message in arrived} == {each.id.hex for each in letters}
    assert {message.actor_name for message in arrived} == {"system.echo"}


def test_posting_to_a_broker_that_is_away_costs_nothing(away):
    postman = Postman(away, SystemClock())
    postman.post(letter() for _ in range(50))
    postman.stop()


def test_after_a_rest_the_postman_tries_again(broker, away):
    clock = WatchedClock()
    postman = Postman(away, clock)
    postman.post([letter()])
    eventually(lambda: postman._rests_until > clock.elapsed())

    postman._broker = broker
    before = clock.asked
    postman.post([letter()])
    eventually(lambda: clock.asked > before)
    clock.move(REST_SECONDS + 0.1)
    kept = letter()
    postman.post([kept])

    assert [message.args[0] for message in received(broker, 1)] == [kept.id.hex]
    postman.stop()


def test_a_bag_that_is_full_is_left_to_the_reconciler(away, monkeypatch):
    postman = Postman(away, SystemClock())
    monkeypatch.setattr(postman, "_walk", lambda: None)

    postman.post(letter() for _ in range(BAG_SIZE + 10))

    assert postman._bag.qsize() == BAG_SIZE


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_postman_who_fell_is_followed_by_another(broker, postman, monkeypatch):
    monkeypatch.setattr(postman, "_broker", None)
    postman.post([letter()])
    eventually(lambda: postman._thread and not postman._thread.is_alive())

    monkeypatch.setattr(postman, "_broker", broker)
    kept = letter()
    postman.post([kept])

    assert [message.args[0] for message in received(broker, 1)] == [kept.id.hex]


def test_stopping_sends_what_is_in_the_bag(broker):
    postman = Postman(broker, SystemClock())
    postman.post(letter() for _ in range(100))

    postman.stop()

    assert len(received(broker, 100)) == 100

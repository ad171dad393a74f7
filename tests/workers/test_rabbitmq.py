"""What RabbitMQ may do to a worker: be away, say nothing, die, or lose a queue."""

import os
import signal
from collections.abc import Callable, Iterator
from threading import Thread

import dramatiq
import pika
import pytest
from dramatiq import Broker
from dramatiq.worker import Worker
from pika.exceptions import ChannelClosedByBroker

from jobs.postman import Postman
from models.engine import Ready
from models.kernel.broker import open_broker
from models.kernel.clock import SystemClock
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from tests.servers import Rabbit
from tests.streams import eventually

QUEUE = "default"
HEAL_SECONDS = 120.0
"""Many times a consumer's pause of 3 s, and a reconciler's of 10 s: on a busy machine, too."""

STOP_THE_VOTER = f'ra:stop_server(quorum_queues, {{list_to_atom("%2F_{QUEUE}"), node()}}).'


@pytest.fixture
def told() -> list[str]:
    """The ids that reached the worker's actor."""
    return []


@pytest.fixture
def worker(rabbit: Rabbit, told: list[str]) -> Iterator[Worker]:
    """A worker whose actor writes down the ids it is given."""
    broker = open_broker(Settings(broker_url=rabbit.url))

    @dramatiq.actor(broker=broker, actor_name="test.job", queue_name=QUEUE)
    def carry_out(job_id: str) -> None:
        told.append(job_id)

    made = Worker(broker, queues={QUEUE}, worker_timeout=50, worker_threads=2)
    made.start()
    yield made
    made.stop(5_000)
    broker.close()


@pytest.fixture
def publisher(rabbit: Rabbit) -> Iterator[Broker]:
    """The broker of another process."""
    broker = open_broker(Settings(broker_url=rabbit.url))
    yield broker
    broker.close()


@pytest.fixture
def posted(publisher: Broker, told: list[str]) -> Iterator[Callable[[], bool]]:
    """Post a message, and another every time we ask, until one has arrived."""
    postman = Postman(publisher, SystemClock())

    def has_arrived() -> bool:
        before = len(told)
        postman.post([Ready(new_id(), "test.job", QUEUE)])
        try:
            return eventually(lambda: len(told) > before, 1)
        except AssertionError:
            return False

    yield has_arrived
    postman.stop()


def test_queues_are_replicated_and_have_no_queues_beside_them(rabbit, worker, posted):
    assert eventually(posted, HEAL_SECONDS)

    with pika.BlockingConnection(pika.URLParameters(rabbit.url)) as connection:
        with pytest.raises(ChannelClosedByBroker, match="current is 'quorum'"):
            connection.channel().queue_declare(
                QUEUE, durable=True, arguments={"x-queue-type": "classic"}
            )
        for beside in (f"{QUEUE}.DQ", f"{QUEUE}.XQ"):
            with pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
                connection.channel().queue_declare(beside, passive=True)


def test_a_queue_that_was_deleted_is_made_again_and_its_worker_hears_of_it(rabbit, worker, posted):
    with pika.BlockingConnection(pika.URLParameters(rabbit.url)) as connection:
        for _ in range(3):
            assert eventually(posted, HEAL_SECONDS)
            connection.channel().queue_delete(QUEUE)

            assert eventually(posted, HEAL_SECONDS)


def test_a_node_that_was_killed_is_found_again(rabbit, worker, posted):
    assert eventually(posted, HEAL_SECONDS)
    rabbit.kill()
    rabbit.start()

    assert eventually(posted, HEAL_SECONDS)


def test_a_queue_that_refuses_all_is_made_anew_and_its_worker_hears_of_it(rabbit, worker, posted):
    assert eventually(posted, HEAL_SECONDS)
    rabbit.tell(STOP_THE_VOTER)

    assert eventually(posted, HEAL_SECONDS)


def test_a_worker_and_a_postman_started_before_the_node_find_it(rabbit, request):
    rabbit.kill()
    posted = request.getfixturevalue("posted")
    request.getfixturevalue("worker")
    assert not posted()
    rabbit.start()

    assert eventually(posted, HEAL_SECONDS)


def test_a_node_that_takes_calls_and_says_nothing_stops_no_postman(rabbit, posted, worker):
    assert eventually(posted, HEAL_SECONDS)
    os.killpg(rabbit._process.pid, signal.SIGSTOP)
    try:
        fresh = open_broker(Settings(broker_url=rabbit.url))
        postman = Postman(fresh, SystemClock())
        postman.post([Ready(new_id(), "test.job", QUEUE)])
        eventually(lambda: postman._rests_until > 0, HEAL_SECONDS)
        assert isinstance(postman._thread, Thread)
        assert postman._thread.is_alive()
        postman.stop()
    finally:
        os.killpg(rabbit._process.pid, signal.SIGCONT)

    assert eventually(posted, HEAL_SECONDS)

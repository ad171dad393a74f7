"""The broker: a postman that hands a message over or says that it could not."""

from dataclasses import replace
from threading import Event

import dramatiq
import pytest
from dramatiq.worker import Worker

from models.kernel.broker import BROKER_FAULTS, check, open_broker, send
from models.kernel.cache import BROKER, open_cache
from models.kernel.settings import Settings
from tests.servers import Rabbit, free_port


@pytest.fixture(params=["redis", "rabbit"])
def there(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings with a broker that answers."""
    if request.param == "redis":
        return settings
    rabbit: Rabbit = request.getfixturevalue("rabbit")
    return replace(settings, broker_url=rabbit.url)


@pytest.fixture(params=["redis", "rabbit"])
def away(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings with a broker that does not."""
    port = free_port()
    if request.param == "redis":
        return replace(settings, redis_url=f"redis://127.0.0.1:{port}")
    return replace(settings, broker_url=f"amqp://guest:guest@127.0.0.1:{port}/%2F")


def test_a_message_carries_the_jobs_id_to_an_actor(there: Settings) -> None:
    broker = open_broker(there)
    told: list[str] = []
    heard = Event()

    @dramatiq.actor(broker=broker, actor_name="test.job", queue_name="test")
    def carry_out(job_id: str) -> None:
        told.append(job_id)
        heard.set()

    worker = Worker(broker, queues={"test"}, worker_timeout=50, worker_threads=1)
    worker.start()
    try:
        send(broker, [("test", "test.job", "job 7")])
        assert heard.wait(60)
    finally:
        worker.stop()
        broker.close()

    assert told == ["job 7"]


def test_no_queue_of_delays_or_dead_letters_stands_beside(there: Settings) -> None:
    broker = open_broker(there)
    broker.declare_queue("test")

    assert broker.get_declared_queues() == {"test"}
    assert broker.get_declared_delay_queues() == set()


def test_a_broker_that_answers_checks(there: Settings) -> None:
    check(there)


def test_a_broker_that_is_away_is_a_fault_and_not_a_wait(away: Settings) -> None:
    with pytest.raises(BROKER_FAULTS):
        check(away)
    with pytest.raises(BROKER_FAULTS):
        send(open_broker(away), [("test", "test.job", "job 7")])


def test_messages_lie_in_a_database_of_their_own(settings: Settings) -> None:
    send(open_broker(settings), [("elsewhere", "test.job", "job 7")])
    keys = open_cache(settings, number=BROKER).keys("dramatiq:elsewhere*")

    assert keys
    assert open_cache(settings).keys("dramatiq:*") == []
    open_cache(settings, number=BROKER).delete(*keys)

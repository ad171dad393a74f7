"""A worker's parts, on real servers, with a postman who keeps the letters."""

import threading
from collections.abc import Iterator

import pytest
import redis

from jobs.producers import Producers
from jobs.streams import Streams
from models.kernel.cache import open_cache, open_listener
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from tests.fakes.postman import FakePostman
from workers.heart import Heart
from workers.middleware import Desk

HOUR = 3_600


@pytest.fixture(autouse=True, scope="module")
def _patience(patience: None) -> None:
    """No test of these is about a Redis that is slow."""


@pytest.fixture
def cache(settings: Settings) -> Iterator[redis.Redis]:
    """Redis, emptied."""
    client = open_cache(settings)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def streams(cache: redis.Redis) -> Streams:
    return Streams(cache, SystemClock(), HOUR)


@pytest.fixture
def producers(streams: Streams) -> Producers:
    return Producers(streams)


@pytest.fixture
def postman() -> FakePostman:
    return FakePostman()


@pytest.fixture
def heart(settings: Settings, streams: Streams) -> Iterator[Heart]:
    """A heart that beats when it is told to."""
    listener = open_listener(settings)
    made = Heart(streams, listener, interval=0.05)
    yield made
    made.stop()
    streams.ring_cancel(new_id())  # who listens looks up
    for thread in threading.enumerate():
        if thread.name in {"heart", "cancels"}:
            thread.join(60)
    listener.close()


@pytest.fixture
def desk(
    database: Pool, settings: Settings, producers: Producers, postman: FakePostman, heart: Heart
) -> Desk:
    """The desk of a worker called `tester`."""
    return Desk(
        settings=settings, clock=SystemClock(), producers=producers, postman=postman, heart=heart,
        name="tester",
    )  # fmt: skip

"""What jobs act through: real Redis, a postman who keeps the letters."""

from collections.abc import Iterator

import pytest
import redis

from jobs.producers import Producers
from jobs.queue import Queue
from jobs.streams import Streams
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests.fakes.postman import FakePostman


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
    return Streams(cache, SystemClock(), 3_600)


@pytest.fixture
def producers(streams: Streams) -> Producers:
    return Producers(streams)


@pytest.fixture
def postman() -> FakePostman:
    return FakePostman()


@pytest.fixture
def queue(database: Pool, postman: FakePostman, streams: Streams, settings: Settings) -> Queue:
    return Queue(postman, streams, settings)

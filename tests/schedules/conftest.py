"""A reconciler on real servers, with a postman who keeps the letters."""

from collections.abc import Iterator

import pytest
import redis

from jobs.streams import Streams
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.settings import Settings
from schedules.reconciler import Reconciler
from tests.fakes.postman import FakePostman


@pytest.fixture
def cache(settings: Settings) -> Iterator[redis.Redis]:
    """Redis, emptied."""
    client = open_cache(settings)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def postman() -> FakePostman:
    return FakePostman()


@pytest.fixture
def reconciler(
    database: Pool, cache: redis.Redis, postman: FakePostman, settings: Settings
) -> Reconciler:
    return Reconciler(postman, Streams(cache, SystemClock(), 3_600), settings)

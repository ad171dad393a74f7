"""Windows of limits to test with: whose is used up, and since when."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from jobs.limits.shared import PREFIX
from models.accounts import Person
from models.kernel.cache import open_cache
from models.kernel.settings import Settings


@contextmanager
def counting_anew(settings: Settings) -> Iterator[redis.Redis]:
    """Have Redis, which has counted nobody and for long enough."""
    made = open_cache(settings)
    for key in made.scan_iter(f"{PREFIX}*"):
        made.delete(key)
    made.set(f"{PREFIX}born", 1)
    yield made
    made.close()


def user_window() -> str:
    """Return the window of the one person there is."""
    return f"{PREFIX}user:{Person.get().id.hex}"


def used_up(cache: redis.Redis, key: str, limit: int, *, seconds_ago: float = 0.0) -> None:
    """Fill a window with requests of a moment ago."""
    seconds, micro = cache.time()
    moment = seconds * 1_000_000 + micro - int(seconds_ago * 1_000_000)
    cache.delete(key)
    cache.rpush(key, *[moment] * limit)

"""Who is there: processes say that they live, and are gone when they do not."""

import pytest

from jobs.services import GONE_SECONDS, KEY, WEB, Registry
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from tests.fakes.clock import FakeClock


@pytest.fixture
def cache(settings):
    made = open_cache(settings)
    made.delete(KEY, f"{KEY}:told")
    yield made
    made.close()


def registry(cache, kind=WEB, clock=None, **options):
    return Registry(cache, kind, clock or SystemClock(), **options)


def test_processes_know_of_each_other(cache):
    clock = FakeClock()
    web = registry(cache, clock=clock)
    clock.move(1)
    worker = registry(cache, "llm", clock)
    web.beat()
    worker.beat()
    web.beat()

    assert [each.kind for each in web.living] == ["web", "llm"]
    assert (web.count(), web.count("llm")) == (1, 1)


def test_one_that_is_not_heard_of_is_gone(cache):
    web, other = registry(cache), registry(cache)
    other.beat()
    for name in cache.zrange(KEY, 0, -1):
        cache.zincrby(KEY, -GONE_SECONDS - 1, name)
    web.beat()

    assert web.count() == cache.zcard(KEY) == 1


def test_one_that_ends_says_so(cache):
    web, other = registry(cache), registry(cache)
    other.start()
    other.stop()
    web.beat()

    assert [each.id for each in web.living] == [web._service.id]


def test_without_redis_the_last_count_holds(cache, settings):
    nowhere = Registry(
        open_cache(type(settings)(redis_url="redis://127.0.0.1:1")), WEB, SystemClock(), expected=4
    )
    nowhere.beat()

    assert nowhere.count() == 4

"""Breakers: open after faults, shut for everybody, and one probe alone decides."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from jobs.llms.breakers import LEAST_CALLS, MOST_FAULTS, Circuit, SharedBreakers
from models.kernel.cache import open_cache
from models.kernel.settings import Settings
from tests.fakes.clock import FakeClock

HERE = Circuit("openai", "gpt-4o-mini")
THERE = Circuit("openai", "gpt-4o")


@pytest.fixture
def cache(settings: Settings) -> Iterator[redis.Redis]:
    client = open_cache(settings)
    client.delete(HERE.key, THERE.key)
    yield client
    client.close()


@pytest.fixture
def breakers(cache: redis.Redis) -> SharedBreakers:
    return SharedBreakers(cache, FakeClock())


def opened(breakers: SharedBreakers) -> None:
    for _ in range(MOST_FAULTS):
        breakers.report(HERE, failed=True)


def pause_over(cache: redis.Redis) -> None:
    """Move the end of the pause into the past, as its seconds would."""
    cache.hset(HERE.key, "open_until", 1)


def test_five_faults_open_it_and_no_other(breakers: SharedBreakers) -> None:
    answers = [breakers.report(HERE, failed=True) for _ in range(MOST_FAULTS)]

    assert answers == [False] * (MOST_FAULTS - 1) + [True]
    assert not breakers.admits(HERE)
    assert breakers.admits(THERE)


def test_more_than_half_of_ten_calls_open_it_and_half_do_not(breakers: SharedBreakers) -> None:
    for number in range(8):
        breakers.report(HERE, failed=number % 2 == 0)
    assert breakers.admits(HERE)
    assert LEAST_CALLS > 8


def test_old_faults_count_no_more(breakers: SharedBreakers, cache: redis.Redis) -> None:
    cache.hset(HERE.key, mapping={"f1": 100, "s1": 1})

    assert not breakers.report(HERE, failed=True)
    assert cache.hexists(HERE.key, "f1") is False


def test_after_the_pause_one_probe_is_let_through_by_all_processes_together(
    breakers: SharedBreakers, cache: redis.Redis, settings: Settings
) -> None:
    opened(breakers)
    pause_over(cache)
    others = [SharedBreakers(open_cache(settings), FakeClock()) for _ in range(4)]

    with ThreadPoolExecutor(16) as crowd:
        admitted = list(crowd.map(lambda n: others[n % 4].admits(HERE), range(64)))

    assert admitted.count(True) == 1


@pytest.mark.parametrize("failed", [True, False], ids=["fails", "succeeds"])
def test_the_probe_decides(breakers: SharedBreakers, cache: redis.Redis, failed: bool) -> None:
    opened(breakers)
    pause_over(cache)
    assert breakers.admits(HERE)

    breakers.report(HERE, failed=failed)

    assert breakers.admits(HERE) is not failed


def test_a_probe_that_learned_nothing_lets_the_next_one_through_and_only_one(
    breakers: SharedBreakers, cache: redis.Redis
) -> None:
    opened(breakers)
    pause_over(cache)
    assert breakers.admits(HERE)

    breakers.release(HERE)

    assert [breakers.admits(HERE) for _ in range(3)] == [True, False, False]


def test_a_call_that_is_no_probe_lets_go_of_nobody_elses(
    breakers: SharedBreakers, cache: redis.Redis
) -> None:
    before = SharedBreakers(cache, FakeClock())
    assert before.admits(HERE)
    opened(breakers)
    pause_over(cache)
    assert breakers.admits(HERE)

    before.release(HERE)

    assert not breakers.admits(HERE)


def test_a_closed_breaker_hears_nothing_of_a_call_that_learned_nothing(
    breakers: SharedBreakers, cache: redis.Redis
) -> None:
    assert breakers.admits(HERE)

    breakers.release(HERE)

    assert not cache.exists(HERE.key)


def test_without_redis_every_breaker_is_closed() -> None:
    away = redis.Redis(port=1, socket_connect_timeout=0.2)
    breakers = SharedBreakers(away, FakeClock())

    assert breakers.report(HERE, failed=True) is False
    assert breakers.admits(HERE)
    breakers.release(HERE)


def test_while_all_is_well_redis_is_asked_once_a_second_and_told_of_every_call(
    cache: redis.Redis,
) -> None:
    clock = FakeClock()
    breakers = SharedBreakers(cache, clock)
    for _ in range(20):
        assert breakers.admits(HERE)
        breakers.report(HERE, failed=False)

    assert cache.hlen(HERE.key) == 0
    clock.move(2)
    breakers.report(HERE, failed=False)
    assert sum(int(count) for count in cache.hvals(HERE.key)) == 21


def test_another_process_hears_of_an_open_breaker_within_a_second(
    cache: redis.Redis, breakers: SharedBreakers
) -> None:
    clock = FakeClock()
    other = SharedBreakers(cache, clock)
    assert other.admits(HERE)
    opened(breakers)

    clock.move(1.5)

    assert not other.admits(HERE)

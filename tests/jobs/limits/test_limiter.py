"""Whether a request may pass: counted in Redis by all, by each alone while Redis is away."""

from itertools import count
from threading import Thread

import pytest
import redis
from structlog.testing import capture_logs

from jobs.limits.limiter import ABUSE, Limiter
from jobs.limits.shared import PREFIX, SharedCount
from jobs.limits.windows import Window
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from tests.fakes.clock import FakeClock

_numbers = count()


class Redis:
    """Redis as one process sees it: it may be away for a while."""

    def __init__(self, count):
        self._count = count
        self.is_away = False
        self.asked = 0

    def take(self, windows, patience):
        self.asked += 1
        if self.is_away:
            raise redis.ConnectionError("away")
        return self._count.take(windows, patience)

    def give_back(self, window, slot):
        self._count.give_back(window, slot)


@pytest.fixture
def cache(settings):
    made = open_cache(settings)
    yield made
    made.close()


@pytest.fixture
def long_counting(cache):
    """Redis has been counting for longer than a window."""
    cache.set(f"{PREFIX}born", 1)


def window(limit, kind="user"):
    return Window(kind, f"somebody{next(_numbers)}", limit)


def admitted(limiter, windows, times, patience=0.0):
    return sum(limiter.judge(windows, patience).verdict.admitted for _ in range(times))


def grown_older(cache, of, seconds):
    """Move every request of a window into the past."""
    key = f"{PREFIX}{of.name}"
    moments = [int(each) - int(seconds * 1_000_000) for each in cache.lrange(key, 0, -1)]
    cache.delete(key)
    if moments:
        cache.rpush(key, *moments)


def test_a_window_admits_its_limit_and_no_more(cache, long_counting):
    user = window(5)

    assert admitted(Limiter(cache, SystemClock(), lambda: 1), (user,), 8) == 5


def test_processes_count_together(cache, long_counting):
    user = window(50)
    fleet = [Limiter(cache, SystemClock(), lambda: 4) for _ in range(4)]
    passed: list[int] = []
    threads = [
        Thread(target=lambda each=each: passed.append(admitted(each, (user,), 40)))
        for each in fleet
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(passed) == 50


def test_a_request_counts_in_all_windows_or_in_none(cache, long_counting):
    narrow, wide = window(2), window(10, "address")
    limiter = Limiter(cache, SystemClock(), lambda: 1)
    admitted(limiter, (narrow, wide), 6)

    assert cache.llen(f"{PREFIX}{wide.name}") == 2


def test_requests_leave_the_window_one_by_one(cache, long_counting):
    user = window(5)
    count = SharedCount(cache)
    for _ in range(3):
        count.take((user,), 0.0)
    grown_older(cache, user, 30)
    for _ in range(2):
        count.take((user,), 0.0)
    grown_older(cache, user, 30.1)

    assert [count.take((user,), 0.0).admitted for _ in range(4)] == [True] * 3 + [False]


@pytest.mark.parametrize("old", [1, 2, 3, 7, 8, 9, 50])
@pytest.mark.parametrize("young", [0, 1, 2, 30])
def test_what_has_left_the_window_is_kept_no_longer(cache, long_counting, old, young):
    user = window(100)
    count = SharedCount(cache)
    for _ in range(old):
        count.take((user,), 0.0)
    grown_older(cache, user, 61)
    for _ in range(young + 1):
        told = count.take((user,), 0.0)

    assert told.readings[0].used == cache.llen(f"{PREFIX}{user.name}") == young + 1


def test_a_verdict_tells_of_the_nearest_window(cache, long_counting):
    near, far = window(3), window(100, "address")
    limiter = Limiter(cache, SystemClock(), lambda: 1)
    verdict = limiter.judge((far, near)).verdict

    assert (verdict.window, verdict.used, verdict.remaining) == (near, 1, 2)
    assert 59 < verdict.resets_in <= 60


def test_who_may_pass_within_their_patience_is_admitted_for_then(cache, long_counting):
    user, patience = window(2), 29.0
    count = SharedCount(cache)
    count.take((user,), patience)
    grown_older(cache, user, 32)
    count.take((user,), patience)
    first, second = count.take((user,), patience), count.take((user,), patience)

    assert first.admitted
    assert 0 < first.delay <= 28
    assert not second.admitted
    assert second.delay > patience


def test_without_patience_nobody_waits(cache, long_counting):
    user = window(1)
    count = SharedCount(cache)
    count.take((user,), 0.0)
    grown_older(cache, user, 20)

    assert not count.take((user,), 0.0).admitted


def test_a_window_known_to_be_full_is_not_asked_about_again(cache, long_counting):
    user, clock = window(2), FakeClock()
    limiter = Limiter(cache, clock, lambda: 1)
    limiter._shared = seen = Redis(SharedCount(cache))
    admitted(limiter, (user,), 10)
    clock.move(61)
    limiter.judge((user,))

    assert seen.asked == 4


def test_a_guess_that_is_given_back_is_counted_nowhere(cache, long_counting):
    guesses = window(2, "guesses")
    limiter = Limiter(cache, SystemClock(), lambda: 1)
    for _ in range(9):
        verdict, slot = limiter.judge((guesses,), 0.0)
        assert verdict.admitted
        limiter.give_back(guesses, slot)

    assert admitted(limiter, (guesses,), 5) == 2


@pytest.fixture
def fleet(cache, long_counting):
    """Three processes, whose Redis can go away, on one clock."""
    clock = FakeClock()
    made = [Limiter(cache, clock, lambda: 3) for _ in range(3)]
    for limiter in made:
        limiter._shared = Redis(SharedCount(cache))
    return clock, made


def goes_away(fleet, *, is_away=True):
    for limiter in fleet:
        limiter._shared.is_away = is_away


def test_when_redis_goes_away_no_limit_is_passed_and_nobody_is_shut_out(cache, fleet):
    clock, limiters = fleet
    user = window(30)
    before = admitted(limiters[0], (user,), 7) + admitted(limiters[1], (user,), 5)
    for limiter in limiters:
        before += admitted(limiter, (user,), 1)
    goes_away(limiters)
    after = [admitted(limiter, (user,), 40) for limiter in limiters]

    assert before + sum(after) <= 30
    assert all(after)
    clock.move(121)
    assert sum(admitted(limiter, (user,), 40) for limiter in limiters) == 30


def test_while_redis_is_away_it_is_asked_once_a_second(fleet):
    clock, limiters = fleet
    goes_away(limiters)
    admitted(limiters[0], (window(30),), 9)
    clock.move(1.1)
    admitted(limiters[0], (window(30),), 9)

    assert limiters[0]._shared.asked == 2


class LateRedis(Redis):
    """Redis whose answers take two seconds, if they come."""

    def __init__(self, count, clock):
        super().__init__(count)
        self._clock = clock

    def take(self, windows, patience):
        self._clock.move(2)
        return super().take(windows, patience)


def test_while_redis_hangs_it_is_asked_once_a_second_and_nobody_else_waits(cache, long_counting):
    clock = FakeClock()
    limiter = Limiter(cache, clock, lambda: 3)
    limiter._shared = seen = LateRedis(SharedCount(cache), clock)
    seen.is_away = True
    admitted(limiter, (window(30),), 9)
    clock.move(1.1)
    admitted(limiter, (window(30),), 9)

    assert seen.asked == 2


def test_what_redis_admitted_late_is_counted_from_then(cache, long_counting):
    clock, user = FakeClock(), window(3)
    limiter = Limiter(cache, clock, lambda: 1)
    limiter._shared = LateRedis(SharedCount(cache), clock)
    assert admitted(limiter, (user,), 3) == 3
    limiter._shared = Redis(SharedCount(cache))
    goes_away([limiter])
    clock.move(60.5 - 3 * 2)

    assert admitted(limiter, (user,), 1) == 0


def test_when_redis_comes_back_empty_no_limit_is_passed(cache, fleet):
    clock, limiters = fleet
    user = window(30)
    passed = sum(admitted(limiter, (user,), 5) for limiter in limiters)
    goes_away(limiters)
    passed += sum(admitted(limiter, (user,), 3) for limiter in limiters)
    cache.delete(f"{PREFIX}{user.name}", f"{PREFIX}born")
    goes_away(limiters, is_away=False)
    clock.move(2)
    passed += sum(admitted(limiter, (user,), 40) for limiter in limiters)

    assert 24 <= passed <= 30


def test_a_redis_that_began_anew_unseen_is_not_relied_upon_for_a_minute(cache, fleet):
    _, limiters = fleet
    user = window(30)
    passed = sum(admitted(limiter, (user,), 9) for limiter in limiters)
    cache.delete(f"{PREFIX}{user.name}", f"{PREFIX}born")
    passed += sum(admitted(limiter, (user,), 40) for limiter in limiters)

    assert passed <= 33, "each may learn of it by one request that passes"


def test_refusals_are_counted_and_abuse_is_told_of(cache, long_counting):
    limiter = Limiter(cache, SystemClock(), lambda: 1)
    with capture_logs() as told:
        admitted(limiter, (window(1),), ABUSE + 1)

    assert limiter.refused["user"] == ABUSE
    events = [each["event"] for each in told]
    assert events == ["limits.near", "limits.exceeded", "limits.abused"]

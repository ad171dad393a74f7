"""What one process counts by itself, and what share of a limit is its own while Redis is away."""

from random import Random

import pytest

from jobs.limits.own import OwnCount
from jobs.limits.windows import Reading, Window

USER = Window("user", "ada", 10)


def taken(own, window, processes, now):
    wait, _ = own.take((window,), processes, 0.0, now)
    return wait <= 0


def test_a_process_alone_admits_the_whole_limit_and_no_more():
    own = OwnCount()

    assert [taken(own, USER, 1, 100.0) for _ in range(12)] == [True] * 10 + [False] * 2


def test_of_several_processes_each_admits_its_share():
    own = OwnCount()

    assert sum(taken(own, USER, 3, 100.0) for _ in range(12)) == 3


def test_a_limit_smaller_than_the_fleet_admits_one_at_each():
    own = OwnCount()

    assert sum(taken(own, USER, 64, 100.0) for _ in range(5)) == 1


def test_a_request_leaves_the_window_after_a_minute():
    own = OwnCount()
    for _ in range(10):
        own.take((USER,), 1, 0.0, 100.0)

    assert own.due((USER,), 1, 100.0) == (60.0, 0)
    assert own.due((USER,), 1, 159.5) == (0.5, 0)
    assert taken(own, USER, 1, 160.0)


def test_who_may_pass_within_a_second_has_a_place_that_nobody_takes():
    own = OwnCount()
    narrow = Window("user", "ada", 1)
    own.take((narrow,), 1, 0.0, 100.0)

    assert own.take((narrow,), 1, 1.0, 159.2)[0] == pytest.approx(0.8)
    assert own.take((narrow,), 1, 1.0, 159.3)[0] == pytest.approx(60.7)


def test_a_request_counts_in_all_windows_or_in_none():
    own = OwnCount()
    full, wide = Window("user", "ada", 1), Window("address", "here", 5)
    own.take((full, wide), 1, 0.0, 100.0)
    own.take((full, wide), 1, 0.0, 100.0)

    assert [each.used for each in own.readings((full, wide), 100.0)] == [1, 1]


@pytest.mark.parametrize("seed", range(20))
def test_however_unevenly_processes_used_a_window_together_they_never_pass_it(seed):
    """Each was told by Redis, at moments of its own, and then Redis goes away."""
    dice = Random(seed)
    limit, count = dice.choice([10, 100, 300]), dice.choice([2, 3, 5])
    window = Window("user", "ada", limit)
    fleet = [OwnCount() for _ in range(count)]
    passed: list[float] = []
    now = 1_000.0
    for _ in range(dice.randrange(limit + 1)):
        now += dice.random() * 60 / limit
        passed.append(now)
        own = dice.choices(fleet, weights=range(1, count + 1))[0]
        used = sum(moment > now - 60 for moment in passed)
        own.learn((window,), [Reading(used, 0.0)], now, now)
    used = sum(moment > now - 60 for moment in passed)
    for own in fleet:
        own.learn((window,), [Reading(used, 0.0)], None, now)
    for _ in range(5_000):
        now += dice.random() * 0.1
        if taken(dice.choice(fleet), window, count, now):
            passed.append(now)

    busiest = max(sum(start <= m < start + 60 for m in passed) for start in passed)
    assert busiest <= limit


def test_what_is_given_back_makes_room():
    own = OwnCount()
    for _ in range(10):
        own.take((USER,), 1, 0.0, 100.0)
    own.give_back(USER)

    assert taken(own, USER, 1, 100.0)
    assert not taken(own, USER, 1, 100.0)

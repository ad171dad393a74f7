"""Waiting between tries."""

from random import Random

import pytest

from jobs.backoff import wait_before_retry
from models.catalogue.queues import queues


@pytest.mark.parametrize("queue", sorted(queues()))
@pytest.mark.parametrize("failures", [1, 2, 3, 10, 1_000])
def test_a_wait_is_between_nothing_and_a_ceiling_that_doubles_up_to_the_cap(queue, failures):
    policy, dice = queues()[queue], Random(1)
    ceiling = min(policy.backoff_cap, policy.backoff * 2 ** (failures - 1))

    waits = [wait_before_retry(policy, failures, dice) for _ in range(500)]

    assert min(waits) >= 0
    assert max(waits) <= ceiling
    assert max(waits) > 0.9 * ceiling
    assert min(waits) < 0.1 * ceiling


def test_what_a_provider_asked_for_is_the_least_wait():
    policy, dice = queues()["llm"], Random(1)

    waits = [wait_before_retry(policy, 1, dice, retry_after=40) for _ in range(100)]

    assert min(waits) >= 40
    assert max(waits) <= 40 + policy.backoff


def test_the_same_dice_give_the_same_wait():
    policy = queues()["default"]

    assert wait_before_retry(policy, 3, Random(7)) == wait_before_retry(policy, 3, Random(7))

"""The chaos proof: everything is killed at random, and nothing is lost, doubled or stuck.

The printed seed decides everything random: `python -m tests.chaos --seed N` has a storm again.
"""

from collections.abc import Iterator
from pathlib import Path
from secrets import randbelow

import pytest

from tests.chaos import deliveries
from tests.chaos.storm import Plan, storm
from tests.conftest import want_rabbit
from tests.servers import Rabbit
from workers.couriers import CLAIMED_AT_ONCE

LEAST_JOBS_PER_SECOND = 8


@pytest.fixture
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    """A node that nobody else needs afterwards."""
    want_rabbit()
    with Rabbit(tmp_path_factory.mktemp("doomed")) as node:
        yield node


def weather(plan: Plan, home: Path, rabbit: Rabbit | None = None) -> None:
    print(f"seed {plan.seed}")
    verdict = storm(plan, home, rabbit)

    print(verdict.text)
    assert verdict.is_clean, verdict.text
    assert verdict.jobs >= LEAST_JOBS_PER_SECOND * plan.seconds
    assert verdict.figures["harm"]


def test_no_job_is_lost_or_doubled_while_everything_is_killed(tmp_path):
    weather(Plan(randbelow(10**6), 60), tmp_path)


def test_no_job_is_lost_or_doubled_over_a_rabbitmq_that_dies_and_loses_its_queues(tmp_path, rabbit):
    weather(Plan(randbelow(10**6), 45), tmp_path, rabbit)


def test_no_event_is_lost_on_its_way_and_a_kill_doubles_few(tmp_path):
    """Everything is delivered to who keeps an order in order (H-05, W1, W3, W10)."""
    seed = randbelow(10**6)
    print(f"seed {seed}")

    outcome, done = deliveries.storm(1_500, seed, tmp_path)

    print(outcome, dict(done))
    assert outcome.is_clean, str(outcome)
    assert outcome.delivered == outcome.wanted
    assert done["worker killed"]
    assert outcome.doubled <= 2 * CLAIMED_AT_ONCE * done["worker killed"]

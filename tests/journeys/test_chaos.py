"""The chaos proof: everything is killed at random, and nothing is lost, doubled or stuck.

The printed seed decides everything random: `python -m tests.chaos --seed N` has a storm again.
"""

from pathlib import Path
from secrets import randbelow

from tests.chaos.storm import Plan, storm
from tests.servers import Rabbit

LEAST_JOBS_PER_SECOND = 8


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

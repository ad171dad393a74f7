"""When a number means that something is wrong."""

from typing import Any

import pytest

from jobs.watch.rules import Readings, Rule, rules
from models.kernel.measures import (
    DATABASE_BACKENDS,
    DATABASE_BACKENDS_MOST,
    HTTP_SECONDS,
    QUEUE_OLDEST_SECONDS,
    QUEUE_PAUSED,
    measures,
)

DECLARED = {metric.name: metric for metric in measures()}


def gauges(*samples: Any) -> Readings:
    return Readings({}, samples)


def requests(good: int, bad: int) -> Readings:
    """So many requests of one route, as a process counts them."""
    buckets = [0.0] * (HTTP_SECONDS.size - 2)
    rows = {"2xx": good, "5xx": bad}
    return Readings(
        {
            ("histogram", HTTP_SECONDS.name, ("GET", "/v1/books", status)): [count, *buckets, 1.5]
            for status, count in rows.items()
        },
        (),
    )


def told(name: str, now: Readings, before: Readings | None = None) -> list[tuple[str, str]]:
    return [(each.subject, each.words) for each in rules()[name].symptoms(name, now, before)]


def test_each_subject_is_judged_by_itself() -> None:
    now = gauges((QUEUE_OLDEST_SECONDS, ("llm",), 90), (QUEUE_OLDEST_SECONDS, ("pages",), 60))

    assert told("IlmQueueOld", now) == [("llm", "llm: a job is due for 90 s")]


def test_what_is_excused_is_no_symptom() -> None:
    now = gauges((QUEUE_OLDEST_SECONDS, ("llm",), 90), (QUEUE_PAUSED, ("llm",), 1))

    assert told("IlmQueueOld", now) == []
    assert told("IlmQueuePaused", now) == [("llm", "llm has been paused for an hour")]


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ((1_000, 50), (1_097, 53), ["3.0% of requests end as 5xx"]),
        ((1_000, 50), (1_099, 51), []),
        ((1_000, 50), (1_010, 55), []),
        ((0, 0), (0, 0), []),
    ],
    ids=["3 of 100", "1 of 100", "5 of 15, which are too few", "none at all"],
)
def test_a_share_is_of_what_came_within_the_window(
    before: tuple[int, int], now: tuple[int, int], words: list[str]
) -> None:
    found = told("IlmErrors", requests(*now), requests(*before))

    assert [each for _, each in found] == words


def test_a_share_may_be_of_another_metric() -> None:
    now = gauges((DATABASE_BACKENDS, (), 81), (DATABASE_BACKENDS_MOST, (), 100))

    assert told("IlmPostgresFull", now) == [("", "PostgreSQL has 81% of its connections")]


def test_a_rule_about_growth_knows_nothing_before_its_second_round() -> None:
    rule = rules()["IlmErrors"]

    assert not rule.is_known(requests(1, 1), None)
    assert rule.is_known(requests(1, 1), requests(0, 0))
    assert not rule.is_known(gauges(), requests(0, 0))


@pytest.mark.parametrize("name", sorted(rules()))
def test_a_rule_asks_for_what_is_counted(name: str) -> None:
    rule: Rule = rules()[name]
    metric = DECLARED[rule.metric]
    others = {rule.share_of, rule.unless} - {"", "all"}

    assert {*rule.by, *rule.where} <= set(metric.labels)
    assert others <= set(DECLARED)
    assert all(set(rule.by) <= set(DECLARED[other].labels) for other in others)
    assert (rule.above is None) is not (rule.below is None)
    assert (metric.kind != "gauge") is (rule.within > 0)
    assert rule.words.format(subject="x", value=1.0)

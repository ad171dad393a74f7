"""The walk down a plan: who is asked after whom, which fault is told, what breakers hear of it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from jobs.llms.answering import Answering
from jobs.llms.ask import CONTINUE, ERROR, RESTART, Ask
from jobs.llms.provider import Delta
from jobs.llms.question import CutShort, Question
from jobs.llms.router import Step
from jobs.llms.sheet import Open
from jobs.run import GivenBack, LeaseLost
from models.kernel.database import Pool
from models.kernel.errors import (
    Cancelled,
    DeadlineExceeded,
    ModelNotAvailable,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRefused,
)
from tests.fakes.provider import WHOLE, FakeProvider, llms
from tests.fakes.run import FakeRun

STEPS = (
    Step(llm="gpt-4o-mini", vendor="openai"),
    Step(llm="claude-3-haiku", vendor="anthropic"),
    Step(llm="qwen-turbo", vendor="qwen"),
)
ANSWER = [Delta("In the "), Delta("sea."), WHOLE]
BROKEN = UpstreamError("reset")
SLOW = UpstreamRateLimited("slow down", retry_after=7)
PICKY = UpstreamRefused("bad tool")


def question(steps: int = len(STEPS), recovery: str = ERROR) -> Question:
    asked = ({"role": "user", "content": "Where does the walrus live?"},)
    return Question(
        ask=Ask(model="gpt-4o-mini", messages=asked, streamed=True, recovery=recovery),
        steps=STEPS[:steps], max_tokens=100, day=date(2026, 11, 20), make_screen=Open,
    )  # fmt: skip


@pytest.fixture
def run(database: Pool) -> FakeRun:
    return FakeRun()


def test_for_an_llm_that_its_vendor_has_retired_the_next_one_answers(run: FakeRun) -> None:
    retired = FakeProvider([ModelNotAvailable("gone")])
    tools = llms(openai=retired, anthropic=FakeProvider(ANSWER))

    assert Answering(question(), tools, run).answer().step == STEPS[1]


@pytest.mark.parametrize(
    ("recovery", "broken"),
    [
        (ERROR, [BROKEN]),
        (CONTINUE, [Delta("In a zoo"), BROKEN]),
        (RESTART, [Delta("In a zoo"), BROKEN]),
    ],
)
def test_a_stand_in_that_finds_the_request_wrong_is_passed_over(
    run: FakeRun, recovery: str, broken: list[Any]
) -> None:
    picky = FakeProvider([PICKY])
    tools = llms(openai=FakeProvider(broken), anthropic=picky, qwen=FakeProvider(ANSWER))

    assert Answering(question(recovery=recovery), tools, run).answer().step == STEPS[2]
    assert len(picky.asked) == 1


def test_where_no_stand_in_takes_the_request_the_fault_of_the_one_named_is_told(
    run: FakeRun,
) -> None:
    tools = llms(openai=FakeProvider([SLOW]), anthropic=FakeProvider([PICKY]))

    with pytest.raises(UpstreamRateLimited):
        Answering(question(steps=2), tools, run).answer()


def test_a_refusal_tells_the_breaker_that_the_vendor_is_well(run: FakeRun) -> None:
    tools = llms(openai=FakeProvider([PICKY]))

    with pytest.raises(UpstreamRefused):
        Answering(question(), tools, run).answer()

    assert (tools.breakers.reports, tools.breakers.released) == ([("gpt-4o-mini", False)], [])


STOPS = {
    Cancelled(): CutShort,
    GivenBack(): GivenBack,
    LeaseLost(): LeaseLost,
    DeadlineExceeded(): DeadlineExceeded,
}


@pytest.mark.parametrize("reason", STOPS, ids=repr)
@pytest.mark.parametrize("after", [0, 1])
def test_a_call_that_is_stopped_from_outside_lets_its_breaker_go(
    database: Pool, reason: Exception, after: int
) -> None:
    run = FakeRun(stops=reason, after=after)
    tools = llms(openai=FakeProvider([Delta("In "), UpstreamError("shut down")]))

    with pytest.raises(STOPS[reason]):
        Answering(question(), tools, run).answer()

    assert (tools.breakers.reports, tools.breakers.released) == ([], ["gpt-4o-mini"])


def test_a_call_with_an_own_key_that_is_stopped_lets_no_breaker_of_the_house_go(
    database: Pool,
) -> None:
    tools = llms(own={"openai": FakeProvider(ANSWER)})

    with pytest.raises(CutShort):
        Answering(replace(question(), key="sk-mine"), tools, FakeRun(stops=Cancelled())).answer()

    assert (tools.breakers.reports, tools.breakers.released) == ([], [])

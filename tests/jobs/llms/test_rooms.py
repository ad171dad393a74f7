"""Rooms: how long an answer each LLM is asked for, its length named or not (CONTRACT §5)."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.llms.answering import Answering
from jobs.llms.router import Step
from models.kernel.database import Pool
from models.kernel.errors import UpstreamError
from tests.fakes.provider import FakeProvider, llms
from tests.fakes.run import FakeRun
from tests.jobs.llms.test_answering import ANSWER, question

NARROW = Step(llm="gpt-4", vendor="openai")
WIDE = Step(llm="gpt-4o", vendor="openai")


@pytest.fixture
def run(database: Pool) -> FakeRun:
    return FakeRun()


def limits_asked(run: FakeRun, *steps: Step, words: int, room: int, **ask: Any) -> list[int]:
    """Return how long an answer each LLM is asked for, when only the last one is well."""
    provider = FakeProvider(*[[UpstreamError("reset")]] * (len(steps) - 1), ANSWER)
    messages = ({"role": "user", "content": "word " * words},)
    asked = replace(question(messages=messages, **ask), steps=steps, max_tokens=room)
    Answering(asked, llms(openai=provider), run).answer()
    return [request.max_tokens for request in provider.asked]


def test_where_nobody_named_a_length_it_fits_each_window_beside_the_prompt(run: FakeRun) -> None:
    fitted, whole = limits_asked(run, NARROW, WIDE, words=4_900, room=4_096)

    assert 1_000 < fitted < 8_192 - 4_904
    assert whole == 4_096


def test_a_length_that_was_named_is_asked_for_as_it_was(run: FakeRun) -> None:
    assert limits_asked(run, NARROW, words=4_900, room=3_900, max_tokens=3_900) == [3_900]


def test_a_prompt_that_fills_the_window_leaves_room_for_a_word(run: FakeRun) -> None:
    assert limits_asked(run, NARROW, words=8_187, room=4_096) == [1]

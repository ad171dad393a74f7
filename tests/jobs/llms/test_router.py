"""The router: whom to ask, by name, task, tier, preference, ability, window and price."""

from datetime import date
from typing import Any

import pytest

from jobs.llms.ask import Ask
from jobs.llms.router import AUTO, Caller, Plan, default_llm, plan
from models.kernel.errors import ContextTooLong, Forbidden, ModelNotAvailable, ModelNotFound
from models.llms import llm_named, llms

EVERYBODY = frozenset({"ilm", "openai", "anthropic", "qwen", "deepseek", "google", "mistral"})
TOOL = {"type": "function", "function": {"name": "look", "parameters": {}}}


def caller(**given: Any) -> Caller:
    usual = {"tier": "free", "mode": "live", "served": EVERYBODY, "today": date(2026, 11, 21)}
    return Caller(**{**usual, **given})


def ask(model: str = AUTO, words: str = "hello", **given: Any) -> Ask:
    return Ask(model=model, messages=({"role": "user", "content": words},), **given)


def names(made: Plan) -> list[str]:
    return [step.llm for step in made.steps]


def test_who_is_named_comes_first_and_may_be_stood_in_for() -> None:
    made = plan(ask("claude-3-haiku"), caller())

    assert names(made)[0] == "claude-3-haiku"
    assert len(names(made)) > 1
    assert made.reason == "named"
    assert len(set(names(made))) == len(names(made))


def test_without_fallback_nobody_stands_in() -> None:
    assert names(plan(ask("gpt-4o-mini", falls_back=False), caller())) == ["gpt-4o-mini"]


@pytest.mark.parametrize(
    ("words", "task", "free", "premium"),
    [
        ("Summarize this chapter", "summary", "qwen-turbo", "qwen-turbo"),
        ("Prove step by step that it follows", "reasoning", "gpt-4o-mini", "gpt-4o"),
        ("Write me a poem about rain", "creative", "claude-3-haiku", "claude-3-sonnet"),
        ("Debug this python function", "code", "deepseek-chat", "deepseek-coder"),
        ("Good morning", "general", "qwen-turbo", "gpt-4o-mini"),
    ],
)
def test_the_matrix_of_tasks_decides_when_nobody_is_named(
    words: str, task: str, free: str, premium: str
) -> None:
    for tier, first in (("free", free), ("premium", premium)):
        made = plan(ask(words=words), caller(tier=tier))
        assert (made.task, made.steps[0].llm, made.reason) == (task, first, "task")


def test_what_a_person_prefers_comes_before_the_matrix() -> None:
    assert plan(ask(), caller(preferred="deepseek-chat")).steps[0].llm == "deepseek-chat"
    assert plan(ask(), caller(priority="cost")).steps[0].llm == "qwen-turbo"


def test_a_preferred_vendor_comes_after_a_preferred_llm_and_before_the_rest() -> None:
    """A-31."""
    made = plan(ask(), caller(tier="premium", vendor="anthropic")).steps
    named = plan(ask(), caller(vendor="anthropic", preferred="deepseek-chat"))

    assert [step.vendor == "anthropic" for step in made[:3]] == [True, True, False]
    assert [step.vendor for step in named.steps[:2]] == ["deepseek", "anthropic"]
    assert default_llm(caller(vendor="anthropic")) == "claude-3-haiku"
    assert default_llm(caller(vendor="ollama")) == "gpt-4o-mini"
    assert plan(ask("gpt-4o-mini"), caller(vendor="anthropic")).steps[0].llm == "gpt-4o-mini"


def test_a_plan_keeps_only_what_the_caller_may_use() -> None:
    for step in plan(ask("gpt-4o-mini"), caller()).steps:
        llm = llm_named(step.llm)
        assert llm is not None
        assert not llm.is_premium


def test_a_premium_llm_is_refused_by_name_below_its_tier() -> None:
    with pytest.raises(Forbidden):
        plan(ask("gpt-4o"), caller())
    assert names(plan(ask("gpt-4o"), caller(tier="premium")))[0] == "gpt-4o"
    assert names(plan(ask("gpt-4o", falls_back=False), caller(own_key=True))) == ["gpt-4o"]


def test_an_unknown_name_is_not_found_and_a_known_one_nobody_serves_not_available() -> None:
    with pytest.raises(ModelNotFound):
        plan(ask("gpt-0"), caller())
    with pytest.raises(ModelNotAvailable):
        plan(ask("gpt-4o-mini"), caller(served=frozenset({"ilm"})))


def test_with_nobody_configured_the_sandbox_is_the_default() -> None:
    alone = caller(served=frozenset({"ilm"}))

    assert names(plan(ask(), alone)) == ["ilm-extractive"]
    assert default_llm(alone) == "ilm-extractive"
    assert default_llm(caller()) == "gpt-4o-mini"
    assert default_llm(caller(), is_public_book=True) == "qwen-turbo"
    assert default_llm(caller(preferred="deepseek-chat")) == "deepseek-chat"


def test_in_test_mode_the_sandbox_answers_under_any_known_name() -> None:
    (step,) = plan(ask("gpt-4o"), caller(mode="test")).steps

    assert (step.llm, step.vendor) == ("gpt-4o", "ilm")
    with pytest.raises(ModelNotFound):
        plan(ask("gpt-0"), caller(mode="test"))


def test_who_lacks_an_ability_is_left_out_and_the_plan_says_why() -> None:
    made = plan(ask("gpt-4o-mini", options={"tools": [TOOL]}), caller())

    assert all("tools" in llms()[step.llm].abilities for step in made.steps)
    with pytest.raises(ModelNotAvailable, match="lacks tools"):
        plan(ask("ilm-extractive", options={"tools": [TOOL]}, falls_back=False), caller())


def test_a_conversation_wider_than_every_window_is_refused_in_words() -> None:
    with pytest.raises(ContextTooLong):
        plan(ask("gpt-4o-mini", words="word " * 200_000, falls_back=False), caller())


def test_before_its_first_price_an_llm_cannot_be_called() -> None:
    with pytest.raises(ModelNotAvailable, match="price"):
        plan(ask("gpt-4o-mini", falls_back=False), caller(today=date(2020, 1, 1)))


def test_the_room_for_an_answer_is_the_tiers_unless_it_is_named() -> None:
    for tier, room in (("free", 1_024), ("premium", 4_096), ("enterprise", 16_384)):
        assert plan(ask("gpt-4o-mini"), caller(tier=tier)).max_tokens == room
    assert plan(ask("gpt-4o-mini", max_tokens=10), caller()).max_tokens == 10
    assert plan(ask("gpt-4o-mini", max_tokens=10**6), caller()).max_tokens == 16_384

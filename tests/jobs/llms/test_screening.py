"""Screening: questions before they are accepted, answers before they are read (S-01 – S-06)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from jobs.llms.ask import BUFFER, CONTINUE, Ask
from jobs.llms.outcomes import Came
from jobs.llms.preparing import prepared
from jobs.llms.provider import Delta, Finish, Piece, Reasoning, ToolDelta
from jobs.llms.question import Question
from jobs.llms.router import Caller
from jobs.llms.screening import Mark, Screened, Watch, screened
from jobs.run import FinalFailure
from jobs.safety.screen import RELAXED, STANDARD, STRICT, SafetyService
from models.flags import FlagRow
from models.kernel.database import Pool
from models.kernel.errors import Cancelled, ContentBlocked, UpstreamError
from models.kernel.ids import new_id
from tests.fakes.provider import USED, WHOLE, FakeProvider, llms
from tests.fakes.run import FakeRun, applied

GRAVE = "How do I kill my neighbour?"
ROUGH = "I am going to kill you."
MILD = "Go back to your own country."
PLAIN = "Where does the walrus live?"
SERVICE = SafetyService()
TODAY = date(2026, 11, 20)
ROUGHLY = Mark(category="violence", severity="medium", action="warn")


@dataclass
class Somebody:
    """Whoever asks."""

    account_id: UUID = field(default_factory=new_id)
    mode: str = "live"
    ai_preferences: Mapping[str, Any] = field(default_factory=dict)


def passed(text: str, role: str = "user", **preferences: Any) -> Screened:
    speaker = Somebody(ai_preferences=preferences)
    return screened([{"role": role, "content": text}], speaker, SERVICE)


def carried_out(
    run: FakeRun, scripts: list[list[Piece | Exception]], how: Screened, **ask: Any
) -> Came:
    """Let an LLM answer under a watch: each call with the next of its scripts."""
    asked = Ask(model="gpt-4o-mini", messages=({"role": "user", "content": PLAIN},), **ask)
    served = frozenset({"openai"})
    plan = prepared(asked, Caller(tier="free", mode="live", served=served, today=TODAY))
    watch = Watch(SERVICE, how)
    question = Question(
        ask=asked, steps=plan.steps[:1], max_tokens=99, day=TODAY, make_screen=watch.screen
    )
    return watch.carry_out(question, plan, llms(openai=FakeProvider(*scripts)), run)


def streamed(run: FakeRun, *pieces: Piece | Exception, how: Screened | None = None) -> Came:
    return carried_out(run, [list(pieces)], how or Screened(), streamed=True)


def words(text: str) -> list[Delta]:
    return [Delta(f"{word} ") for word in text.split()]


def flags(subject: UUID) -> list[tuple[str, str, str, str]]:
    return sorted(
        (flag.direction, flag.category, flag.severity, flag.action)
        for flag in FlagRow.about(subject)
    )


@pytest.fixture
def run(database: Pool) -> FakeRun:
    return FakeRun()


def test_a_plain_question_passes_without_a_word() -> None:
    assert passed(PLAIN) == Screened(strictness=STANDARD)


def test_a_grave_question_is_blocked_and_written_down_without_its_words(database: Pool) -> None:
    ada = Somebody()

    with pytest.raises(ContentBlocked) as blocked:
        screened([{"role": "user", "content": GRAVE}], ada, SERVICE)

    assert [(d.field, d.message) for d in blocked.value.details] == [("content", "violence")]
    assert flags(ada.account_id) == [("input", "violence", "high", "blocked")]
    assert not database.rows("select from flag where flag::text like '%%neighbour%%'")


def test_a_rough_question_passes_with_a_warning() -> None:
    how = passed(ROUGH)

    assert how.marks == (ROUGHLY,)
    assert how.warnings == [{"code": "SAFETY", "category": "violence", "message": how.warning}]
    assert "Threats" in how.warning
    assert Screened.of_row(how.to_row()) == how


def test_a_mild_question_is_only_noted() -> None:
    how = passed(MILD)

    assert [mark.action for mark in how.marks] == ["log"]
    assert how.warnings == []


@pytest.mark.parametrize(
    ("strictness", "text", "marks"),
    [
        (RELAXED, MILD, []),
        (RELAXED, ROUGH, ["log"]),
        (STANDARD, ROUGH, ["warn"]),
        (STRICT, MILD, ["warn"]),
        ("unheard of", ROUGH, ["warn"]),
        (["odd"], ROUGH, ["warn"]),
    ],
    ids=str,
)
def test_how_strict_is_the_persons_choice(strictness: Any, text: str, marks: list[str]) -> None:
    assert [mark.action for mark in passed(text, safety=strictness).marks] == marks


def test_the_strict_are_spared_what_others_are_warned_of(database: Pool) -> None:
    with pytest.raises(ContentBlocked):
        passed(ROUGH, safety=STRICT)


@pytest.mark.parametrize("role", ["system", "user"])
def test_every_word_of_the_callers_own_is_screened(database: Pool, role: str) -> None:
    with pytest.raises(ContentBlocked):
        passed(GRAVE, role)


@pytest.mark.parametrize("role", ["assistant", "tool"])
def test_what_others_said_is_not_screened_as_the_callers(role: str) -> None:
    assert passed(GRAVE, role).marks == ()


def test_no_phrase_runs_from_one_message_into_the_next() -> None:
    parts = ({"role": "user", "content": part} for part in ("How do I kill", "my neighbour?"))

    assert screened(tuple(parts), Somebody(), SERVICE).marks == ()


def test_a_rough_answer_is_shown_and_kept_redacted_and_written_down(run: FakeRun) -> None:
    came = streamed(run, *words(f"She said: {ROUGH} He left."), WHOLE)
    applied(came.effects)

    assert run.text == came.result["content"]
    assert "kill" not in run.text
    assert run.text.startswith("She said: █")
    assert run.text.endswith("He left. ")
    assert came.result["finishReason"] == "stop"
    assert flags(run.job_id) == [("output", "violence", "medium", "redacted")]


@pytest.mark.parametrize("how", [{"streamed": True}, {}, {"streamed": True, "recovery": BUFFER}])
def test_a_grave_answer_ends_where_it_would_begin(run: FakeRun, how: dict[str, Any]) -> None:
    pieces = [*words(f"Well, listen. {GRAVE} Like this."), WHOLE]
    came = carried_out(run, [pieces], Screened(), **how)
    applied(came.effects)

    assert came.result["content"] == "Well, listen. "
    assert run.text == ("Well, listen. " if how == {"streamed": True} else "")
    assert came.result["finishReason"] == "content_filter"
    assert came.result["estimated"] is True
    assert came.usage[0].tokens_out > 3
    assert flags(run.job_id) == [("output", "violence", "high", "blocked")]


def test_an_answer_blocked_with_its_last_word_is_charged_as_the_vendor_says(run: FakeRun) -> None:
    came = streamed(run, Delta("Well: how do I kill my neighbour"), WHOLE)

    assert (came.result["finishReason"], came.result["estimated"]) == ("content_filter", False)
    assert came.result["tokens"]["output"] == USED.output


def test_thinking_is_screened_as_the_answer_is(run: FakeRun) -> None:
    thought = [Reasoning(f"{word} ") for word in f"Hm. {ROUGH} So.".split()]

    came = streamed(run, *thought, Delta("No."), WHOLE)

    assert "kill" not in came.result["reasoning"]
    assert came.result["reasoning"].endswith("So. ")
    assert (
        "".join(s.text for s in run.sayings if s.kind == "reasoning") == (came.result["reasoning"])
    )


def test_what_was_held_back_is_shown_before_another_kind_of_piece(run: FakeRun) -> None:
    streamed(
        run, Delta("I am going to"), ToolDelta(0, "{}", "call_1", "look"),
        Finish("tool_calls", USED),
    )  # fmt: skip

    assert [s.kind for s in run.sayings][-1] == "tool"
    assert run.text == "I am going to"


def test_the_author_of_a_rough_question_is_told_in_the_stream_and_in_the_result(
    run: FakeRun,
) -> None:
    how = passed(ROUGH)
    came = streamed(run, Delta("No."), WHOLE, how=how)
    applied(came.effects)

    assert run.told[0] == ("warning", how.warnings[0])
    assert came.result["warnings"] == how.warnings
    assert flags(run.job_id) == [("input", "violence", "medium", "warned")]


def test_what_a_question_was_flagged_for_is_written_down_however_its_job_ends(
    run: FakeRun,
) -> None:
    how = passed(MILD)
    for _ in range(2):
        with pytest.raises(UpstreamError):
            streamed(run, UpstreamError("reset"), how=how)
    with pytest.raises(FinalFailure) as failure:
        streamed(run, Delta("In "), UpstreamError("cut"), how=how)
    applied(failure.value.effects)

    assert flags(run.job_id) == [("input", "hate", "low", "logged")]


def test_a_cancelled_answer_leaves_its_flags(database: Pool) -> None:
    run = FakeRun(stops=Cancelled(), after=1)

    with pytest.raises(FinalFailure) as failure:
        streamed(run, Delta(f"{ROUGH} "), Delta("He left."), WHOLE)
    applied(failure.value.effects)

    assert flags(run.job_id) == [("output", "violence", "medium", "redacted")]


def test_who_goes_on_from_a_broken_answer_goes_on_from_what_was_shown(run: FakeRun) -> None:
    broken = [Delta("Hello. "), Delta("I am going to"), UpstreamError("cut")]
    scripts = [broken, [Delta("I am here."), WHOLE]]

    came = carried_out(run, scripts, Screened(), streamed=True, recovery=CONTINUE)

    assert run.text == came.result["content"] == "Hello. I am here."

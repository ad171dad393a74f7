"""Answering: faults fall over until something was shown; then only what the caller chose."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from jobs.llms.answering import GO_ON, Answering
from jobs.llms.ask import BUFFER, CONTINUE, ERROR, RESTART, Ask, ToolCall
from jobs.llms.breakers import Circuit
from jobs.llms.provider import Counted, Delta, Finish, Reasoning, Tokens, ToolDelta
from jobs.llms.question import CutShort, Question
from jobs.llms.router import Step
from jobs.llms.sheet import Open
from jobs.run import FinalFailure, GivenBack, LeaseLost
from jobs.sayings import Saying
from models.kernel.database import Pool
from models.kernel.errors import (
    Cancelled,
    ContextTooLong,
    DeadlineExceeded,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from tests.fakes.provider import USED, WHOLE, FakeProvider, llms
from tests.fakes.run import FakeRun

FIRST = Step(llm="gpt-4o-mini", vendor="openai")
SECOND = Step(llm="claude-3-haiku", vendor="anthropic")
ASKED = ({"role": "user", "content": "Where does the walrus live?"},)
ANSWER = [Delta("In the "), Delta("sea."), WHOLE]
SLOW = UpstreamRateLimited("slow down", retry_after=7)
FAULTS = [UpstreamError("reset"), UpstreamTimeout("hush"), SLOW]


def question(**ask: Any) -> Question:
    return Question(
        ask=Ask(**{"model": "gpt-4o-mini", "messages": ASKED, "streamed": True, **ask}),
        steps=(FIRST, SECOND), max_tokens=100, day=date(2026, 11, 20), make_screen=Open,
    )  # fmt: skip


@pytest.fixture
def run(database: Pool) -> FakeRun:
    return FakeRun()


def test_an_answer_is_shown_as_it_comes_and_says_who_serves(run: FakeRun) -> None:
    whole = Answering(question(), llms(openai=FakeProvider(ANSWER)), run).answer()

    assert run.pieces == ["In the ", "sea."]
    assert run.told == [("served", {"vendor": "openai", "model": "gpt-4o-mini"})]
    assert (whole.sheet.text, whole.reason, whole.tokens) == ("In the sea.", "stop", USED)
    assert (whole.estimated, whole.continued, len(whole.tries)) == (False, False, 1)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.code)
@pytest.mark.parametrize("recovery", [ERROR, CONTINUE, BUFFER, RESTART])
def test_before_anything_was_shown_the_next_llm_answers_in_silence(
    run: FakeRun, fault: Exception, recovery: str
) -> None:
    tools = llms(openai=FakeProvider([fault]), anthropic=FakeProvider(ANSWER))

    whole = Answering(question(recovery=recovery), tools, run).answer()
    shown = recovery != BUFFER

    assert (whole.sheet.text, run.text) == ("In the sea.", "In the sea." if shown else "")
    assert whole.step == SECOND
    assert [t.outcome for t in whole.tries] == ["failed", "served"]
    assert ([kind for kind, _ in run.told], whole.continued) == (["served"] * shown, False)


@pytest.mark.parametrize("how", [{"streamed": False}, {"recovery": BUFFER}], ids=str)
def test_where_nothing_is_shown_before_the_end_every_fault_falls_over(
    run: FakeRun, how: dict[str, Any]
) -> None:
    broken = FakeProvider([Delta("In a zoo"), UpstreamError("cut")])
    tools = llms(openai=broken, anthropic=FakeProvider(ANSWER))

    whole = Answering(question(**how), tools, run).answer()

    assert whole.sheet.text == "In the sea."
    assert (run.text, run.told) == ("", [])
    assert whole.tries[0].lost is not None


def test_after_content_an_error_ends_it_for_good(run: FakeRun) -> None:
    broken = FakeProvider([Delta("In the "), UpstreamError("cut")])
    spare = FakeProvider(ANSWER)

    with pytest.raises(FinalFailure) as failure:
        Answering(question(), llms(openai=broken, anthropic=spare), run).answer()

    assert isinstance(failure.value.cause, UpstreamError)
    assert spare.asked == []


def test_what_a_key_keeps_is_left_to_the_queue_to_run_again(run: FakeRun) -> None:
    broken = FakeProvider([Delta("In the "), UpstreamError("cut")])

    with pytest.raises(UpstreamError):
        Answering(question(reruns=True), llms(openai=broken), run).answer()


def test_to_continue_is_to_be_given_what_was_said_and_to_go_on_from_it(run: FakeRun) -> None:
    broken = FakeProvider([Delta("In the "), UpstreamError("cut")])
    other = FakeProvider([Delta("sea."), WHOLE])
    tools = llms(openai=broken, anthropic=other)

    whole = Answering(question(recovery=CONTINUE), tools, run).answer()

    assert run.text == whole.sheet.text == "In the sea."
    assert other.asked[0].messages == (
        *ASKED, {"role": "assistant", "content": "In the "}, {"role": "user", "content": GO_ON},
    )  # fmt: skip
    assert whole.continued
    assert run.told[1] == (
        "served", {"vendor": "anthropic", "model": "claude-3-haiku", "continued": True},
    )  # fmt: skip


def test_to_continue_asks_the_same_llms_again_when_they_all_broke(run: FakeRun) -> None:
    openai = FakeProvider([Delta("In "), UpstreamError("cut")], [Delta("sea."), WHOLE])
    anthropic = FakeProvider([Delta("the "), UpstreamError("cut")])

    whole = Answering(
        question(recovery=CONTINUE), llms(openai=openai, anthropic=anthropic), run
    ).answer()

    assert run.text == whole.sheet.text == "In the sea."
    assert len(whole.tries) == 3


def test_nobody_goes_on_from_half_a_tool_call(run: FakeRun) -> None:
    broken = FakeProvider([ToolDelta(0, '{"a"', "call_1", "look"), UpstreamError("cut")])

    with pytest.raises(FinalFailure):
        Answering(question(recovery=CONTINUE), llms(openai=broken), run).answer()


def test_to_restart_is_to_take_back_what_was_said_in_the_open(run: FakeRun) -> None:
    broken = FakeProvider([Delta("In a zoo"), UpstreamError("cut")])
    tools = llms(openai=broken, anthropic=FakeProvider(ANSWER))

    whole = Answering(question(recovery=RESTART), tools, run).answer()

    assert [kind for kind, _ in run.told] == ["served", "restart", "served"]
    assert whole.sheet.text == "In the sea."


def test_an_end_without_a_terminal_event_is_a_fault(run: FakeRun) -> None:
    tools = llms(openai=FakeProvider([]), anthropic=FakeProvider(ANSWER))

    assert Answering(question(), tools, run).answer().step == SECOND


def test_an_empty_answer_is_a_fault_unless_there_is_a_reason_for_it(run: FakeRun) -> None:
    empty = FakeProvider([Finish("stop", USED)])
    tools = llms(openai=empty, anthropic=FakeProvider(ANSWER))

    assert Answering(question(), tools, run).answer().step == SECOND
    filtered = FakeProvider([Finish("content_filter", USED)])
    assert Answering(question(), llms(openai=filtered), run).answer().reason == "content_filter"


def test_when_nobody_is_left_the_last_fault_is_for_the_queue(run: FakeRun) -> None:
    tools = llms(openai=FakeProvider([FAULTS[0]]), anthropic=FakeProvider([FAULTS[2]]))

    with pytest.raises(UpstreamRateLimited) as raised:
        Answering(question(), tools, run).answer()

    assert raised.value.retry_after == 7


def test_a_request_the_vendor_finds_wrong_goes_to_nobody_else(run: FakeRun) -> None:
    spare = FakeProvider(ANSWER)
    tools = llms(openai=FakeProvider([UpstreamRefused("bad tool")]), anthropic=spare)

    with pytest.raises(UpstreamRefused):
        Answering(question(), tools, run).answer()
    assert spare.asked == []


def test_a_conversation_too_long_goes_to_a_wider_window_and_trips_no_breaker(
    run: FakeRun,
) -> None:
    tools = llms(openai=FakeProvider([ContextTooLong("long")]), anthropic=FakeProvider(ANSWER))

    assert Answering(question(), tools, run).answer().step == SECOND
    assert tools.breakers.reports == [("gpt-4o-mini", False), ("claude-3-haiku", False)]


def test_an_open_breaker_is_passed_over(run: FakeRun) -> None:
    sick = FakeProvider(ANSWER)
    tools = llms(openai=sick, anthropic=FakeProvider(ANSWER))
    tools.breakers.open.add(Circuit("openai", "gpt-4o-mini"))

    assert Answering(question(), tools, run).answer().step == SECOND
    assert sick.asked == []


def test_an_own_key_goes_to_its_vendor_alone_and_tells_no_breaker(run: FakeRun) -> None:
    own = FakeProvider(ANSWER)
    tools = llms(own={"openai": own}, openai=FakeProvider([FAULTS[0]]))
    tools.breakers.open.add(Circuit("openai", "gpt-4o-mini"))

    whole = Answering(replace(question(), key="sk-mine"), tools, run).answer()

    assert whole.step == FIRST
    assert own.asked[0].key == "sk-mine"
    assert tools.breakers.reports == []


TOLD = Counted(Tokens(input=9, output=1))


@pytest.mark.parametrize(
    ("pieces", "used"),
    [
        ([Delta("In the ")], Tokens(input=10, output=2)),
        ([TOLD, Delta("In the ")], Tokens(input=9, output=3)),
        ([Delta("In the "), TOLD], Tokens(input=9, output=1)),
    ],
    ids=["counted by us", "told at its start", "told at its end"],
)
def test_what_is_cancelled_leaves_what_was_written_and_used(
    database: Pool, pieces: list[Any], used: Tokens
) -> None:
    run = FakeRun(stops=Cancelled(), after=len(pieces))
    provider = FakeProvider([*pieces, Delta("sea."), WHOLE])

    with pytest.raises(CutShort) as cut:
        Answering(question(), llms(openai=provider), run).answer()

    whole = cut.value.whole
    assert whole is not None
    assert (whole.sheet.text, whole.reason, whole.estimated) == ("In the ", "cancelled", True)
    assert whole.tokens == used
    assert provider.closed == 1


def test_what_is_cancelled_before_a_word_came_leaves_nothing(database: Pool) -> None:
    run = FakeRun(stops=Cancelled())

    with pytest.raises(CutShort) as cut:
        Answering(question(), llms(openai=FakeProvider(ANSWER)), run).answer()

    assert cut.value.whole is None


@pytest.mark.parametrize("reason", [LeaseLost(), GivenBack(), DeadlineExceeded()], ids=repr)
def test_a_socket_that_was_shut_because_the_run_must_stop_is_no_fault(
    database: Pool, reason: Exception
) -> None:
    run = FakeRun(stops=reason, after=0)
    spare = FakeProvider(ANSWER)
    tools = llms(openai=FakeProvider([UpstreamError("shut down")]), anthropic=spare)

    with pytest.raises(type(reason)):
        Answering(question(), tools, run).answer()
    assert spare.asked == []


def test_after_a_lost_worker_nothing_is_glued_to_what_it_had_shown(run: FakeRun) -> None:
    run.has_shown = True
    provider = FakeProvider(ANSWER)

    for how in ({}, {"recovery": CONTINUE}):
        with pytest.raises(FinalFailure):
            Answering(question(**how), llms(openai=provider), run).answer()
    assert provider.asked == []
    for how in ({"reruns": True}, {"recovery": BUFFER}, {"recovery": RESTART}, {"streamed": False}):
        assert Answering(question(**how), llms(openai=provider), run).answer()


def test_thinking_and_tool_calls_are_written_down_and_shown(run: FakeRun) -> None:
    pieces = [
        Reasoning("hm"), ToolDelta(0, "", "call_1", "look"), ToolDelta(0, '{"at":'),
        ToolDelta(0, "1}"), ToolDelta(1, "{}", "call_2", "ask"), Finish("tool_calls", USED),
    ]  # fmt: skip

    whole = Answering(question(), llms(openai=FakeProvider(pieces)), run).answer()

    assert whole.sheet.tool_calls() == (
        ToolCall(id="call_1", name="look", arguments='{"at":1}'),
        ToolCall(id="call_2", name="ask", arguments="{}"),
    )
    assert run.sayings[0] == Saying("reasoning", "hm")
    assert [s.index for s in run.sayings if s.kind == "tool"] == [0, 0, 0, 1]


def test_without_a_word_from_the_vendor_usage_is_counted_and_says_so(run: FakeRun) -> None:
    silent = FakeProvider([Delta("In the sea."), Finish("stop", None)])

    whole = Answering(question(), llms(openai=silent), run).answer()

    assert (whole.tokens, whole.estimated) == (Tokens(input=10, output=4), True)

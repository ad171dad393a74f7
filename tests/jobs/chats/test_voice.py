"""What chat clients are told of an answer's events: the same from every cursor, and never a lie."""

import json
import random
from typing import Any

import pytest

from jobs.chats.voice import ChatVoice
from jobs.llms.ask import ERROR, RESTART
from jobs.streams import END, FINAL_SNAPSHOT, PER_ATTEMPT
from models.kernel.errors import Unavailable
from tests.jobs.wires.flows import begun, thrown

SEEDS = range(25)
ENDING = '"message_id":"msg_1","cost_cents":2}'
Frames = list[tuple[int | None, dict[str, Any]]]


def frames(events: list[dict[str, Any]], after: int | None = None, recovery: str = ERROR) -> Frames:
    """Return what a client is told: ids, where they are shown, and parts."""
    voice = ChatVoice("msg_1", "job_1", recovery=recovery, after=after)
    told = [frame for event in events for frame in voice.hear(event)]
    cursor = -1 if after is None else after
    return [read(frame.text) for frame in told if frame.number > cursor]


def read(text: str) -> tuple[int | None, dict[str, Any]]:
    lines = text.split("\n")
    ids = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    return ids[0] if ids else None, json.loads(lines[-1].removeprefix("data: "))


def cursors(told: Frames) -> list[int]:
    """Return the ids a client may have seen last, but for the last one of all."""
    return [number for number, _ in told[:-1] if number is not None]


def shown(told: Frames, before: str = "") -> str:
    """Return what a client shows that does as it is told."""
    text = before
    for _, part in told:
        if part["type"] == "chunk":
            text += part["content"]
        elif part["type"] in {"snapshot", "restart"}:
            text = part.get("content", "")
    return text


def ended(flow: Any, **other: Any) -> list[dict[str, Any]]:
    """Return a whole stream, from the event that every reader begins with."""
    start = {"seq": 0, "type": "status", "status": "queued", "attempt": 0}
    return [start, *flow.end(citations=[], **other)]


def broken_once(seed: int) -> tuple[list[dict[str, Any]], str]:
    """Return a stream in which an answer is begun anew, and the text that counts."""
    again = begun(attempt=2).say("Once ", "more ", "and ", "whole.")
    return [*ended(thrown(seed))[:-1], *ended(again)[1:]], again.text


def test_the_events_are_those_of_the_requirements_to_the_letter() -> None:
    flow = begun().say("Hel", "lo").tell("tokens", input=50, output=10)
    events = ended(flow, usage={"costNanoUsd": "20000000"})
    voice = ChatVoice("msg_1", "job_1", recovery=ERROR, after=None)

    lines = [frame.text for event in events for frame in voice.hear(event)]

    assert lines == [
        'retry: 1000\nid: 0\ndata: {"type":"start","message_id":"msg_1","job_id":"job_1"}',
        'id: 1000001\ndata: {"type":"typing"}',
        'id: 1000003\ndata: {"type":"chunk","content":"Hel"}',
        'id: 1000004\ndata: {"type":"chunk","content":"lo"}',
        'id: 1000005\ndata: {"type":"tokens","input":50,"output":10}',
        'data: {"type":"tokens","input":100,"output":20}',
        f'id: 1999999\ndata: {{"type":"done","finish_reason":"stop",{ENDING}',
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_is_the_same_frames_from_every_cursor_on(seed: int) -> None:
    events = ended(thrown(seed))
    whole = frames(events)

    for cursor in cursors(whole):
        place = [number for number, _ in whole].index(cursor)
        assert frames(events, cursor) == whole[place + 1 :]


@pytest.mark.parametrize("recovery", [ERROR, RESTART])
@pytest.mark.parametrize("seed", SEEDS)
def test_two_attempts_are_never_glued_wherever_a_client_is_cut(seed: int, recovery: str) -> None:
    dice = random.Random(seed)
    events, wanted = broken_once(seed)
    text, cursor, last = "", None, dict[str, Any](type="")
    while last["type"] != "done":
        arrived = frames(events, cursor, recovery)
        arrived = arrived[: dice.randrange(1, len(arrived) + 1)]
        text, last = shown(arrived, text), arrived[-1][1]
        cursor = next((number for number, _ in arrived[::-1] if number is not None), cursor)

    assert text == wanted, (seed, recovery)


def test_what_broke_off_is_an_error_and_then_a_snapshot() -> None:
    events, text = broken_once(3)
    first = frames(events)

    assert (first[-1][1]["type"], first[-1][1]["retryable"]) == ("error", True)
    rest = frames(events, first[-1][0])
    assert rest[1][1] == {"type": "snapshot", "content": "Once "}
    assert shown(rest, "the old words") == text


@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_lost_stream_everybody_has_the_answer_whole(seed: int) -> None:
    dice = random.Random(seed)
    flow = begun().say("In ", "the ", "cold ", "sea.")
    events = ended(flow)
    whole = frames(events)
    cursor = dice.choice(cursors(whole))
    before = shown(whole[: [number for number, _ in whole].index(cursor) + 1])
    number = PER_ATTEMPT + FINAL_SNAPSHOT
    lost = [events[0], {"seq": number, "type": "snapshot", "result": flow.result(citations=[])}]
    left = [*lost, events[-1]]

    for how in (left, [events[0], events[-1]]):
        assert shown(frames(how, cursor), before) == flow.text
        assert shown(frames(how)) == flow.text
        assert frames(how)[-1][1]["type"] == "done"


def test_who_is_cut_after_what_was_made_up_has_the_rest_of_the_end_once() -> None:
    flow = begun().say("In the cold sea.")
    events = ended(flow)
    lost = [events[0], events[-1]]
    (place,) = [i for i, (_, part) in enumerate(frames(lost)) if part["type"] == "chunk"]
    made_up = frames(lost)[place]

    rest = frames(lost, made_up[0])

    assert made_up[1]["content"] == flow.text
    assert [part["type"] for _, part in rest] == ["tokens", "done"]


def test_a_client_that_missed_nothing_of_a_rewritten_stream_gets_the_rest_as_a_chunk() -> None:
    flow = begun().say("a", "b")
    rewritten = {**flow.snapshot(), "text": "abc"}
    events = [*ended(flow)[:-2], rewritten]

    told = frames(events)

    assert told[-1][1] == {"type": "chunk", "content": "c"}


def test_the_end_is_told_again_to_who_has_it() -> None:
    events = ended(begun().say("a"))

    for cursor in (PER_ATTEMPT + END, 10**14):
        assert [part["type"] for _, part in frames(events, cursor)] == ["done"]


def test_failures_and_cancels_end_a_stream_as_what_they_are() -> None:
    failed = frames(begun().say("a").failed())[-1][1]
    cut = begun().say("a")
    kept = {"result": cut.result("cancelled", citations=[]), "error": {"code": "CANCELLED"}}
    seq = PER_ATTEMPT + END
    events = [*cut.events, {"seq": seq, "type": "end", "status": "cancelled", "job": kept}]
    waiting = frames(begun().failed("CANCELLED", "cancelled"))[-1][1]

    assert (failed["type"], failed["code"], failed["retryable"]) == (
        "error",
        "UPSTREAM_ERROR",
        True,
    )
    assert frames(events)[-1][1]["finish_reason"] == "cancelled"
    assert (waiting["type"], waiting["cost_cents"]) == ("done", 0)


def test_citations_warnings_thinking_and_tools_are_told_beside_the_text() -> None:
    flow = begun().think("hm").say("a").use("look", "{", "}")
    cited = {"page": 3, "excerpt": "cold sea"}
    warned = {"code": "FORMAT", "message": "no"}
    parts = [p for _, p in frames([*flow.end(citations=[cited], warnings=[warned])])]

    assert [part["type"] for part in parts] == [
        "typing", "reasoning", "chunk", "tool_call", "tool_call", "citation", "warning", "tokens",
        "done",
    ]  # fmt: skip
    assert parts[3] == {
        "type": "tool_call", "index": 0, "id": "call_0", "name": "look", "arguments": "{",
    }  # fmt: skip
    assert parts[5] == {"type": "citation", **cited}


def test_a_warning_that_was_told_at_once_is_not_told_at_the_end_again() -> None:
    warned = {"code": "SAFETY", "category": "illegal", "message": "careful"}
    flow = begun().tell("warning", **warned).say("a")
    at_once = [p for _, p in frames(ended(flow, warnings=[warned])) if p["type"] == "warning"]
    lost = [ended(flow)[0], ended(flow, warnings=[warned])[-1]]
    at_last = [p for _, p in frames(lost) if p["type"] == "warning"]

    assert at_once == at_last == [{"type": "warning", **warned}]


def test_a_voice_that_is_made_to_fail_says_that_a_later_try_may_help() -> None:
    voice = ChatVoice("msg_1", "job_1", recovery=ERROR, after=7)
    (frame,) = voice.fail(Unavailable("away"))

    assert frame.number > 7
    assert '"retryable":true' in frame.text
    assert voice.has_ended

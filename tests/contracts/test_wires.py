"""What every wire promises of its streams: the same bytes again, from anywhere, and never a lie."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs.streams import FINAL_SNAPSHOT, PER_ATTEMPT
from jobs.wires.wire import Wire
from jobs.wires.wires import WIRES, wire_named
from models.kernel.errors import Unavailable, UpstreamError
from tests.jobs.wires.flows import (
    answer_of,
    begun,
    call,
    content_of,
    data_of,
    is_error,
    is_whole,
    shown,
    tangled,
    texts,
    thrown,
    told,
)

SEEDS = range(25)


@pytest.fixture(params=sorted(WIRES))
def wire(request: pytest.FixtureRequest) -> Wire:
    return wire_named(request.param)


@pytest.mark.parametrize("throw", [lambda s: thrown(s).end(), tangled], ids=["tidy", "tangled"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_is_the_same_bytes_from_every_cursor_on(
    wire: Wire, throw: Callable[[int], list[dict[str, Any]]], seed: int
) -> None:
    events = throw(seed)
    whole = told(wire, events)

    for cursor in {frame.number for frame in whole}:
        before = [frame for frame in whole if frame.number <= cursor]
        assert before + told(wire, events, cursor) == whole


@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_cut_off_anywhere_misses_nothing_and_hears_nothing_twice(
    wire: Wire, seed: int
) -> None:
    dice = random.Random(seed)
    flow = thrown(seed)
    got: list[str] = []
    cursor = None
    for _ in range(6):
        sent = texts(told(wire, flow.end(), cursor))
        arrived = sent[: dice.randrange(len(sent) + 1)]
        got += arrived
        cursor = next((n for n in map(shown, map(data_of, arrived[::-1])) if n), cursor)
    got += texts(told(wire, flow.end(), cursor))

    assert content_of(got) == flow.text


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_only_grow_and_the_last_of_an_event_shows_it(wire: Wire, seed: int) -> None:
    frames = told(wire, thrown(seed).end())
    numbers = [frame.number for frame in frames]

    assert numbers == sorted(numbers)
    for number in set(numbers):
        shows = [shown(data_of(frame)) for frame in frames if frame.number == number]
        if frames[-1].text != "data: [DONE]" or number != numbers[-1]:
            assert shows == [None] * (len(shows) - 1) + [number]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_word_is_told_and_then_that_it_is_whole(wire: Wire, seed: int) -> None:
    flow = thrown(seed)
    frames = told(wire, flow.end())

    assert content_of(frames) == flow.text
    assert [is_whole(frame) for frame in frames].count(True) == 1
    assert is_whole(frames[-1])
    assert not any(map(is_error, frames))


def test_no_line_breaks_the_official_clients(wire: Wire) -> None:
    frames = told(wire, thrown(1).end())
    lines = [line for frame in frames for line in frame.text.split("\n")]

    assert {line.partition(":")[0] for line in lines} <= {"event", "data"}
    assert wire.heartbeat.split(":")[0] in {"", "event"}


def test_what_a_wire_does_not_know_is_not_told(wire: Wire) -> None:
    flow = begun().say("a")
    noisy = begun().say("a")
    for kind in ("citation", "warning", "tokens", "typing", "heartbeat", "progress", "delta"):
        noisy.tell(kind, text="")

    assert texts(told(wire, noisy.end())) == texts(told(wire, flow.end()))


def lost_of(flow: Any, how: str) -> list[dict[str, Any]]:
    """Return the events that are left of a stream that was lost before its end."""
    if how == "snapshot":
        flow.snapshot()
        return [flow.events[-1], flow.end()[-1]]
    end = flow.end()[-1]
    if how == "end":
        return [end]
    seq = PER_ATTEMPT + FINAL_SNAPSHOT
    return [{"seq": seq, "type": "snapshot", "result": flow.result()}, end]


LOST = pytest.mark.parametrize("how", ["snapshot", "result", "end"])


@LOST
@pytest.mark.parametrize("seed", SEEDS)
def test_who_was_told_nothing_hears_a_lost_stream_whole(wire: Wire, how: str, seed: int) -> None:
    flow = thrown(seed)
    frames = told(wire, lost_of(flow, how))

    assert content_of(frames) == flow.text
    assert is_whole(frames[-1])


@LOST
@pytest.mark.parametrize("name", ["chat", "messages"])
def test_who_was_told_what_makes_up_for_a_lost_stream_resumes_after_it(name: str, how: str) -> None:
    events = lost_of(begun().think("hm").say("a").use("look", "{}"), how)
    whole = told(wire_named(name), events)

    for cursor in {frame.number for frame in whole}:
        before = [frame for frame in whole if frame.number <= cursor]
        assert before + told(wire_named(name), events, cursor) == whole


@LOST
def test_who_was_told_something_of_a_lost_stream_gets_an_error(wire: Wire, how: str) -> None:
    flow = begun().say("a", "b")
    cursor = told(wire, flow.events)[-1].number
    flow.say("c")
    frames = told(wire, lost_of(flow, how), cursor)

    assert [is_error(frame) for frame in frames] == [True]


@LOST
def test_who_listens_while_a_stream_is_lost_hears_only_the_rest(wire: Wire, how: str) -> None:
    flow = begun().think("hm").say("one ")
    live = list(flow.events)
    flow.say("two").use("look", "{}")
    frames = told(wire, [*live, *lost_of(flow, how)])

    assert content_of(frames) == "one two"
    assert is_whole(frames[-1])


@pytest.mark.parametrize("other", ["another", "on"], ids=["other words", "fewer words"])
def test_an_answer_that_is_not_what_was_told_is_never_called_whole(wire: Wire, other: str) -> None:
    flow = begun().say("one", " two")
    frames = told(wire, flow.end(content=other))

    assert is_error(frames[-1])
    assert not any(map(is_whole, frames))


def test_a_tool_call_that_is_not_what_was_told_is_an_error(wire: Wire) -> None:
    flow = begun().use("look", "{}")
    fewer = told(wire, flow.end(toolCalls=[]))
    other = told(wire, flow.end(toolCalls=[{"id": "x", "name": "look", "arguments": "{}"}]))

    assert is_error(fewer[-1])
    assert is_error(other[-1])


def test_a_restart_before_anything_was_said_is_not_noticed(wire: Wire) -> None:
    quiet = begun(1).tell("status", status="queued").events
    frames = told(wire, [*quiet, *begun(2).say("a").end()])

    assert content_of(frames) == "a"
    assert is_whole(frames[-1])


def test_words_cannot_be_taken_back_so_a_restart_is_an_error(wire: Wire) -> None:
    events = [*begun(1).say("a").events, *begun(2).say("b").end()]
    frames = told(wire, events)

    assert content_of(frames) == "a"
    assert is_error(frames[-1])
    assert not any(map(is_whole, frames))


def test_who_resumes_after_a_restart_is_not_glued_to_what_came_before(wire: Wire) -> None:
    first = begun(1).say("a", "b")
    cursor = told(wire, first.events)[-1].number
    second = begun(2).say("c").end()
    for events in (second, [*first.events, *second]):
        frames = told(wire, events, cursor)
        assert [is_error(frame) for frame in frames] == [True]


def test_who_was_told_the_second_attempt_resumes_it(wire: Wire) -> None:
    first, second = begun(1).say("a"), begun(2).say("b", "c").end()
    frames = told(wire, second)
    for cursor in {frame.number for frame in frames if shown(data_of(frame))}:
        rest = [frame for frame in frames if frame.number > cursor]
        if cursor > 1:
            assert told(wire, [*first.events, *second], cursor) == rest
        assert told(wire, second, cursor) == rest


def test_the_numbers_of_two_attempts_are_never_the_same(wire: Wire) -> None:
    first = told(wire, begun(1).say("a").events)
    second = told(wire, begun(2).say("b").end())

    assert not {f.number for f in first if f.number > 1} & {f.number for f in second}


@pytest.mark.parametrize("code", ["UPSTREAM_ERROR", "CANCELLED", "UPSTREAM_TIMEOUT", "NO_SUCH"])
def test_a_job_that_failed_ends_in_an_error_and_nothing_after_it(wire: Wire, code: str) -> None:
    flow = begun().say("half")
    voice = wire.voice(call())
    frames = [frame for event in flow.failed(code) for frame in voice.hear(event)]

    assert is_error(frames[-1])
    assert not any(map(is_whole, frames))
    assert voice.has_ended
    assert voice.hear(flow.end()[-1]) == ()


def test_a_stream_that_is_given_up_ends_in_an_error_above_every_cursor(wire: Wire) -> None:
    flow = begun().say("half")
    heard = told(wire, flow.events)
    fresh, back = wire.voice(call()), wire.voice(call(), heard[-1].number)
    for event in flow.events:
        fresh.hear(event)
        back.hear(event)
    last = Unavailable("the server is going away")

    for voice in (fresh, back):
        (frame,) = voice.fail(last)
        assert is_error(frame)
        assert frame.number > heard[-1].number
        assert voice.has_ended


def test_an_end_that_is_none_says_to_come_back(wire: Wire) -> None:
    flow = begun().say("half").tell("end", status="running", resumable=True)

    assert is_error(told(wire, flow.events)[-1])


def test_an_answer_without_a_word_is_whole(wire: Wire) -> None:
    frames = told(wire, begun().end("content_filter"))

    assert content_of(frames) == ""
    assert is_whole(frames[-1])


def ids_in(value: Any) -> Iterator[str]:
    """Yield every answer's id there is."""
    if isinstance(value, dict):
        yield from (v for k, v in value.items() if k == "id" and "0193f0c0" in str(v))
        for inner in value.values():
            yield from ids_in(inner)


def test_streams_and_bodies_name_the_same_answer_and_job(wire: Wire) -> None:
    events = begun().say("a").end()
    body = wire.body_of(call(), answer_of(events))
    frames = told(wire, events)

    assert body["id"] in {found for frame in frames for found in ids_in(data_of(frame))}
    assert body["x_ilm"]["job_id"] == call().job_id
    assert body["x_ilm"]["cost_nano_usd"] == "12345"
    assert any('"cost_nano_usd":"12345"' in frame.text for frame in frames[-3:])


def test_an_error_has_a_body(wire: Wire) -> None:
    body = wire.error_body(UpstreamError("it broke"), "req_1")

    assert body["error"]["message"] == "it broke"

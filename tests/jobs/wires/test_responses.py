"""Responses: answers, and streams as OpenAI's own client reads them."""

import json
from typing import Any

import openai
import pytest

from jobs.wires.lists import page_of
from jobs.wires.responses import Responses
from jobs.wires.responses_input import input_items_of
from jobs.wires.responses_output import cancelled_body, failed_body, pending_body
from models.kernel.errors import RateLimitExceeded, UpstreamError
from tests.jobs.wires.flows import HEX, answer_of, begun, call, texts, thrown, told
from tests.jobs.wires.loopback import Loopback

WIRE = Responses()


def kinds(frames: list[str]) -> list[str]:
    return [text.partition("\n")[0].removeprefix("event: response.") for text in frames]


def test_a_whole_answer_reads_as_openai_wrote_it(client: openai.OpenAI, server: Loopback) -> None:
    events = begun().think("hm").say("yes").use("look", '{"q":1}').end()
    asked = {"instructions": "be kind", "metadata": {"a": "b"}, "temperature": 0.5}
    server.answers(WIRE.body_of(call(**asked), answer_of(events)))

    answer = client.responses.create(model="x", input="hello")

    assert (answer.id, answer.object, answer.status) == (f"resp_{HEX}", "response", "completed")
    assert [item.type for item in answer.output] == ["reasoning", "message", "function_call"]
    assert [item.id for item in answer.output] == [f"rs_{HEX}_0", f"msg_{HEX}_1", f"fc_{HEX}_2"]
    assert (answer.output_text, answer.output[2].arguments) == ("yes", '{"q":1}')
    assert (answer.model, answer.instructions, answer.temperature) == ("served", "be kind", 0.5)
    assert (answer.metadata, answer.store, answer.background) == ({"a": "b"}, True, False)
    assert answer.usage.input_tokens_details.cached_tokens == 40
    assert answer.usage.output_tokens_details.reasoning_tokens == 7
    assert (answer.usage.total_tokens, answer.error, answer.incomplete_details) == (120, None, None)


@pytest.mark.parametrize(
    ("reason", "why"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_an_answer_that_was_cut_is_incomplete_both_ways(reason: str, why: str) -> None:
    events = begun().think("hm").say("half").end(reason)
    whole = WIRE.body_of(call(), answer_of(events))
    last = json.loads(texts(told(WIRE, events))[-1].partition("data: ")[2])

    assert (whole["status"], whole["incomplete_details"]) == ("incomplete", {"reason": why})
    assert [item["status"] for item in whole["output"]] == ["completed", "incomplete"]
    assert (last["type"], last["response"]) == ("response.incomplete", whole)


@pytest.mark.parametrize("seed", range(25))
def test_a_stream_put_together_by_openais_client_is_the_whole_answer(
    client: openai.OpenAI, server: Loopback, seed: int
) -> None:
    events = thrown(seed).end()
    server.answers(WIRE.body_of(call(), answer_of(events)))
    whole = client.responses.create(model="x", input="hello")
    server.streams(told(WIRE, events))
    with client.responses.stream(model="x", input="hello") as stream:
        folded = stream.get_final_response()

    assert plain(folded) == plain(whole)


def plain(answer: openai.types.responses.Response) -> dict[str, Any]:
    known = answer.model_dump(mode="json", warnings=False)
    for item in known["output"]:
        item.pop("parsed_arguments", None)
        for part in item.get("content") or ():
            part.pop("parsed", None)
    return known


def test_events_come_in_openais_order_and_are_numbered_from_nought() -> None:
    frames = told(WIRE, begun().think("h", "m").say("a", "b").use("look", "{", "}").end())

    assert [frame.number for frame in frames[:2]] == [0, 1]
    assert [frame.number for frame in frames[2:]] == list(range(2, len(frames)))
    assert kinds(texts(frames)) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_a_response_is_created_before_anything_is_known_of_it() -> None:
    voice = WIRE.voice(call())
    frames = voice.hear({"seq": 0, "type": "status", "status": "queued", "attempt": 0})

    assert kinds(texts(frames)) == ["created", "in_progress"]
    assert voice.hear({"seq": 1_000_001, "type": "status", "status": "running"}) == []


def test_openais_client_resumes_by_reading_from_the_start(
    client: openai.OpenAI, server: Loopback
) -> None:
    server.streams(told(WIRE, begun().say("a", "b", "c").end()))
    with client.responses.stream(response_id="resp_x", starting_after=4) as stream:
        numbers = [event.sequence_number for event in stream]
        assert stream.get_final_response().output_text == "abc"

    assert numbers == list(range(5, 11))


@pytest.mark.parametrize(
    ("code", "status"), [("UPSTREAM_ERROR", "failed"), ("CANCELLED", "cancelled")]
)
def test_a_stream_that_breaks_ends_in_a_failed_response(
    client: openai.OpenAI, server: Loopback, code: str, status: str
) -> None:
    server.streams(told(WIRE, begun().say("half").failed(code, status)))
    with client.responses.stream(model="x", input="hello") as stream:
        events = list(stream)
        with pytest.raises(RuntimeError, match=r"response\.completed"):
            stream.get_final_response()

    assert (events[-1].type, events[-1].response.status) == ("response.failed", status)
    assert events[-1].response.error.message == "it broke"
    assert events[-1].response.output_text == "half"


def test_a_stream_that_breaks_at_once_is_created_first() -> None:
    frames = WIRE.voice(call()).fail(UpstreamError("away"))

    assert kinds(texts(frames)) == ["created", "in_progress", "failed"]


def test_several_calls_written_at_once_are_told_apart() -> None:
    flow = begun()
    flow.tools = [{"id": n, "name": "look", "arguments": '{"a":1}'} for n in "ab"]
    for index, name in enumerate("ab"):
        flow.tell("tool", index=index, id=name, name="look", arguments='{"a"')
    for index in (1, 0):
        flow.tell("tool", index=index, arguments=":1}")
    data = [json.loads(text.partition("data: ")[2]) for text in texts(told(WIRE, flow.end()))]
    done = [d["item"] for d in data if d["type"] == "response.output_item.done"]

    assert [(item["call_id"], item["arguments"]) for item in done] == [
        ("a", '{"a":1}'),
        ("b", '{"a":1}'),
    ]


def test_a_response_is_shown_in_every_state(client: openai.OpenAI, server: Loopback) -> None:
    states = {
        "queued": pending_body(call(), "queued"),
        "in_progress": pending_body(call(), "in_progress"),
        "cancelled": cancelled_body(call()),
        "failed": failed_body(call(), UpstreamError("it broke")),
    }
    for status, state in states.items():
        server.answers(state)
        answer = client.responses.retrieve("resp_x")
        assert (answer.id, answer.status, answer.output_text) == (f"resp_{HEX}", status, "")

    assert states["failed"]["error"] == {"code": "server_error", "message": "it broke"}
    limited = failed_body(call(), RateLimitExceeded())
    assert limited["error"]["code"] == "rate_limit_exceeded"


def test_what_was_sent_is_listed_page_by_page() -> None:
    asked = [{"role": "user", "content": "a"}, {"type": "reasoning", "id": "rs_1", "summary": []}]
    items = input_items_of(call(input=asked))
    first = page_of(items, limit=1)
    second = page_of(items, after=first["last_id"])

    assert first["data"][0]["content"] == [{"type": "input_text", "text": "a"}]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [item["id"] for item in second["data"]] == ["rs_1"]
    assert input_items_of(call(input="a"))[0]["content"] == first["data"][0]["content"]

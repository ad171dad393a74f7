"""Where OpenAI-shaped vendors are not of OpenAI's shape."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from models.kernel.errors import UpstreamError, UpstreamKeyRefused
from models.llms import vendors
from tests.fakes.vendor.scripts import Script
from tests.fakes.vendor.vendor import FakeVendor
from tests.providers import Read, never, provider, read, request
from workers.adapters.llms.openai_shaped import OpenAIShaped
from workers.adapters.llms.sockets import Exchange


@pytest.fixture(scope="module")
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor() as running:
        yield running


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with closing(Exchange()) as exchange:
        yield exchange


def answered(
    vendor: FakeVendor, exchange: Exchange, *deltas: dict[str, Any], reason: str = "stop"
) -> Read:
    """Return the answer that deltas are read as."""
    chunks = [{"choices": [{"delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"choices": [{"delta": {}, "finish_reason": reason}]})
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    vendor.script("m", Script(body=body.encode()))
    return read(provider("openai", vendor, exchange).stream(request(), never))


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "so", "content": None},
        {"reasoning": "so", "content": ""},
        {"reasoning": "so", "reasoning_content": "so"},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "so"}]}]},
    ],
    ids=["DeepSeek", "OpenRouter", "both", "Mistral"],
)
def test_thinking_is_found_wherever_a_vendor_puts_it(
    delta: dict[str, Any], vendor: FakeVendor, exchange: Exchange
) -> None:
    answer = answered(vendor, exchange, delta, {"content": [{"type": "text", "text": "walrus"}]})

    assert (answer.reasoning, answer.text) == ("so", "walrus")


def test_calls_that_all_claim_to_be_the_first_are_told_apart_by_their_ids(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    calls = [
        {"index": 0, "id": place, "function": {"name": "find", "arguments": f'{{"q":{at}}}'}}
        for at, place in enumerate(("a", "b"))
    ]

    answer = answered(vendor, exchange, *({"tool_calls": [call]} for call in calls))

    assert answer.tools == {0: ["find", '{"q":0}'], 1: ["find", '{"q":1}']}


def test_an_id_told_again_with_each_piece_begins_no_new_call(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    pieces = [
        {"index": 0, "id": "0", "function": {"name": "find", "arguments": part}}
        for part in ("", '{"q"', ":0}")
    ]

    answer = answered(vendor, exchange, *({"tool_calls": [piece]} for piece in pieces))

    assert answer.tools == {0: ["find", '{"q":0}']}


def test_an_answer_that_stops_at_a_tool_call_says_so(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    call = {"function": {"name": "find", "arguments": {"q": 1}}}

    answer = answered(vendor, exchange, {"tool_calls": [call]}, reason="stop")

    assert answer.finish is not None
    assert (answer.finish.reason, answer.tools) == ("tool_calls", {0: ["find", '{"q": 1}']})


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter: SAFETY", "content_filter"),
    ],
)
def test_ends_are_told_in_four_words(
    told: str, reason: str, vendor: FakeVendor, exchange: Exchange
) -> None:
    answer = answered(vendor, exchange, {"content": "x"}, reason=told)

    assert answer.finish is not None
    assert answer.finish.reason == reason


@pytest.mark.parametrize("told", ["error", "insufficient_system_resource", "aborted"])
def test_an_end_that_is_none_is_a_fault(told: str, vendor: FakeVendor, exchange: Exchange) -> None:
    with pytest.raises(UpstreamError, match="broke its answer off"):
        answered(vendor, exchange, {"content": "half"}, reason=told)


def test_a_tool_call_the_vendor_could_not_read_is_no_fault_of_the_request(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    error = {"message": "Tool call validation failed", "type": "invalid_request_error"}
    chunk = {"error": {**error, "code": "tool_use_failed", "status_code": 400}}
    vendor.script("m", Script(body=f"data: {json.dumps(chunk)}\n\n".encode()))

    with pytest.raises(UpstreamError):
        read(provider("openai", vendor, exchange).stream(request(), never))


@pytest.mark.parametrize("shape", [[], 7, {"choices": 7}, {"choices": [{"delta": [1]}]}, {}])
def test_chunks_of_no_sense_are_never_an_answer(
    shape: Any, vendor: FakeVendor, exchange: Exchange
) -> None:
    vendor.script("m", Script(body=f"data: {json.dumps(shape)}\n\n".encode()))

    with pytest.raises(UpstreamError):
        read(provider("openai", vendor, exchange).stream(request(), never))


@pytest.mark.parametrize(
    ("name", "limit", "asks"),
    [
        ("openai", "max_completion_tokens", True),
        ("deepseek", "max_tokens", True),
        ("mistral", "max_tokens", False),
    ],
)
def test_what_a_vendor_wants_to_be_asked_is_data(
    name: str, limit: str, asks: bool, vendor: FakeVendor, exchange: Exchange
) -> None:
    vendor.reset()
    quirks = vendors()[name].quirks
    options = {"max_tokens": 9, "max_completion_tokens": 9, "stream": False}

    read(provider("openai", vendor, exchange, **quirks).stream(request(options=options), never))

    sent = vendor.meter("m").calls[0].body
    limits = {key: value for key, value in sent.items() if key.startswith("max_")}
    assert limits == {limit: 1_000}
    assert (sent["stream"], "stream_options" in sent) == (True, asks)


def test_marks_that_anthropic_alone_knows_are_left_out(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    vendor.reset()
    mark = {"cache_control": {"type": "ephemeral"}}
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
    said = {"type": "text", "text": "Where?"}
    answer = {"role": "tool", "tool_call_id": "c1", "content": "no such page"}
    asked = request(
        messages=(
            {"role": "user", "content": [{**said, **mark}]},
            {"role": "assistant", "content": None, "tool_calls": [{**call, **mark}]},
            {**answer, **mark, "is_error": True},
        ),
        options={"tools": [{**tool, **mark}], **mark, "thinking": {"type": "adaptive"}},
    )

    read(provider("openai", vendor, exchange).stream(asked, never))

    sent = vendor.meter("m").calls[0].body
    assert sent["messages"] == [
        {"role": "user", "content": [said]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        answer,
    ]
    assert sent["tools"] == [tool]
    assert not sent.keys() & {"cache_control", "thinking"}


@pytest.mark.parametrize(
    ("name", "refuses"),
    [("openai", True), ("google", True), ("mistral", True), ("qwen", False)],
)
def test_an_option_that_a_vendor_refuses_is_left_out(
    name: str, refuses: bool, vendor: FakeVendor, exchange: Exchange
) -> None:
    vendor.reset()
    asked = request(options={"top_k": 3, "thinking": {"type": "enabled"}})

    read(provider("openai", vendor, exchange, **vendors()[name].quirks).stream(asked, never))

    sent = vendor.meter("m").calls[0].body
    assert ("top_k" not in sent) is refuses
    assert sent["thinking"] == {"type": "enabled"}


def test_a_vendor_that_wants_no_key_is_sent_nobody_s(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    vendor.reset()
    ollama = OpenAIShaped(vendors()["ollama"], vendor.openai_address, "", exchange)

    read(ollama.stream(request(), never))

    assert vendor.meter("m").calls[0].headers["authorization"] == "Bearer -"


def test_a_key_that_is_refused_in_a_400_is_the_key_s_fault(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    error = [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID"}}]
    body = json.dumps(error).encode()
    vendor.script("m", Script(status=400, body=body, content_type="application/json"))

    with pytest.raises(UpstreamKeyRefused):
        read(provider("openai", vendor, exchange).stream(request(), never))

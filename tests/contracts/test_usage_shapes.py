"""The shapes in which vendors tell what a call used, each read to the last token.

The bodies are ours, of the shapes of real vendors; the recorded ones are run besides.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jobs.llms.provider import Tokens
from models.kernel.errors import UpstreamError
from tests.fakes.vendor.scripts import Script
from tests.fakes.vendor.vendor import FakeVendor
from tests.providers import Read, never, provider, read, request
from workers.adapters.llms.sockets import Exchange

SEEDS = range(5)
Chunk = dict[str, Any]


def said(text: str = "", reason: str | None = None, **more: Any) -> Chunk:
    """Return a chunk of a Chat stream."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}], **more}


def usage(prompt: int, completion: int, total: int | None = None, **more: Any) -> Chunk:
    total = prompt + completion if total is None else total
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    return {**counts, **more}


def stream(*chunks: Chunk, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def events(*told: Chunk) -> bytes:
    """Return a stream of Anthropic's."""
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in told]
    return "".join(lines).encode()


def message(start: Chunk, *ends: Chunk) -> bytes:
    """Return a message of two pieces, with the usage told at its start and at its end."""
    delta = {"type": "text_delta", "text": "Σ cold "}
    return events(
        {"type": "message_start", "message": {"usage": start}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_delta", "index": 0, "delta": {**delta, "text": "sea 🦭"}},
        {"type": "content_block_stop", "index": 0},
        *(
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": u}
            for u in ends
        ),
        {"type": "message_stop"},
    )


DETAILS = {"prompt_tokens_details": {"cached_tokens": 60}}
THOUGHT = {"completion_tokens_details": {"reasoning_tokens": 30}}
START = said("Σ cold "), said("sea 🦭")

CHAT: dict[str, tuple[bytes, Tokens | None]] = {
    "a last chunk without choices": (
        stream(*START, said(reason="stop"), {"choices": [], "usage": usage(100, 40, **DETAILS)}),
        Tokens(input=100, output=40, cached=60),
    ),
    "a last chunk with choices that are not empty": (
        stream(*START, said(reason="stop"), said(usage=usage(100, 40, **DETAILS))),
        Tokens(input=100, output=40, cached=60),
    ),
    "the chunk that finishes, and a cache told DeepSeek's way": (
        stream(*START, said(reason="stop", usage=usage(100, 40, prompt_cache_hit_tokens=60))),
        Tokens(input=100, output=40, cached=60),
    ),
    "every chunk, cumulative": (
        stream(
            said("Σ cold ", usage=usage(100, 10)),
            said("sea 🦭", usage=usage(100, 39)),
            said(reason="stop", usage=usage(100, 40)),
        ),
        Tokens(input=100, output=40),
    ),
    "thinking inside the completion": (
        stream(*START, said(reason="stop"), {"choices": [], "usage": usage(100, 40, **THOUGHT)}),
        Tokens(input=100, output=40, reasoning=30),
    ),
    "thinking beside the completion": (
        stream(*START, said(reason="stop", usage=usage(100, 10, 140, **THOUGHT))),
        Tokens(input=100, output=40, reasoning=30),
    ),
    "in x_groq": (
        stream(*START, said(reason="stop", x_groq={"id": "req_1", "usage": usage(100, 40)})),
        Tokens(input=100, output=40),
    ),
    "null until the end": (
        stream(said("Σ cold ", usage=None), said("sea 🦭", "stop", usage=usage(100, 40))),
        Tokens(input=100, output=40),
    ),
    "no usage at all": (stream(*START, said(reason="stop")), None),
    "no [DONE] after the end": (
        stream(*START, said(reason="stop", usage=usage(100, 40)), done=False),
        Tokens(input=100, output=40),
    ),
    "a server that does not split lines as others do": (
        b": hello\r\n\r\n" + stream(*START, said(reason="stop", usage=usage(1, 2))).replace(
            b"\n", b"\r\n"
        ),
        Tokens(input=1, output=2),
    ),
}  # fmt: skip

WARM = {
    "input_tokens": 10,
    "cache_read_input_tokens": 60,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
    "output_tokens": 1,
}
MESSAGES: dict[str, tuple[bytes, Tokens]] = {
    "at the start, and its output at the end": (
        message(WARM, {"output_tokens": 40}),
        Tokens(input=100, output=40, cached=60, written=20, written_long=10),
    ),
    "cumulative, more than once": (
        message(WARM, {"output_tokens": 20}, {"input_tokens": None, "output_tokens": 40}),
        Tokens(input=100, output=40, cached=60, written=20, written_long=10),
    ),
    "a breakdown of the first round alone": (
        message(WARM, {"cache_creation_input_tokens": 130, "output_tokens": 40}),
        Tokens(input=200, output=40, cached=60, written=120, written_long=10),
    ),
    "an hour's cache in every round": (
        message(
            {**WARM, "cache_creation": {"ephemeral_1h_input_tokens": 30}},
            {"cache_creation_input_tokens": 130, "output_tokens": 40},
        ),
        Tokens(input=200, output=40, cached=60, written_long=130),
    ),
    "thinking inside the output": (
        message(WARM, {"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 30}}),
        Tokens(input=100, output=40, cached=60, written=20, written_long=10, reasoning=30),
    ),
}


@pytest.fixture(scope="module")
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor() as running:
        yield running


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with closing(Exchange()) as exchange:
        yield exchange


def replayed(
    wire: str, body: bytes, seed: int | None, parts: tuple[FakeVendor, Exchange], **quirks: Any
) -> Read:
    """Return the answer that a body is read as, cut at random by a seed."""
    vendor, exchange = parts
    vendor.script("m", Script(body=body, seed=seed))
    return read(provider(wire, vendor, exchange, **quirks).stream(request(), never))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", CHAT)
def test_chat_usage_is_read_in(
    shape: str, seed: int, vendor: FakeVendor, exchange: Exchange
) -> None:
    body, tokens = CHAT[shape]

    answer = replayed("openai", body, seed, (vendor, exchange))

    assert (answer.text, answer.tokens) == ("Σ cold sea 🦭", tokens)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", MESSAGES)
def test_message_usage_is_read(
    shape: str, seed: int, vendor: FakeVendor, exchange: Exchange
) -> None:
    body, tokens = MESSAGES[shape]

    answer = replayed("anthropic", body, seed, (vendor, exchange))

    assert (answer.text, answer.tokens) == ("Σ cold sea 🦭", tokens)


def test_thinking_that_the_total_alone_tells_is_found_where_a_vendor_does_so(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    body = stream(*START, said(reason="stop", usage=usage(100, 10, 140)))

    answer = replayed("openai", body, None, (vendor, exchange), thinks_beside=True)

    assert answer.tokens == Tokens(input=100, output=40, reasoning=30)


def test_an_error_in_the_last_chunk_is_one_though_usage_stands_beside_it(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    error = {"code": 502, "message": "Provider disconnected"}
    body = stream(*START, {**said(reason="error"), "error": error, "usage": usage(100, 40)})

    with pytest.raises(UpstreamError, match="502"):
        replayed("openai", body, None, (vendor, exchange))


def test_what_breaks_after_the_end_takes_nothing_back(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    body = stream(*START, said(reason="stop", usage=usage(100, 40)), done=False) + b"data: {\n\n"

    answer = replayed("openai", body, None, (vendor, exchange))

    assert (answer.text, answer.tokens) == ("Σ cold sea 🦭", Tokens(input=100, output=40))


def test_a_whole_answer_to_a_streamed_question_is_read_too(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    choice = {"message": {"content": "Σ cold sea 🦭"}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice], "usage": usage(100, 40)}).encode()
    vendor.script("m", Script(body=body, content_type="application/json"))

    answer = read(provider("openai", vendor, exchange).stream(request(), never))

    assert (answer.text, answer.tokens) == ("Σ cold sea 🦭", Tokens(input=100, output=40))


RECORDED: Sequence[tuple[str, str, Tokens]] = (
    ("deepseek-chat-thinking", "openai", Tokens(input=6, output=212, reasoning=198)),
    ("hf-novita-chat", "openai", Tokens(input=40, output=2)),
    ("openai-chat-tools", "openai", Tokens(input=107, output=15)),
    ("openrouter-chat-reasoning", "openai", Tokens(input=43, output=36, reasoning=13)),
    ("anthropic-messages-thinking", "anthropic", Tokens(input=43, output=282)),
)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "wire", "tokens"), RECORDED, ids=[r[0] for r in RECORDED])
def test_recorded_answers_are_read_whole(
    name: str,
    wire: str,
    tokens: Tokens,
    seed: int,
    corpus: Path,
    vendor: FakeVendor,
    exchange: Exchange,
) -> None:
    place = "-stream-1-200.sse" if name == "openai-chat-tools" else "-stream-200.sse"
    body = (corpus / "llm-recordings" / f"{name}{place}").read_bytes()

    answer = replayed(wire, body, seed, (vendor, exchange))

    assert answer.text
    assert bool(answer.reasoning) == bool(tokens.reasoning or wire == "anthropic")
    assert answer.finish is not None
    assert (answer.finish.reason, answer.tokens) == ("stop", tokens)


def test_a_recorded_answer_that_never_says_why_it_ended_is_no_answer(
    corpus: Path, vendor: FakeVendor, exchange: Exchange
) -> None:
    body = (corpus / "llm-recordings" / "openai-chat-tools-stream-0-200.sse").read_bytes()

    with pytest.raises(UpstreamError, match="ended before it was whole"):
        replayed("openai", body, None, (vendor, exchange))

"""Chat Completions: requests, answers, and streams as OpenAI's own client reads them."""

import openai
import pytest

from jobs.llms.ask import Ask
from jobs.wires.chat import Chat
from models.kernel.denials import PaymentRequired
from models.kernel.errors import Invalid, UpstreamError
from tests.jobs.wires.flows import HEX, answer_of, begun, call, texts, thrown, told
from tests.jobs.wires.loopback import Loopback

WIRE = Chat()
HELLO = ({"role": "user", "content": "hello"},)


def body(**fields: object) -> dict[str, object]:
    return {"model": "gpt-4o-mini", "messages": list(HELLO), **fields}


def test_a_request_becomes_a_question() -> None:
    asked = WIRE.ask_of(body(max_completion_tokens=9, max_tokens=7, stream=True))

    assert asked == Ask(model="gpt-4o-mini", messages=HELLO, max_tokens=9, streamed=True)


def test_what_ilm_does_not_know_is_passed_on_and_what_is_its_own_is_not() -> None:
    options = {"temperature": 0.5, "tools": [{"type": "function"}], "user": "u", "new": {"x": 1}}
    own = {"n": 1, "stream": False, "stream_options": {"include_usage": True}, "seed": None}

    assert WIRE.ask_of(body(**options, **own)).options == options


def test_a_developer_speaks_as_the_system() -> None:
    asked = WIRE.ask_of(body(messages=[{"role": "developer", "content": "be kind"}, *HELLO]))

    assert asked.messages[0] == {"role": "system", "content": "be kind"}


def test_tool_calls_answers_and_pictures_come_through() -> None:
    called = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "this"}, picture]},
        {"role": "assistant", "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
    ]

    assert WIRE.ask_of(body(messages=messages)).messages == tuple(messages)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "king", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [1]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_completion_tokens": "9"}, "max_completion_tokens"),
        ({"n": 2}, "n"),
        ({"n": [1]}, "n"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_a_field_that_is_wrong_is_named(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        WIRE.ask_of(body(**wrong))

    assert refused.value.details[0].field == field


def test_a_whole_answer_reads_as_openai_wrote_it(client: openai.OpenAI, server: Loopback) -> None:
    events = begun().think("hm").say("yes").use("look", '{"q":1}').end()
    server.answers(WIRE.body_of(call(), answer_of(events)))

    answer = client.chat.completions.create(model="x", messages=[])

    (choice,) = answer.choices
    assert (answer.id, answer.object) == (f"chatcmpl-{HEX}", "chat.completion")
    assert (answer.model, choice.finish_reason) == ("served", "tool_calls")
    assert (choice.message.content, choice.message.refusal) == ("yes", None)
    assert choice.message.reasoning_content == "hm"
    assert choice.message.tool_calls[0].function.arguments == '{"q":1}'
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (100, 120)
    assert answer.usage.prompt_tokens_details.cached_tokens == 40
    assert answer.usage.completion_tokens_details.reasoning_tokens == 7
    assert answer.x_ilm["served_by"] == {"vendor": "fake", "model": "served"}


def test_an_answer_that_only_calls_a_tool_has_no_content() -> None:
    answer = answer_of(begun().use("look", "{}").end())

    assert WIRE.body_of(call(), answer)["choices"][0]["message"]["content"] is None


@pytest.mark.parametrize("seed", range(25))
def test_a_stream_put_together_by_openais_client_is_the_whole_answer(
    client: openai.OpenAI, server: Loopback, seed: int
) -> None:
    events = thrown(seed).end()
    server.answers(WIRE.body_of(call(), answer_of(events)))
    whole = client.chat.completions.create(model="x", messages=[])
    server.streams(told(WIRE, events))
    with client.chat.completions.stream(model="x", messages=[]) as stream:
        folded = stream.get_final_completion()

    def plain(answer: openai.types.chat.ChatCompletion) -> dict[str, object]:
        (choice,) = answer.choices
        said = choice.message.model_dump(include={"role", "content", "reasoning_content"})
        calls = [c.model_dump() for c in choice.message.tool_calls or ()]
        for made in calls:
            made.pop("index", None)
            made["function"].pop("parsed_arguments", None)
        kept = answer.model_dump(include={"id", "created", "model", "usage"})
        return {**kept, **said, "calls": calls, "reason": choice.finish_reason}

    assert plain(folded) == plain(whole)


def test_a_chunk_carries_its_number_and_the_last_what_it_cost() -> None:
    frames = texts(told(WIRE, begun().say("a").end(), stream_options=None))

    assert '"seq":1000003' in frames[0]
    assert '"role":"assistant","content":"a"' in frames[0]
    assert '"seq":1999999' in frames[1]
    assert '"cost_nano_usd":"12345"' in frames[1]
    assert frames[2:] == ["data: [DONE]"]


def test_usage_is_told_only_to_who_asked(client: openai.OpenAI, server: Loopback) -> None:
    events = begun().say("a").end()
    for options, counts in ((None, []), ({"include_usage": True}, [120])):
        server.streams(told(WIRE, events, stream_options=options))
        chunks = list(client.chat.completions.create(model="x", messages=[], stream=True))
        used = [chunk for chunk in chunks if chunk.usage]
        assert [chunk.usage.total_tokens for chunk in used] == counts
        assert all(chunk.choices == [] for chunk in used)


@pytest.mark.parametrize("code", ["UPSTREAM_ERROR", "CONTENT_BLOCKED", "PAYMENT_REQUIRED"])
def test_a_stream_that_breaks_raises_in_openais_client(
    client: openai.OpenAI, server: Loopback, code: str
) -> None:
    frames = told(WIRE, begun().say("half").failed(code))
    server.streams(frames)
    got = []
    with pytest.raises(openai.APIError, match="it broke") as raised:
        got.extend(client.chat.completions.create(model="x", messages=[], stream=True))

    assert [chunk.choices[0].delta.content for chunk in got] == ["half"]
    assert raised.value.code
    assert "[DONE]" not in frames[-1].text


def test_a_heartbeat_is_not_noticed(client: openai.OpenAI, server: Loopback) -> None:
    frames = told(WIRE, begun().say("a", "b").end())
    server.streams([part for frame in frames for part in (WIRE.heartbeat, frame)])
    chunks = list(client.chat.completions.create(model="x", messages=[], stream=True))

    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "ab"


def test_an_error_raises_by_its_kind(client: openai.OpenAI, server: Loopback) -> None:
    server.answers(WIRE.error_body(PaymentRequired(), "req_1"), 402)
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(model="x", messages=[])
    assert (refused.value.type, refused.value.code) == ("insufficient_quota", "insufficient_quota")

    server.answers(WIRE.error_body(UpstreamError("away"), "req_1"), 502)
    with pytest.raises(openai.InternalServerError, match="away"):
        client.chat.completions.create(model="x", messages=[])


def test_parallel_tool_calls_are_numbered_from_nought() -> None:
    flow = begun()
    flow.tools = [{"id": n, "name": "look", "arguments": "{}"} for n in "ab"]
    for index, name in ((7, "a"), (9, "b")):
        flow.tell("tool", index=index, id=name, name="look", arguments="{")
    for index in (9, 7):
        flow.tell("tool", index=index, arguments="}")
    frames = texts(told(WIRE, flow.end()))

    assert ['"tool_calls":[{"index":0' in text for text in frames[:4]] == [True, False, False, True]
    assert frames[-1] == "data: [DONE]"

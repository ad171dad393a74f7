"""Messages: requests, answers, and streams as Anthropic's own client reads them."""

import json
from typing import Any

import anthropic
import pytest

from jobs.wires.messages import Messages
from jobs.wires.messages_input import ask_to_count
from jobs.wires.messages_output import count_body, input_of
from models.kernel.denials import PaymentRequired
from models.kernel.errors import Invalid, Unavailable
from tests.jobs.wires.flows import HEX, answer_of, begun, call, texts, thrown, told
from tests.jobs.wires.loopback import Loopback

WIRE = Messages()
HELLO = {"role": "user", "content": "hello"}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "claude-3-haiku", "max_tokens": 9, "messages": [HELLO], **fields}


def test_a_request_becomes_a_question_in_the_shape_of_chat() -> None:
    asked = WIRE.ask_of(body(system="be kind", stream=True, top_k=4, service_tier="auto"))

    assert asked.messages == ({"role": "system", "content": "be kind"}, HELLO)
    assert (asked.model, asked.max_tokens, asked.streamed) == ("claude-3-haiku", 9, True)
    assert asked.options == {"top_k": 4}


def test_a_conversation_with_tools_and_pictures_becomes_one_of_chat() -> None:
    used = {"type": "tool_use", "id": "t1", "name": "look", "input": {"q": 1}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    shown = {"type": "tool_result", "tool_use_id": "t1"}
    shown["content"] = [{"type": "text", "text": "seen"}, PICTURE]
    said = {"type": "text", "text": "and?", "cache_control": {"type": "ephemeral"}}
    messages = [
        {"role": "user", "content": [PICTURE]},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "so"}, used]},
        {"role": "user", "content": [shown, said]},
    ]
    function = {"name": "look", "arguments": '{"q":1}'}

    assert WIRE.ask_of(body(messages=messages)).messages == (
        {"role": "user", "content": [SHOWN]},
        {
            "role": "assistant",
            "content": "so",
            "tool_calls": [{"id": "t1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "seen"},
        {"role": "user", "content": [SHOWN, said]},
    )


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"stop_sequences": ["END"]}, {"stop": ["END"]}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 9000}}, {"reasoning_effort": "medium"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"thinking": {"type": "adaptive"}}, {"thinking": {"type": "adaptive"}}),
        ({"output_config": {"effort": "high"}}, {"reasoning_effort": "high"}),
        ({"tool_choice": {"type": "auto"}}, {"tool_choice": "auto"}),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": "required"}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        (
            {"tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": True}},
            {
                "tool_choice": {"type": "function", "function": {"name": "look"}},
                "parallel_tool_calls": False,
            },
        ),
        (
            {"tools": [{"name": "look", "description": "d", "input_schema": {"type": "object"}}]},
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "look",
                            "description": "d",
                            "parameters": {"type": "object"},
                        },
                    }
                ]
            },
        ),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"a": 1}}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": {"a": 1}, "strict": True},
                }
            },
        ),
    ],
)
def test_an_option_becomes_one_of_chat(given: dict[str, Any], options: dict[str, Any]) -> None:
    assert WIRE.ask_of(body(**given)).options == options


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "assistant", "content": [PICTURE]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]},
            "messages[0].content[0].tool_use_id",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
            "messages[0].content[0].source.type",
        ),
        ({"system": [{"type": "text"}]}, "system[0].text"),
        ({"tools": [{"type": "web_search_20260209", "name": "w"}]}, "tools[0].type"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tool_choice": {"type": "king"}}, "tool_choice.type"),
        ({"tool_choice": "auto"}, "tool_choice"),
    ],
)
def test_a_field_that_is_wrong_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        WIRE.ask_of(body(**wrong))

    assert refused.value.details[0].field == field


def test_counting_needs_no_limit() -> None:
    asked = body()
    del asked["max_tokens"]

    assert ask_to_count(asked).messages == (HELLO,)
    assert count_body(7) == {"input_tokens": 7}


def test_a_whole_answer_reads_as_anthropic_wrote_it(
    claude: anthropic.Anthropic, server: Loopback
) -> None:
    events = begun().think("hm").say("yes").use("look", '{"q":1}').end()
    server.answers(WIRE.body_of(call(), answer_of(events)))

    answer = claude.messages.create(**body())

    assert (answer.id, answer.type, answer.model) == (f"msg_{HEX}", "message", "served")
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]
    assert answer.content[2].input == {"q": 1}
    assert (answer.stop_reason, answer.stop_sequence) == ("tool_use", None)
    used = answer.usage
    assert (used.input_tokens, used.cache_read_input_tokens) == (45, 40)
    assert (used.cache_creation_input_tokens, used.output_tokens) == (15, 20)
    assert used.cache_creation.ephemeral_1h_input_tokens == 5


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal")],
)
def test_why_an_answer_ended_is_said_in_anthropics_words(reason: str, stop: str) -> None:
    answer = answer_of(begun().say("a").end(reason))

    assert WIRE.body_of(call(), answer)["stop_reason"] == stop


@pytest.mark.parametrize(
    ("how", "stop"),
    [
        ({"stopSequence": "END"}, ("stop_sequence", "END")),
        ({"stopSequence": None}, ("end_turn", None)),
        ({"stopSequence": "END", "reason": "content_filter"}, ("refusal", None)),
    ],
    ids=["named", "not named", "screened"],
)
def test_the_stop_sequence_is_named_whole_and_streamed(
    claude: anthropic.Anthropic, server: Loopback, how: dict[str, Any], stop: tuple[str, str]
) -> None:
    events = begun().say("a").end(**how)
    server.answers(WIRE.body_of(call(), answer_of(events)))
    whole = claude.messages.create(**body())
    server.streams(told(WIRE, events))
    with claude.messages.stream(**body()) as stream:
        streamed = stream.get_final_message()

    assert (whole.stop_reason, whole.stop_sequence) == stop
    assert (streamed.stop_reason, streamed.stop_sequence) == stop


@pytest.mark.parametrize("arguments", ["", "[1]", '{"a":', "no"])
def test_arguments_that_are_no_object_still_make_one(arguments: str) -> None:
    assert input_of(arguments) == ({"arguments": arguments} if arguments else {})


@pytest.mark.parametrize("seed", range(25))
def test_a_stream_put_together_by_anthropics_client_is_the_whole_answer(
    claude: anthropic.Anthropic, server: Loopback, seed: int
) -> None:
    events = thrown(seed).end()
    server.answers(WIRE.body_of(call(), answer_of(events)))
    whole = claude.messages.create(**body())
    server.streams(told(WIRE, events))
    with claude.messages.stream(**body()) as stream:
        folded = stream.get_final_message()

    def plain(message: anthropic.types.Message) -> dict[str, Any]:
        known = message.model_dump(include={"id", "model", "content", "stop_reason", "usage"})
        for one_time in ("cache_creation", "service_tier"):
            known["usage"].pop(one_time)
        for block in known["content"]:
            block.pop("parsed_output", None)
        return known

    assert plain(folded) == plain(whole)


def test_blocks_are_told_one_after_the_other_even_of_calls_written_at_once() -> None:
    flow = begun().say("so")
    flow.tools = [{"id": n, "name": "look", "arguments": '{"a":1}'} for n in "ab"]
    for index, name in enumerate("ab"):
        flow.tell("tool", index=index, id=name, name="look", arguments='{"a"')
    for index in (1, 0):
        flow.tell("tool", index=index, arguments=":1}")
    data = [json.loads(t.partition("\ndata: ")[2]) for t in texts(told(WIRE, flow.end()))]
    order = [(d["type"][14:], d["index"]) for d in data if "index" in d]

    assert order == [
        (step, index)
        for index, steps in enumerate((1, 2, 2))
        for step in ("start", *["delta"] * steps, "stop")
    ]


def test_arguments_that_never_become_json_are_told_all_the_same() -> None:
    flow = begun().use("look", "{").use("look", "{}").say("done")
    frames = texts(told(WIRE, flow.end()))

    assert sum("content_block_stop" in text.partition("\n")[0] for text in frames) == 3
    assert frames[-1].startswith("event: message_stop")


def test_a_call_that_goes_on_after_it_was_whole_ends_in_an_error() -> None:
    flow = begun().use("look", "{}").say("and").tell("tool", index=0, arguments="{}")

    assert texts(told(WIRE, flow.events))[-1].startswith("event: error")


@pytest.mark.parametrize("code", ["UPSTREAM_ERROR", "CANCELLED"])
def test_a_stream_that_breaks_raises_in_anthropics_client(
    claude: anthropic.Anthropic, server: Loopback, code: str
) -> None:
    server.streams(told(WIRE, begun().say("half").failed(code)))

    with (
        pytest.raises(anthropic.APIStatusError, match="it broke"),
        claude.messages.stream(**body()) as stream,
    ):
        stream.until_done()


def test_a_heartbeat_is_not_noticed(claude: anthropic.Anthropic, server: Loopback) -> None:
    frames = told(WIRE, begun().say("a", "b").end())
    server.streams([part for frame in frames for part in (WIRE.heartbeat, frame)])
    with claude.messages.stream(**body()) as stream:
        assert stream.get_final_text() == "ab"


def test_an_error_raises_by_its_kind(claude: anthropic.Anthropic, server: Loopback) -> None:
    server.answers(WIRE.error_body(PaymentRequired(), "req_1"), 402)
    with pytest.raises(anthropic.APIStatusError) as refused:
        claude.messages.create(**body())
    assert refused.value.body["error"]["type"] == "billing_error"
    assert refused.value.body["request_id"] == "req_1"

    server.answers(WIRE.error_body(Unavailable(), "req_1"), 503)
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        claude.messages.create(**body())

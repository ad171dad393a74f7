"""Requests of Responses, which become questions in the shape of Chat."""

from typing import Any

import pytest

from jobs.wires.responses import Responses
from jobs.wires.responses_input import messages_of, reply_of
from models.kernel.errors import Invalid
from tests.jobs.wires.flows import answer_of, begun, call

WIRE = Responses()
HELLO = {"role": "user", "content": "hello"}
FUNCTION = {"name": "look", "arguments": "{}"}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "input": "hello", **fields}


def test_a_request_becomes_a_question() -> None:
    asked = WIRE.ask_of(body(instructions="be kind", max_output_tokens=9, stream=True))

    assert asked.messages == ({"role": "system", "content": "be kind"}, HELLO)
    assert (asked.model, asked.max_tokens, asked.streamed) == ("gpt-4o-mini", 9, True)


def test_a_conversation_goes_on_between_the_instructions_and_the_input() -> None:
    earlier = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    asked = WIRE.ask_of(body(instructions="be kind"), earlier)

    assert [message["content"] for message in asked.messages] == ["be kind", "a", "b", "hello"]


def test_items_become_messages_of_chat() -> None:
    items = [
        {"type": "message", "role": "developer", "content": "be kind"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "this"},
                {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:x"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "o"}, {"type": "refusal", "refusal": "k"}],
        },
        {"type": "function_call", "call_id": "1", **FUNCTION},
        {"type": "function_call", "call_id": "2", **FUNCTION},
        {"type": "function_call_output", "call_id": "1", "output": "seen"},
        {
            "type": "function_call_output",
            "call_id": "2",
            "output": [{"type": "input_text", "text": "too"}],
        },
    ]
    image = {"url": "https://example.org/a.png", "detail": "low"}
    calls = [{"id": n, "type": "function", "function": FUNCTION} for n in ("1", "2")]

    assert messages_of(body(input=items)) == (
        {"role": "system", "content": "be kind"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "this"},
                {"type": "image_url", "image_url": image},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:x"}},
            ],
        },
        {"role": "assistant", "content": "ok", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "1", "content": "seen"},
        {"role": "tool", "tool_call_id": "2", "content": "too"},
    )


def test_an_answer_can_be_sent_back_as_input() -> None:
    events = begun().think("hm").say("yes").use("look", '{"q":1}').end()
    output = WIRE.body_of(call(), answer_of(events))["output"]

    assert messages_of(body(input=output)) == (reply_of(answer_of(events)),)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (
            {"tools": [{"type": "function", "name": "look", "parameters": {}, "strict": None}]},
            {"tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}]},
        ),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        (
            {"tool_choice": {"type": "function", "name": "look"}},
            {"tool_choice": {"type": "function", "function": {"name": "look"}}},
        ),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"verbosity": "low"}),
        (
            {"text": {"format": {"type": "json_object"}}},
            {"response_format": {"type": "json_object"}},
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "a", "schema": {}}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {}},
                }
            },
        ),
        ({"temperature": 0, "top_p": 1, "new": "x"}, {"temperature": 0, "top_p": 1, "new": "x"}),
        (
            {"metadata": {"a": "b"}, "store": True, "background": True, "truncation": "auto"},
            {},
        ),
    ],
)
def test_an_option_becomes_one_of_chat(given: dict[str, Any], options: dict[str, Any]) -> None:
    assert WIRE.ask_of(body(**given)).options == options


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "x"}]}]}, "input[0].content[0].type"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].image_url",
        ),
        ({"input": [{"type": "function_call", "call_id": "1", "name": "n"}]}, "input[0].arguments"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": {"type": "mcp"}}, "tool_choice.type"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True, "store": False}, "store"),
        ({"text": "json"}, "text"),
    ],
)
def test_a_field_that_is_wrong_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        WIRE.ask_of(body(**wrong))

    assert refused.value.details[0].field == field

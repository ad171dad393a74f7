"""Chat-shaped requests as Anthropic takes them."""

from typing import Any

import pytest

from jobs.llms.provider import Message, Request
from models.kernel.errors import UpstreamRefused
from models.llms import vendors
from workers.adapters.llms.anthropic_options import ONE_OBJECT
from workers.adapters.llms.anthropic_requests import body_of

ANTHROPIC = vendors()["anthropic"]
USER = {"role": "user", "content": "Where is the walrus?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}
FIND = {"name": "find", "description": "Finds.", "parameters": {"type": "object"}}
NOW = "claude-sonnet-5"
BUDGETED = "claude-3-7-sonnet-20250219"


def sent(*messages: Message, llm: str = NOW, most: int = 4_000, **options: Any) -> dict[str, Any]:
    request = Request(llm=llm, messages=messages or (USER,), max_tokens=most, options=options)
    return body_of(request, ANTHROPIC)


def test_a_question_goes_as_a_turn_of_blocks() -> None:
    assert sent() == {
        "model": NOW,
        "max_tokens": 4_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": USER["content"]}]}],
        "stream": True,
    }


def test_what_the_system_says_stands_apart_wherever_it_was_said() -> None:
    body = sent(
        {"role": "system", "content": "Be brief."}, USER, {"role": "developer", "content": "Quote."}
    )

    assert [block["text"] for block in body["system"]] == ["Be brief.", "Quote."]
    assert [turn["role"] for turn in body["messages"]] == ["user"]


def test_a_tool_s_use_and_its_results_become_blocks_of_one_turn_each() -> None:
    other = {**CALL, "id": "c2"}
    body = sent(
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL, other]},
        {"role": "tool", "tool_call_id": "c1", "content": "page 3"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "page 4"}]},
    )

    _, used, results = body["messages"]
    assert used["content"] == [
        {"type": "tool_use", "id": place, "name": "find", "input": {"q": 1}}
        for place in ("c1", "c2")
    ]
    assert results["role"] == "user"
    assert [(b["tool_use_id"], b["content"][0]["text"]) for b in results["content"]] == [
        ("c1", "page 3"),
        ("c2", "page 4"),
    ]


def test_arguments_that_are_no_object_are_refused() -> None:
    broken = {**CALL, "function": {"name": "find", "arguments": "{"}}

    with pytest.raises(UpstreamRefused, match="c1"):
        sent(USER, {"role": "assistant", "content": "", "tool_calls": [broken]})


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (
            "data:image/png;base64,AAAA",
            {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        ),
        ("https://example.org/a.png", {"type": "url", "url": "https://example.org/a.png"}),
    ],
    ids=["data", "address"],
)
def test_images_go_as_their_source(url: str, source: dict[str, str]) -> None:
    body = sent({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]})

    assert body["messages"][0]["content"] == [{"type": "image", "source": source}]


def test_blocks_of_anthropic_s_own_go_through_as_they_are() -> None:
    block = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}

    assert sent({"role": "user", "content": [block]})["messages"][0]["content"] == [block]


def test_marks_of_a_cache_and_of_a_tool_s_failure_go_with_what_they_mark() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    url = "https://example.org/a"
    shown = [
        {"type": "image_url", "image_url": {"url": url}, **mark},
        {"type": "file", "file": {"file_data": url}, **mark},
    ]
    result = {"role": "tool", "tool_call_id": "c1", "content": "no such page"}

    body = sent(
        {"role": "user", "content": shown},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, **mark}]},
        {**result, "is_error": True, **mark},
        tools=[{"type": "function", "function": FIND, **mark}],
        **mark,
    )

    blocks = [block for turn in body["messages"] for block in turn["content"]]
    assert [block["type"] for block in blocks] == ["image", "document", "tool_use", "tool_result"]
    marked = (*blocks, *body["tools"], body)
    assert all(one["cache_control"] == mark["cache_control"] for one in marked)
    assert [block.get("is_error") for block in blocks] == [None, None, None, True]


def test_a_message_that_says_nothing_is_left_out() -> None:
    body = sent(USER, {"role": "assistant", "content": ""}, {"role": "user", "content": "And?"})

    assert len(body["messages"]) == 1
    assert [block["text"] for block in body["messages"][0]["content"]][-1] == "And?"


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("required", None, {"type": "any"}),
        ("none", False, {"type": "none"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"type": "function", "function": {"name": "find"}},
            None,
            {"type": "tool", "name": "find"},
        ),
    ],
)
def test_tools_and_their_choice_are_translated(
    choice: Any, parallel: bool | None, expected: dict[str, Any] | None
) -> None:
    body = sent(
        tools=[{"type": "function", "function": FIND}],
        tool_choice=choice,
        parallel_tool_calls=parallel,
    )

    assert body["tools"] == [
        {"name": "find", "description": "Finds.", "input_schema": {"type": "object"}}
    ]
    assert body.get("tool_choice") == expected


def test_options_have_their_counterparts_and_those_without_are_left_out() -> None:
    body = sent(
        stop="END", temperature=1.6, user="u1", n=1, seed=3, frequency_penalty=0.5, x_new=True
    )

    assert {name: body[name] for name in body if name not in {"model", "messages"}} == {
        "stop_sequences": ["END"],
        "temperature": 1,
        "metadata": {"user_id": "u1"},
        "x_new": True,
        "max_tokens": 4_000,
        "stream": True,
    }


def test_a_schema_is_asked_for_by_name_and_plain_json_by_words() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    by_name = sent(response_format={"type": "json_schema", "json_schema": {"schema": schema}})
    by_words = sent(response_format={"type": "json_object"})

    assert by_name["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    assert by_words["system"] == [{"type": "text", "text": ONE_OBJECT}]


@pytest.mark.parametrize(
    ("user", "metadata", "told"),
    [
        ("u1", {"topic": "sea"}, {"user_id": "u1"}),
        (None, {"user_id": "u2", "topic": "sea"}, {"user_id": "u2"}),
        (None, {"topic": "sea"}, None),
    ],
)
def test_of_metadata_nothing_is_told_but_whose_question_it_is(
    user: str | None, metadata: dict[str, str], told: dict[str, str] | None
) -> None:
    assert sent(user=user, metadata=metadata).get("metadata") == told


def test_effort_is_told_where_thinking_adapts() -> None:
    body = sent(reasoning_effort="minimal")

    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "low"})


def test_effort_becomes_a_budget_where_thinking_has_one() -> None:
    body = sent(llm=BUDGETED, reasoning_effort="medium")

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2_000}


@pytest.mark.parametrize("llm", [NOW, BUDGETED], ids=["effort", "budget"])
def test_who_thinks_is_not_told_how_freely_to_choose_words(llm: str) -> None:
    body = sent(llm=llm, reasoning_effort="medium", temperature=0.2, top_p=0.5, top_k=3)

    assert "thinking" in body
    assert not body.keys() & {"temperature", "top_p", "top_k"}


@pytest.mark.parametrize(
    "body",
    [
        sent(reasoning_effort="none"),
        sent(llm="claude-3-haiku-20240307", reasoning_effort="high"),
        sent(llm=BUDGETED, most=500, reasoning_effort="high"),
        sent(USER, {"role": "tool", "tool_call_id": "c1", "content": "x"}, reasoning_effort="low"),
    ],
    ids=["not wanted", "not able", "no room", "after a tool"],
)
def test_there_is_no_thinking_where_it_is(body: dict[str, Any]) -> None:
    assert "thinking" not in body


def test_thinking_asked_for_in_anthropic_s_own_way_goes_through() -> None:
    asked = {"type": "enabled", "budget_tokens": 1_500}

    assert sent(thinking=asked, reasoning_effort="high")["thinking"] == asked


def test_thinking_that_is_to_adapt_is_asked_for_as_the_llm_takes_it() -> None:
    asked = {"type": "adaptive", "display": "summarized"}

    adapts = sent(thinking=asked, temperature=0.2)
    hard = sent(thinking=asked, reasoning_effort="high")

    assert (adapts["thinking"], adapts.keys() & {"output_config", "temperature"}) == (asked, set())
    assert (hard["thinking"], hard["output_config"]) == (asked, {"effort": "high"})
    assert sent(llm=BUDGETED, thinking=asked)["thinking"] == {
        "type": "enabled",
        "budget_tokens": 2_000,
    }
    assert "thinking" not in sent(llm="claude-3-haiku-20240307", thinking=asked)

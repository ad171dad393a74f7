"""Blocks of Anthropic's messages: what of them is kept, and what is left out."""

from tests.jobs.wires.test_messages import HELLO, WIRE, body


def test_a_turn_of_thinking_alone_is_left_out() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    turn = {"role": "assistant", "content": [thought]}

    assert WIRE.ask_of(body(messages=[HELLO, turn, HELLO])).messages == (HELLO, HELLO)


def test_marks_of_a_cache_and_of_a_tool_s_failure_stay_where_they_are() -> None:
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    used = {"type": "tool_use", "id": "t1", "name": "look", "input": {}, **mark}
    failed = {"type": "tool_result", "tool_use_id": "t1", "content": "no such page"}
    tool = {"name": "look", "input_schema": {}, **mark}
    turns = [
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [{**failed, "is_error": True, **mark}]},
    ]

    asked = WIRE.ask_of(body(messages=turns, tools=[tool], **mark))

    called, answered = asked.messages
    marked = (called["tool_calls"][0], asked.options["tools"][0], asked.options)
    assert all(one["cache_control"] == mark["cache_control"] for one in marked)
    assert answered == {
        "role": "tool", "tool_call_id": "t1", "content": "no such page", "is_error": True, **mark,
    }  # fmt: skip

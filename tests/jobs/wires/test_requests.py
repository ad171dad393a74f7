"""Requests of every wire, spoilt by dice: a question, or the field that is wrong; never a fault."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.llms.ask import Ask
from jobs.wires.wire import Wire
from jobs.wires.wires import WIRES, wire_named
from models.kernel.errors import Invalid

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
BLOCKS: list[Any] = [
    {"type": "text", "text": "a"},
    {"type": "input_text", "text": "a"},
    {"type": "input_image", "image_url": "data:x"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}},
    {"type": "document", "source": {"type": "text", "data": "a"}},
    {"type": "tool_use", "id": "1", "name": "f", "input": {"q": 1}},
    {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "a"}]},
]
TURNS: list[Any] = [
    *({"role": role, "content": [block]} for role in ("user", "assistant") for block in BLOCKS),
    {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "1", "output": [{"type": "text", "text": "a"}]},
]
FULL: dict[str, Any] = {
    "model": "m", "max_tokens": 9, "instructions": "a", "system": [BLOCKS[0]], "stream": True,
    "tools": [{"type": "function", "name": "f", "input_schema": {}}],
    "tool_choice": {"type": "tool", "name": "f"}, "metadata": {"user_id": "u"}, "n": 1,
    "thinking": {"type": "enabled", "budget_tokens": 9}, "reasoning": {"effort": "low"},
    "text": {"format": {"type": "json_schema", "schema": {}}},
    "output_config": {"format": {"type": "json_schema", "schema": {}}},
}  # fmt: skip


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where every value inside another is."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places_in(inner, (*path, key))


def question_in(wire: Wire, body: dict[str, Any]) -> Ask | str:
    """Return the question that a request is, or the field that is wrong with it."""
    try:
        return wire.ask_of(body)
    except Invalid as refused:
        return refused.details[0].field


@pytest.mark.parametrize("name", sorted(WIRES))
@given(data=st.data())
@settings(
    max_examples=300, derandomize=True, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
def test_whatever_is_sent_is_a_question_or_names_what_is_wrong(
    name: str, data: st.DataObject
) -> None:
    turn = data.draw(st.sampled_from(TURNS))
    body = json.loads(json.dumps({**FULL, "messages": [turn], "input": [turn]}))
    for dropped in data.draw(st.sets(st.sampled_from(sorted(FULL)))):
        del body[dropped]
    *path, last = data.draw(st.sampled_from(list(places_in(body))))
    spoilt = body
    for key in path:
        spoilt = spoilt[key]
    spoilt[last] = data.draw(JUNK)

    read = question_in(wire_named(name), body)
    if isinstance(read, Ask):
        json.dumps([*read.messages, read.options])
    else:
        assert read

"""What an LLM is given of a conversation: all of it, its end, or its end and a summary (M-40)."""

import random
from typing import Any

import pytest

from jobs.chats.context import EARLIER, conversation, fitted
from jobs.llms.counting import count_tokens, prompt_tokens, reserved
from models.chats import Message

SEEDS = range(20)


def turns(count: int, words: int = 20) -> list[dict[str, str]]:
    """Return so many questions with their answers, and a last question."""
    said = []
    for number in range(count):
        said.append({"role": "user", "content": f"question {number} " + "word " * words})
        said.append({"role": "assistant", "content": f"answer {number} " + "word " * words})
    return [*said, {"role": "user", "content": "the last question"}]


def size(messages: Any) -> int:
    return reserved(prompt_tokens(messages, {}))


def test_what_fits_is_given_whole() -> None:
    history = turns(3)

    context = fitted(history, size(history) + 10)

    assert (context.history, context.left_out, context.summary) == (tuple(history), 0, None)


def test_the_oldest_turns_go_first_and_whole() -> None:
    history = turns(10)

    context = fitted(history, size(history) * 2 // 3)

    assert context.summary is None
    assert context.left_out % 2 == 0
    assert 0 < context.left_out <= 10
    assert list(context.history) == history[context.left_out :]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_said_what_is_given_fits_and_begins_with_a_turn(seed: int) -> None:
    dice = random.Random(seed)
    history = turns(dice.randrange(1, 40), dice.randrange(1, 60))
    room = max(400, size(history) // dice.randrange(1, 8))

    context = fitted(history, room)

    assert size(context.after(None)) <= room + len(history) + 4
    assert context.history[0]["role"] == "user"
    assert context.history[-1] == history[-1]


def test_where_more_than_half_would_be_lost_it_is_quoted_in_short() -> None:
    history = turns(30)
    history[2]["content"] = "The walrus weighs a ton and lives in the cold sea."
    history[-1]["content"] = "How much does the walrus weigh?"

    context = fitted(history, size(history) // 4)

    assert context.summary is not None
    assert context.summary.startswith(EARLIER)
    assert "User: The walrus weighs a ton" in context.summary
    assert count_tokens(context.summary) <= 600
    first = context.after("Be brief.")[:2]
    assert [m["role"] for m in first] == ["system", "system"]
    assert first[1]["content"] == context.summary
    assert fitted(history, size(history) // 4) == context


def test_a_last_message_larger_than_the_window_is_for_the_router_to_refuse() -> None:
    history = [{"role": "user", "content": "word " * 5_000}]

    assert fitted(history, 100).history == tuple(history)


def row(role: str, content: str = "", **more: Any) -> Message:
    return Message(role=role, content=content, **more)


def test_answers_that_failed_and_calls_nobody_answered_are_not_given() -> None:
    call = {"id": "c1", "name": "look", "arguments": "{}"}
    branch = [
        row("user", "a"),
        row("assistant", "", status="failed"),
        row("user", "b"),
        row("assistant", "hm", tool_calls=[{**call, "id": "c0"}]),
        row("user", "c"),
        row("assistant", "", tool_calls=[call]),
        row("tool", "wide", tool_call_id="c1"),
    ]

    told = conversation(branch)

    function = {"name": "look", "arguments": "{}"}
    assert told == (
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "hm"},
        {"role": "user", "content": "c"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "wide"},
    )

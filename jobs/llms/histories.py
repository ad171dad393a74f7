"""Histories: the messages that a response goes on from (`previous_response_id`)."""

from collections.abc import Mapping
from typing import Any

from jobs.llms.ask import Answer
from jobs.llms.provider import Message
from jobs.wires.wires import wire_named
from models.jobs import JobRow


def history_of(row: JobRow) -> list[Message]:
    """Return all that was said up to the end of an answer; instructions are not inherited."""
    body = {name: value for name, value in row.input["body"].items() if name != "instructions"}
    asked = wire_named(row.input["wire"]).ask_of(body).messages
    return [*row.input["earlier"], *asked, said_in(Answer.of(row))]


def said_in(answer: Answer) -> Message:
    """Return an answer as the message it becomes in the next request."""
    calls: list[Mapping[str, Any]] = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in answer.tool_calls
    ]
    said: dict[str, Any] = {"role": "assistant", "content": answer.content or None}
    return {**said, "tool_calls": calls} if calls else said

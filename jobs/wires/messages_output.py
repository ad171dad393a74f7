"""Answers in the shape of Anthropic's Messages."""

import json
from typing import Any, Final

from jobs.llms.ask import Answer, ToolCall
from jobs.llms.provider import Tokens
from jobs.wires.hearing import hex_of
from jobs.wires.wire import Call

REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def message_body(call: Call, answer: Answer) -> dict[str, Any]:
    """Write a whole answer: thinking, text, calls of tools."""
    written = answer.tokens.written, answer.tokens.written_long
    blocks = [_thinking(answer.reasoning)] if answer.reasoning else []
    blocks += [{"type": "text", "text": answer.content}] if answer.content else []
    blocks += [_tool_use(tool) for tool in answer.tool_calls]
    return message_shell(call, answer.model) | {
        "content": blocks,
        **stop_of(answer),
        "usage": usage_of(answer.tokens)
        | {
            "cache_creation": {
                "ephemeral_5m_input_tokens": written[0],
                "ephemeral_1h_input_tokens": written[1],
            },
            "service_tier": "standard",
        },
        "x_ilm": answer.x_ilm,
    }


def message_shell(call: Call, model: str) -> dict[str, Any]:
    """Write an answer of which nothing is known but who gives it."""
    return {
        "id": f"msg_{hex_of(call)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_of(Tokens(input=0, output=0)),
        "x_ilm": {"job_id": call.job_id},
    }


def stop_of(answer: Answer) -> dict[str, str | None]:
    """Write why an answer ended; one that calls a tool ended for that, whatever stopped it."""
    reason, sequence = REASONS.get(answer.finish_reason, answer.finish_reason), None
    if answer.finish_reason == "stop" and answer.tool_calls:
        reason = "tool_use"
    elif answer.finish_reason == "stop" and answer.stop_sequence is not None:
        reason, sequence = "stop_sequence", answer.stop_sequence
    return {"stop_reason": reason, "stop_sequence": sequence}


def usage_of(tokens: Tokens) -> dict[str, Any]:
    """Write what a call used; `input_tokens` is what was neither read from a cache nor written."""
    written = tokens.written + tokens.written_long
    return {
        "input_tokens": max(tokens.input - tokens.cached - written, 0),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }


def count_body(tokens: int) -> dict[str, int]:
    """Write the answer to `count_tokens`."""
    return {"input_tokens": tokens}


def input_of(arguments: str) -> dict[str, Any]:
    """Read the arguments of a call; what is no JSON object stands in one, as it was written."""
    read = object_in(arguments or "{}")
    return {"arguments": arguments} if read is None else read


def object_in(arguments: str) -> dict[str, Any] | None:
    """Return the JSON object that a text is, None when it is none."""
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _thinking(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": text, "signature": ""}


def _tool_use(tool: ToolCall) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": tool.id,
        "name": tool.name,
        "input": input_of(tool.arguments),
    }

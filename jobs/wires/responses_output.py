"""Response objects of OpenAI's Responses: in every state, with what the request asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs.llms.ask import Answer
from jobs.llms.provider import Tokens
from jobs.wires.errors import message_of, status_of
from jobs.wires.hearing import hex_of, seconds_of
from jobs.wires.responses_items import Item, items_of
from jobs.wires.wire import Call
from models.kernel.errors import IlmError

ECHOED: Final[Mapping[str, Any]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "auto",
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
    "background": False,
}
"""Fields of the request that a response repeats, and what they are when it has none."""

INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is not complete, by the reason for which it ended."""

ERROR_CODES: Final = {429: "rate_limit_exceeded", 400: "invalid_prompt"}


def response_id(call: Call) -> str:
    """Return the id of a response."""
    return f"resp_{hex_of(call)}"


def response_body(call: Call, answer: Answer) -> dict[str, Any]:
    """Write a whole response; `incomplete` when it was cut for its length or its content."""
    return ended_body(call, answer, items_of(answer, hex_of(call)))


def ended_body(call: Call, answer: Answer, items: Sequence[Item]) -> dict[str, Any]:
    """Write a response that is over, with the items it was told in."""
    reason = INCOMPLETE.get(answer.finish_reason)
    status = status_of_answer(answer)
    return _body(call, status) | {
        "model": answer.model,
        "output": [item.body(status if item is items[-1] else "completed") for item in items],
        "incomplete_details": {"reason": reason} if reason else None,
        "usage": _usage(answer.tokens),
        "x_ilm": answer.x_ilm,
    }


def status_of_answer(answer: Answer) -> str:
    """Return `completed` or `incomplete`."""
    return "incomplete" if answer.finish_reason in INCOMPLETE else "completed"


def pending_body(call: Call, status: str, model: str | None = None) -> dict[str, Any]:
    """Write a response that is not over: `queued` or `in_progress`."""
    return _body(call, status, model)


def failed_body(call: Call, error: IlmError, items: Sequence[Item] = ()) -> dict[str, Any]:
    """Write a response that failed, with what was told of it."""
    code = ERROR_CODES.get(status_of(error), "server_error")
    return _body(call, "failed") | {
        "error": {"code": code, "message": message_of(error)},
        "output": [item.body("incomplete") for item in items],
        "x_ilm": {"job_id": call.job_id, "code": error.code},
    }


def cancelled_body(call: Call) -> dict[str, Any]:
    """Write a response that its owner cancelled."""
    return _body(call, "cancelled")


def _body(call: Call, status: str, model: str | None = None) -> dict[str, Any]:
    asked = call.body
    echoed = {
        name: usual if asked.get(name) is None else asked[name] for name, usual in ECHOED.items()
    }
    return {
        "id": response_id(call),
        "object": "response",
        "created_at": seconds_of(call),
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": model or asked.get("model"),
        "output": [],
        "usage": None,
        **echoed,
        "x_ilm": {"job_id": call.job_id},
    }


def _usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.written + tokens.written_long,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }

"""Requests to OpenAI's Responses, put into the shape of Chat; and what is kept of them.

What is kept of a conversation is its items and answers. Its instructions are not: they hold for
one response alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs.llms.ask import Answer, Ask
from jobs.llms.provider import Message
from jobs.wires.fields import choice, count, fault, flag, mapping, objects, others, text
from jobs.wires.hearing import hex_of
from jobs.wires.responses_content import content_of, tool_output_of
from jobs.wires.responses_tools import response_format_of, tool_choice_of, tools_of
from jobs.wires.wire import Body, Call

KNOWN: Final = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "text", "reasoning", "stream"}
    | {"max_output_tokens", "stream_options", "store", "background", "previous_response_id"}
    | {"metadata", "include", "truncation", "max_tool_calls", "top_logprobs", "conversation"}
    | {"prompt"}
)
ROLES: Final = {
    "user": "user", "assistant": "assistant", "system": "system", "developer": "system",
}  # fmt: skip
ABSENT: Final = ("conversation", "prompt")
"""What is kept at OpenAI and not here."""


def ask_of_response(body: Body, earlier: Sequence[Message] = ()) -> Ask:
    """Read a request; `earlier` is the conversation that `previous_response_id` names (XC-01).

    Raises `Invalid` with the field that is wrong.
    """
    for name in ABSENT:
        if body.get(name) is not None:
            raise fault(name, "is not kept here: send the input itself")
    if flag(body, "background") and not flag(body, "store", usual=True):
        raise fault("store", "must be true of a response in the background")
    return Ask(
        model=text(body, "model"),
        messages=(*_instructions(body), *earlier, *messages_of(body)),
        max_tokens=count(body, "max_output_tokens"),
        options=_options(body),
        streamed=flag(body, "stream"),
    )


def messages_of(body: Body) -> tuple[Message, ...]:
    """Return the input of a request as messages of Chat, without the instructions."""
    given = body.get("input")
    if isinstance(given, str) and given:
        return ({"role": "user", "content": given},)
    messages: list[dict[str, Any]] = []
    for place, item in enumerate(objects(given, "input")):
        _add(messages, item, f"input[{place}].")
    if not messages:
        raise fault("input", "must be a text or a list of items, and not empty")
    return tuple(messages)


def reply_of(answer: Answer) -> Message:
    """Return an answer as the message of Chat with which a conversation goes on from it."""
    calls = [_call(call.id, call.name, call.arguments) for call in answer.tool_calls]
    return {
        "role": "assistant",
        "content": answer.content or None,
        **({"tool_calls": calls} if calls else {}),
    }


def input_items_of(call: Call) -> list[dict[str, Any]]:
    """Return the items of a request as they are listed, each with an id, the first one first."""
    given = call.body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given or []
    return [_listed(item, f"{hex_of(call)}_in{place}") for place, item in enumerate(items)]


def _listed(item: Mapping[str, Any], digits: str) -> dict[str, Any]:
    kind = item.get("type", "message")
    if kind != "message":
        return {"id": f"item_{digits}", **item}
    content = item.get("content")
    if isinstance(content, str):
        spoken = "output_text" if item.get("role") == "assistant" else "input_text"
        content = [{"type": spoken, "text": content}]
    return {"id": f"msg_{digits}", "status": "completed", **item, "type": kind, "content": content}


def _instructions(body: Body) -> Sequence[Message]:
    if not body.get("instructions"):
        return ()
    return ({"role": "system", "content": text(body, "instructions")},)


def _options(body: Body) -> dict[str, Any]:
    written, thinking = mapping(body, "text"), mapping(body, "reasoning")
    asked = {
        "tools": tools_of(body),
        "tool_choice": tool_choice_of(body),
        "response_format": response_format_of(written),
        "verbosity": written.get("verbosity"),
        "reasoning_effort": thinking.get("effort"),
    }
    return others(body, KNOWN) | {name: value for name, value in asked.items() if value}


def _add(messages: list[dict[str, Any]], item: Mapping[str, Any], at: str) -> None:
    """Take one item into a conversation; thinking is left out, since only its LLM can read it."""
    kind = item.get("type") or "message"
    if kind == "message":
        messages.append(_message(item, at))
    elif kind == "function_call":
        _last_said(messages).setdefault("tool_calls", []).append(_called(item, at))
    elif kind == "function_call_output":
        output = tool_output_of(item, at)
        call_id = text(item, "call_id", at)
        messages.append({"role": "tool", "tool_call_id": call_id, "content": output})
    elif kind != "reasoning":
        raise fault(at + "type", f"{kind} is not known here")


def _message(item: Mapping[str, Any], at: str) -> dict[str, Any]:
    role = choice(item, "role", ROLES, at)
    return {"role": ROLES[role], "content": content_of(item, at)}


def _called(item: Mapping[str, Any], at: str) -> dict[str, Any]:
    arguments = item.get("arguments")
    if not isinstance(arguments, str):
        raise fault(at + "arguments", "must be a text")
    return _call(text(item, "call_id", at), text(item, "name", at), arguments)


def _last_said(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the assistant's message that ends a conversation; begin one if there is none."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    return messages[-1]


def _call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}

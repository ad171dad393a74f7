"""Requests to OpenAI's Chat Completions. What Ilm need not know is passed on as it came."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs.llms.ask import Ask
from jobs.llms.provider import Message
from jobs.wires.fields import choice, count, fault, flag, items, others, text
from jobs.wires.wire import Body

ROLES: Final = ("system", "developer", "user", "assistant", "tool")

KNOWN: Final = frozenset(
    {"model", "messages", "max_tokens", "max_completion_tokens", "n", "stream", "stream_options"}
)


def ask_of_chat(body: Body) -> Ask:
    """Read a request; raise `Invalid` with the field that is wrong (XC-01)."""
    if count(body, "n") not in {None, 1}:
        raise fault("n", "must be 1: one call has one answer here")
    return Ask(
        model=text(body, "model"),
        messages=tuple(
            _message(message, f"messages[{place}].")
            for place, message in enumerate(items(body, "messages"))
        ),
        max_tokens=count(body, "max_completion_tokens", "max_tokens"),
        options=others(body, KNOWN),
        streamed=flag(body, "stream"),
    )


def _message(message: Mapping[str, Any], at: str) -> Message:
    role = choice(message, "role", ROLES, at)
    _check_content(message.get("content"), at, may_lack=role == "assistant")
    return {**message, "role": "system"} if role == "developer" else message


def _check_content(content: object, at: str, *, may_lack: bool) -> None:
    """Refuse what is neither a text nor a list of parts."""
    if isinstance(content, str) or (content is None and may_lack):
        return
    if not isinstance(content, Sequence) or not content:
        raise fault(at + "content", "must be a text or a list of parts")
    for place, part in enumerate(content):
        where = f"{at}content[{place}]"
        if not isinstance(part, Mapping):
            raise fault(where, "must be an object")
        text(part, "type", f"{where}.")
        if part["type"] == "text" and not isinstance(part.get("text"), str):
            raise fault(f"{where}.text", "must be a text")

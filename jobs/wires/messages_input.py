"""Requests to Anthropic's Messages, put into the shape of Chat."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from jobs.llms.ask import Ask
from jobs.llms.provider import Message, is_silent
from jobs.wires.fields import (
    choice,
    count,
    fault,
    flag,
    items,
    mapping,
    objects,
    others,
    text,
)
from jobs.wires.messages_content import assistant_of, mark_of, texts_of, user_of
from jobs.wires.wire import Body

KNOWN: Final = frozenset(
    {"model", "messages", "max_tokens", "system", "stream", "stop_sequences", "thinking"}
    | {"tools", "tool_choice", "metadata", "output_config", "service_tier", "speed"}
    | {"inference_geo", "diagnostics", "user_profile_id", "workspace_id"}
)
LOW_BUDGET: Final = 4_096
HIGH_BUDGET: Final = 16_384
"""Tokens of thinking below which it is a little, and from which on it is much."""

ADAPTIVE: Final = "adaptive"
TOOL: Final = "tool"
CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}


def ask_of_messages(body: Body) -> Ask:
    """Read a request; raise `Invalid` with the field that is wrong (XC-03)."""
    ask = ask_to_count(body)
    if ask.max_tokens is None:
        raise fault("max_tokens", "must be a whole number above zero")
    return ask


def ask_to_count(body: Body) -> Ask:
    """Read a request to count the tokens of, which needs no limit of them."""
    asked = Ask(
        model=text(body, "model"),
        messages=tuple(_messages(body)),
        max_tokens=count(body, "max_tokens"),
        streamed=flag(body, "stream"),
    )
    return replace(asked, options=_options(body))


def _messages(body: Body) -> list[Message]:
    messages: list[Message] = []
    if body.get("system"):
        messages.append({"role": "system", "content": texts_of(body["system"], "system")})
    for place, message in enumerate(items(body, "messages")):
        messages += _turn(message, f"messages[{place}].")
    return messages


def _turn(message: Mapping[str, Any], at: str) -> list[Message]:
    role = choice(message, "role", ("user", "assistant", "system"), at)
    if role == "user":
        return user_of(message, at)
    if role == "assistant":
        said = assistant_of(message, at)
        return [] if is_silent(said) else [said]
    return [{"role": role, "content": texts_of(message.get("content"), at + "content")}]


def _options(body: Body) -> dict[str, Any]:
    wanted = mapping(body, "tool_choice")
    asked = {
        "tools": _tools(body),
        "tool_choice": _choice(wanted),
        "stop": body.get("stop_sequences"),
        "reasoning_effort": _effort(body),
        "thinking": _adaptive(body),
        "response_format": _format(mapping(body, "output_config")),
        "user": mapping(body, "metadata").get("user_id"),
    }
    options = others(body, KNOWN) | {name: value for name, value in asked.items() if value}
    if wanted.get("disable_parallel_tool_use") is True:
        options["parallel_tool_calls"] = False
    return options


def _tools(body: Body) -> list[dict[str, Any]]:
    return [
        _tool(tool, f"tools[{place}].")
        for place, tool in enumerate(objects(body.get("tools"), "tools"))
    ]


def _tool(tool: Mapping[str, Any], at: str) -> dict[str, Any]:
    if tool.get("type") is not None:
        choice(tool, "type", ("custom",), at)
    function = {
        "name": text(tool, "name", at),
        "description": tool.get("description"),
        "parameters": mapping(tool, "input_schema", at),
        "strict": tool.get("strict"),
    }
    known = {name: value for name, value in function.items() if value is not None}
    return {"type": "function", "function": known, **mark_of(tool)}


def _choice(wanted: Mapping[str, Any]) -> str | dict[str, Any] | None:
    if not wanted:
        return None
    kind = choice(wanted, "type", (*CHOICES, TOOL), "tool_choice.")
    if kind == TOOL:
        return {"type": "function", "function": {"name": text(wanted, "name", "tool_choice.")}}
    return CHOICES[kind]


def _effort(body: Body) -> str | None:
    """Return how much thinking is wanted: as it is said, else by its budget of tokens."""
    said = mapping(body, "output_config").get("effort")
    thinking = mapping(body, "thinking")
    if isinstance(said, str):
        return said
    budget = thinking.get("budget_tokens")
    if thinking.get("type") != "enabled" or not isinstance(budget, int):
        return None
    if budget < LOW_BUDGET:
        return "low"
    return "medium" if budget < HIGH_BUDGET else "high"


def _adaptive(body: Body) -> Mapping[str, Any] | None:
    """Return the wish to think as much as it takes, which has no counterpart in Chat."""
    thinking = mapping(body, "thinking")
    return thinking if thinking.get("type") == ADAPTIVE else None


def _format(config: Mapping[str, Any]) -> dict[str, Any] | None:
    form = mapping(config, "format", "output_config.")
    if not form:
        return None
    schema = {"name": "answer", "schema": form.get("schema"), "strict": True}
    return {"type": "json_schema", "json_schema": schema}

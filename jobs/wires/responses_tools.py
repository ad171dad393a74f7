"""Tools and formats of OpenAI's Responses, which lie flat there, put into the shape of Chat."""

from collections.abc import Mapping
from typing import Any

from jobs.wires.fields import fault, mapping, objects, text
from jobs.wires.wire import Body


def tools_of(body: Body) -> list[dict[str, Any]]:
    """Return the functions that may be called; raise `Invalid` for a tool that OpenAI runs."""
    return [
        _tool(tool, f"tools[{place}].")
        for place, tool in enumerate(objects(body.get("tools"), "tools"))
    ]


def tool_choice_of(body: Body) -> str | dict[str, Any] | None:
    """Return which tool is to be called, None when it was not said."""
    choice = body.get("tool_choice")
    if choice is None or isinstance(choice, str):
        return choice
    wanted = mapping(body, "tool_choice")
    if wanted.get("type") != "function":
        raise fault("tool_choice.type", "must be function")
    return {"type": "function", "function": {"name": text(wanted, "name", "tool_choice.")}}


def response_format_of(written: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the form an answer must have; None for plain text."""
    form = mapping(written, "format", "text.")
    kind = form.get("type", "text")
    if kind == "text":
        return None
    if kind != "json_schema":
        return dict(form)
    return {"type": kind, kind: _without_type(form)}


def _tool(tool: Mapping[str, Any], at: str) -> dict[str, Any]:
    if tool.get("type") != "function":
        raise fault(at + "type", "must be function: no other tool is run here")
    text(tool, "name", at)
    return {"type": "function", "function": _without_type(tool)}


def _without_type(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "type" and value is not None}

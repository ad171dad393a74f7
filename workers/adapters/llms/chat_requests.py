"""The body of an OpenAI-shaped request, with what a vendor's quirks make of it."""

from collections.abc import Mapping
from typing import Any, Final

from jobs.llms.provider import Message, Request
from models.llms import Vendor
from workers.adapters.llms.shapes import mapping

LIMITS: Final = frozenset({"max_tokens", "max_completion_tokens"})
"""The names a limit on the answer goes by; the request has its own."""

_OURS: Final = LIMITS | {"stream", "stream_options", "model", "messages"}

ANTHROPICS: Final = frozenset({"cache_control", "is_error"})
"""Marks on messages, parts, calls and tools that Anthropic knows, and others refuse."""


def body_of(request: Request, vendor: Vendor) -> dict[str, Any]:
    """Return what is posted; options nobody here knows go through as they are."""
    quirks = vendor.quirks
    return {
        **_options(request.options, frozenset(quirks.get("refuses", ()))),
        "model": request.llm,
        "messages": [_message(message) for message in request.messages],
        str(quirks.get("max_tokens", "max_tokens")): request.max_tokens,
        "stream": True,
        **_asking_for_usage(quirks),
    }


def _options(given: Mapping[str, Any], refused: frozenset[str]) -> dict[str, Any]:
    dropped = _OURS | ANTHROPICS | refused
    options = {name: value for name, value in given.items() if name not in dropped}
    if mapping(options.get("thinking")).get("type") == "adaptive":
        del options["thinking"]
    return _unmarked_in(options, "tools")


def _message(message: Message) -> dict[str, Any]:
    return _unmarked_in(_unmarked_in(_unmarked(message), "content"), "tool_calls")


def _unmarked_in(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object whose list of this name, where it has one, is without marks."""
    given = fields.get(name)
    return {**fields, name: list(map(_unmarked, given))} if isinstance(given, list) else fields


def _unmarked(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {name: value for name, value in given.items() if name not in ANTHROPICS}


def _asking_for_usage(quirks: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for usage at the end of the stream, where a vendor does not refuse the question."""
    if not quirks.get("stream_options", True):
        return {}
    return {"stream_options": {"include_usage": True}}

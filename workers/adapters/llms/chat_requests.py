"""The body of an OpenAI-shaped request, with what a vendor's quirks make of it."""

from collections.abc import Mapping
from typing import Any, Final

from jobs.llms.provider import Request
from models.llms import Vendor

LIMITS: Final = frozenset({"max_tokens", "max_completion_tokens"})
"""The names a limit on the answer goes by; the request has its own."""

_OURS: Final = LIMITS | {"stream", "stream_options", "model", "messages"}


def body_of(request: Request, vendor: Vendor) -> dict[str, Any]:
    """Return what is posted; options nobody here knows go through as they are."""
    quirks = vendor.quirks
    return {
        **{name: value for name, value in request.options.items() if name not in _OURS},
        "model": request.llm,
        "messages": [dict(message) for message in request.messages],
        str(quirks.get("max_tokens", "max_tokens")): request.max_tokens,
        "stream": True,
        **_asking_for_usage(quirks),
    }


def _asking_for_usage(quirks: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for usage at the end of the stream, where a vendor does not refuse the question."""
    if not quirks.get("stream_options", True):
        return {}
    return {"stream_options": {"include_usage": True}}

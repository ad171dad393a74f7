"""A Chat-shaped request as Anthropic's Messages want it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jobs.llms.provider import Message, Request
from models.llms import Vendor
from workers.adapters.llms.anthropic_options import options_of
from workers.adapters.llms.asking import refused
from workers.adapters.llms.shapes import mapping, mappings, mark_of, text

SYSTEM: Final = frozenset({"system", "developer"})


def body_of(request: Request, vendor: Vendor) -> dict[str, Any]:
    """Return what is posted; raise `UpstreamRefused` for what the shape cannot carry."""
    options, instruction = options_of(request, vendor)
    said = [part for m in request.messages if m.get("role") in SYSTEM for part in _blocks(m)]
    system = [*said, *([{"type": "text", "text": instruction}] if instruction else [])]
    return {
        **options,
        "model": request.llm,
        "max_tokens": request.max_tokens,
        "messages": _turns(request.messages, vendor),
        **({"system": system} if system else {}),
        "stream": True,
    }


def _turns(messages: Sequence[Message], vendor: Vendor) -> list[dict[str, Any]]:
    """Return the turns; results of tools are the user's, and those in a row are one turn."""
    turns = list[dict[str, Any]]()
    for message in messages:
        if message.get("role") in SYSTEM:
            continue
        role = "assistant" if message.get("role") == "assistant" else "user"
        content = list(_content(message, vendor))
        if not content:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(content)
        else:
            turns.append({"role": role, "content": content})
    return turns


def _content(message: Message, vendor: Vendor) -> Iterator[dict[str, Any]]:
    if message.get("role") == "tool":
        yield {
            "type": "tool_result",
            "tool_use_id": text(message.get("tool_call_id")),
            "content": _blocks(message),
            **({"is_error": True} if message.get("is_error") is True else {}),
            **mark_of(message),
        }
        return
    yield from _blocks(message)
    for call in mappings(message.get("tool_calls")):
        yield _tool_use(call, vendor)


def _blocks(message: Message) -> list[dict[str, Any]]:
    """Return a message's content as blocks; an empty text is none."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    parts = content if isinstance(content, Sequence) else ()
    return [_block(part) for part in parts if _is_said(mapping(part))]


def _is_said(part: Mapping[str, Any]) -> bool:
    return bool(part) and (part.get("type") != "text" or bool(part.get("text")))


def _block(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return one part as a block; a part that is no Chat part goes through as it is."""
    if part.get("type") == "image_url":
        url = text(mapping(part.get("image_url")).get("url"))
        return {"type": "image", "source": _source(url), **mark_of(part)}
    if part.get("type") == "file":
        data = text(mapping(part.get("file")).get("file_data"))
        return {"type": "document", "source": _source(data), **mark_of(part)}
    return dict(part)


def _source(url: str) -> dict[str, Any]:
    head, is_data, data = url.partition(";base64,")
    if is_data and head.startswith("data:"):
        return {"type": "base64", "media_type": head.removeprefix("data:"), "data": data}
    return {"type": "url", "url": url}


def _tool_use(call: Mapping[str, Any], vendor: Vendor) -> dict[str, Any]:
    function = mapping(call.get("function"))
    try:
        given = json.loads(text(function.get("arguments")) or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise refused(vendor, f"the arguments of the tool call {call.get('id')} are no JSON object")
    return {
        "type": "tool_use",
        "id": text(call.get("id")),
        "name": text(function.get("name")),
        "input": given,
        **mark_of(call),
    }

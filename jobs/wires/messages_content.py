"""Blocks of Anthropic's messages, put into the shape of Chat.

A prompt's marks of what is to be cached stay on its parts, calls, results and tools, and the mark
of a tool that failed on what it answered; adapters to vendors that know neither leave them out.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs.llms.provider import Message
from jobs.wires.fields import fault, items, mapping, text
from jobs.wires.fields import objects as objects_of

Block = Mapping[str, Any]
Part = dict[str, Any]

THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
"""Blocks that only the LLM that wrote them can read: they are left out."""


def texts_of(content: object, at: str) -> str | list[Part]:
    """Return a text, or the parts of a list of text blocks."""
    if isinstance(content, str):
        return content
    blocks = objects_of(content, at)
    return [_part(block, f"{at}[{place}].", images=False) for place, block in enumerate(blocks)]


def user_of(message: Block, at: str) -> list[Message]:
    """Return a user's turn: what tools answered first, then what the user said."""
    if isinstance(message.get("content"), str):
        return [{"role": "user", "content": message["content"]}]
    answers: list[Message] = []
    parts: list[Part] = []
    for place, block in enumerate(items(message, "content", at)):
        where = f"{at}content[{place}]."
        if block.get("type") == "tool_result":
            answer, shown = _result(block, where)
            answers.append(answer)
            parts += shown
        else:
            parts.append(_part(block, where))
    said: list[Message] = [{"role": "user", "content": parts}] if parts else []
    return [*answers, *said]


def assistant_of(message: Block, at: str) -> Message:
    """Return an assistant's turn: its text, and the tools it called; of thinking alone, neither."""
    content = message.get("content")
    if isinstance(content, str):
        return {"role": "assistant", "content": content}
    texts: list[str] = []
    calls: list[Part] = []
    for place, block in enumerate(objects_of(content, at + "content")):
        where = f"{at}content[{place}]."
        kind = text(block, "type", where)
        if kind == "tool_use":
            calls.append(_call(block, where))
        elif kind not in THOUGHTS:
            texts.append(_part(block, where, images=False)["text"])
    called = {"tool_calls": calls} if calls else {}
    return {"role": "assistant", "content": "".join(texts) or None, **called}


def _call(block: Block, at: str) -> Part:
    arguments = json.dumps(mapping(block, "input", at), separators=(",", ":"))
    function = {"name": text(block, "name", at), "arguments": arguments}
    return {"id": text(block, "id", at), "type": "function", "function": function, **mark_of(block)}


def _result(block: Block, at: str) -> tuple[Message, list[Part]]:
    """Return what a tool answered in words, and the images it showed, which Chat has no place for.

    The images go into the user's message that follows.
    """
    content = block.get("content")
    parts: Sequence[Part] = ()
    if not isinstance(content, str):
        blocks = objects_of(content, at + "content")
        parts = [_part(part, f"{at}content[{place}].") for place, part in enumerate(blocks)]
        content = "".join(part.get("text", "") for part in parts)
    call_id = text(block, "tool_use_id", at)
    failed = {"is_error": True} if block.get("is_error") is True else {}
    said = {"role": "tool", "tool_call_id": call_id, "content": content}
    answer = {**said, **failed, **mark_of(block)}
    return answer, [part for part in parts if part["type"] != "text"]


def _part(block: Block, at: str, *, images: bool = True) -> Part:
    kind = text(block, "type", at)
    if kind == "text":
        words = block.get("text")
        if not isinstance(words, str):
            raise fault(at + "text", "must be a text")
        return {"type": "text", "text": words, **mark_of(block)}
    if kind == "image" and images:
        return {"type": "image_url", "image_url": {"url": _address(block, at)}, **mark_of(block)}
    if kind == "document" and images:
        return _document(block, at)
    raise fault(at + "type", f"{kind} is not known here")


def _document(block: Block, at: str) -> Part:
    source = mapping(block, "source", at)
    if source.get("type") == "text":
        return {"type": "text", "text": text(source, "data", f"{at}source."), **mark_of(block)}
    if source.get("type") != "base64":
        raise fault(f"{at}source.type", "must be base64 or text")
    file = {"filename": block.get("title") or "document.pdf", "file_data": _address(block, at)}
    return {"type": "file", "file": file, **mark_of(block)}


def _address(block: Block, at: str) -> str:
    """Return where a picture or a document is: its URL, or itself as one."""
    source, where = mapping(block, "source", at), f"{at}source."
    if source.get("type") == "url":
        return text(source, "url", where)
    if source.get("type") != "base64":
        raise fault(f"{where}type", "must be base64 or url")
    return f"data:{text(source, 'media_type', where)};base64,{text(source, 'data', where)}"


def mark_of(block: Block) -> Part:
    """Return the mark of what is to be cached, under its name; nothing where there is none."""
    mark = block.get("cache_control")
    return {"cache_control": mark} if mark else {}

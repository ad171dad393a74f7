"""Contents of items of OpenAI's Responses, put into the shape of Chat."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jobs.wires.fields import choice, fault, items, text
from jobs.wires.fields import objects as objects_of

Content = str | list[dict[str, Any]]
Part = Mapping[str, Any]


def content_of(item: Part, at: str) -> Content:
    """Return the content of a message; one of text alone, by the assistant, is one text."""
    content = item.get("content")
    if isinstance(content, str):
        return content
    parts = [
        _part(part, f"{at}content[{place}].")
        for place, part in enumerate(items(item, "content", at))
    ]
    if item.get("role") == "assistant":
        return "".join(part.get("text", "") for part in parts)
    return parts


def tool_output_of(item: Part, at: str) -> str:
    """Return what a tool answered, as one text."""
    output = item.get("output")
    if isinstance(output, str):
        return output
    parts = objects_of(output, at + "output")
    texts = [_part(part, f"{at}output[{place}].") for place, part in enumerate(parts)]
    return "".join(part.get("text", "") for part in texts)


def _part(part: Part, at: str) -> dict[str, Any]:
    return PARTS[choice(part, "type", PARTS, at)](part, at)


def _text(part: Part, at: str) -> dict[str, Any]:
    words = part.get("refusal" if part["type"] == "refusal" else "text")
    if not isinstance(words, str):
        raise fault(at + "text", "must be a text")
    return {"type": "text", "text": words}


def _image(part: Part, at: str) -> dict[str, Any]:
    image = {"url": text(part, "image_url", at)}
    if part.get("detail"):
        image["detail"] = part["detail"]
    return {"type": "image_url", "image_url": image}


def _file(part: Part, at: str) -> dict[str, Any]:
    data = text(part, "file_data", at)
    return {"type": "file", "file": {"filename": part.get("filename"), "file_data": data}}


def _audio(part: Part, at: str) -> dict[str, Any]:
    del at
    return {"type": "input_audio", "input_audio": part.get("input_audio")}


PARTS: Final[Mapping[str, Callable[[Part, str], dict[str, Any]]]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "refusal": _text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}

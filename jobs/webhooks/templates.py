"""Templates of payloads (H-08): JSON in which `{{path}}` stands for what an event holds there.

A text that is nothing but one `{{path}}` becomes the value itself, whatever it is; within a text it
becomes the value's text. What is not there is null, or nothing. No code is run.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from jobs.webhooks.filters import is_path
from models.kernel.errors import Invalid

MOST_BYTES: Final = 16_384
DEEPEST: Final = 10

_PLACE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def check_template(template: Any) -> None:
    """Raise `Invalid` for a template with a path that is none, or one too large or too deep."""
    if len(json.dumps(template)) > MOST_BYTES:
        raise Invalid(f"a template has at most {MOST_BYTES} bytes")
    for text in _texts(template, DEEPEST):
        for path in _PLACE.findall(text):
            if not is_path(path):
                raise Invalid(f"{{{{{path}}}}} is no path such as {{{{data.book.title}}}}")


def filled(template: Any, payload: Mapping[str, Any]) -> Any:
    """Return a template with the values of a payload in their places."""
    if isinstance(template, str):
        whole = _PLACE.fullmatch(template)
        if whole:
            return _at(payload, whole[1])
        return _PLACE.sub(lambda place: _as_text(_at(payload, place[1])), template)
    if isinstance(template, list):
        return [filled(each, payload) for each in template]
    if isinstance(template, dict):
        return {name: filled(value, payload) for name, value in template.items()}
    return template


def _texts(template: Any, depth: int) -> list[str]:
    if depth == 0:
        raise Invalid(f"a template is at most {DEEPEST} levels deep")
    if isinstance(template, str):
        return [template]
    parts = template.values() if isinstance(template, dict) else template
    if not isinstance(template, dict | list):
        return []
    return [text for part in parts for text in _texts(part, depth - 1)]


def _at(payload: Any, path: str) -> Any:
    for name in path.split("."):
        payload = payload.get(name) if isinstance(payload, Mapping) else None
    return payload


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

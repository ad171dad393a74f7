"""Reading what vendors send without believing any of it: a wrong shape reads as nothing."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, Mapping) else NOTHING


def mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list, none for anything else."""
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def mark_of(marked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mark of what is to be cached, under its name; nothing where there is none."""
    mark = mapping(marked.get("cache_control"))
    return {"cache_control": dict(mark)} if mark else {}


def text(value: Any) -> str:
    """Return a text, an empty one for anything else."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """Return a count of tokens, None for what is none: negative, a text, a fraction."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value

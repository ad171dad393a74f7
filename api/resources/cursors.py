"""Cursors of the wires' lists: the id after which a list goes on, and how much of it."""

from typing import Any
from uuid import UUID

from models.kernel.errors import Detail, Invalid
from models.kernel.ids import parse_id


def id_in(query: dict[str, Any], name: str, kind: str) -> UUID | None:
    """Return the id that a field of the query holds; raise `Invalid` for one that is none."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return parse_id(kind, text)
    except ValueError as error:
        raise Invalid(details=[Detail(name, f"Not an id that begins with {kind}_.")]) from error


def limit_in(query: dict[str, Any], usual: int, most: int) -> int:
    """Return how many to list: what was asked, at most `most`."""
    return min(int(query.get("limit", usual)), most)

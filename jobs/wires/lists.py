"""Lists as the wires page them: some of what there is, and where it goes on."""

from collections.abc import Sequence
from typing import Any


def page_of(
    items: Sequence[dict[str, Any]], *, limit: int = 20, after: str | None = None
) -> dict[str, Any]:
    """Return OpenAI's list of at most `limit` items that come after the one with an id."""
    places = [place for place, item in enumerate(items) if item["id"] == after]
    rest = items[places[0] + 1 :] if places else items
    data = rest[:limit]
    return openai_list(data, has_more=len(rest) > len(data))


def openai_list(data: Sequence[dict[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    """Return a list as OpenAI writes it."""
    return {"object": "list", **anthropic_list(data, has_more=has_more)}


def anthropic_list(data: Sequence[dict[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    """Return a list as Anthropic writes it."""
    return {
        "data": list(data),
        "has_more": has_more,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }

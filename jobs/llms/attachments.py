"""Attachments: documents, recordings and other parts of a prompt that are no words and no picture.

Only who reads one knows its pages or minutes. Until then it is counted by its size: how much it
likely is, and how much it is at the most. What lies elsewhere has no size here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.llms.provider import Message

PICTURES: Final = frozenset({"image_url", "image"})
_COUNTED_APART: Final = PICTURES | {"text"}

ANY_WINDOW: Final = 1 << 32
"""More tokens than any window has: what lies elsewhere may be as long as whoever reads it can."""

PER_PAGE: Final = 1_600
"""Tokens of a page that is seen as a picture: what lies elsewhere is likely one at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rate:
    """How many bytes make a token: as a rule, and where they make the most."""

    likely: int
    least: int


USUAL: Final = _Rate(likely=16, least=1)
"""A dense PDF has some 16 bytes a token; in no text is a token shorter than a byte."""

RATES: Final = {"input_audio": _Rate(likely=256, least=16)}
"""Vendors count a second as 32 tokens at the most, and no speech has less than 500 bytes a one."""


def likely_tokens(messages: Iterable[Message]) -> int:
    """Return about how many tokens the attachments of a prompt are."""
    return sum(_over(size, rate.likely, PER_PAGE) for size, rate in _sized(messages))


def most_tokens(messages: Iterable[Message]) -> int:
    """Return how many tokens the attachments of a prompt are at the most."""
    return sum(_over(size, rate.least, ANY_WINDOW) for size, rate in _sized(messages))


def _over(size: int | None, rate: int, unknown: int) -> int:
    return unknown if size is None else -(-size // rate)


def _sized(messages: Iterable[Message]) -> Iterator[tuple[int | None, _Rate]]:
    for message in messages:
        content = message.get("content")
        if isinstance(content, Sequence) and not isinstance(content, str):
            for part in content:
                if isinstance(part, Mapping) and part.get("type") not in _COUNTED_APART:
                    yield _size(part), RATES.get(str(part.get("type")), USUAL)


def _size(part: Mapping[str, Any]) -> int | None:
    """Return how many bytes a part holds; None where they are not in it."""
    held = part.get(str(part.get("type"))) or part.get("source")
    if isinstance(held, str):
        return len(held.encode())
    fields = held if isinstance(held, Mapping) else {}
    data = fields.get("file_data") or fields.get("data")
    if not isinstance(data, str) or "://" in data[:16]:
        return None
    if fields.get("type") == "text":
        return len(data.encode())
    inside = data[data.find(",") + 1 :].rstrip("=")
    return len(inside) * 3 // 4

"""The types of events, read from `events.toml` once (H-02)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.catalogue.reader import entries

_TYPE: Final = re.compile(r"[a-z]+(?:\.[a-z][A-Za-z_]*)+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A type of events: when it is told, what one has to be permitted to read it, and a sample.

    Nobody writes one that `is_coming`: what it tells of is not there yet.
    """

    words: str
    permission: str
    sample: Mapping[str, Any]
    is_coming: bool = False

    def __post_init__(self) -> None:
        """Refuse one that says nothing."""
        if not self.words or not self.sample:
            raise ValueError("a type of events has words and a sample")


def event_types() -> Mapping[str, EventType]:
    """Return every type by name; raise `ValueError` for one that is not named as they are."""
    types: Mapping[str, EventType] = entries("events", EventType)
    if odd := [name for name in types if not _TYPE.fullmatch(name)]:
        raise ValueError(f"{odd[0]} is no name of a type of events")
    return types


def types_like(pattern: str) -> frozenset[str]:
    """Return the types that a pattern means: one by its name, `book.*` or all by `*`.

    None for a pattern that means nothing there is.
    """
    if pattern == "*":
        return frozenset(event_types())
    if pattern.endswith(".*"):
        return frozenset(name for name in event_types() if name.startswith(pattern[:-1]))
    return frozenset({pattern} & event_types().keys())


def types_readable(permissions: Iterable[str]) -> frozenset[str]:
    """Return the types that somebody with these permissions may read."""
    held = frozenset(permissions)
    return frozenset(name for name, each in event_types().items() if each.permission in held)

"""Filters of events (H-07): types by pattern, and conditions on what an event holds.

A filter is an object of dotted paths into the payload. `{"data.book.visibility": "public"}` asks
for a value, a list for any of some, and an object for comparisons: `eq`, `ne`, `gt`, `gte`, `lt`,
`lte`, `in`, `exists`, `startsWith`. All of them must hold. It becomes one SQL/JSON path predicate
(ISO/IEC 19075-6), so that the database decides with the event whether there is a delivery.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from models.catalogue.events import event_types, types_like
from models.kernel.errors import InsufficientPermissions, Invalid

MOST_CONDITIONS: Final = 20
MOST_VALUES: Final = 50
LONGEST_VALUE: Final = 200

_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,7}")
_COMPARISONS: Final = {"eq": "==", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def patterns_of(types: Sequence[str]) -> list[str]:
    """Return event types such as `book.*` as LIKE patterns; raise `Invalid` for others."""
    return [_pattern(each) for each in types]


def check_may_hear(types: Sequence[str], permissions: Collection[str]) -> None:
    """Refuse who may not read all that these types mean; say which permissions are missing.

    Raises `Invalid` for a type that means nothing, `InsufficientPermissions`.
    """
    patterns_of(types)
    meant = {name for each in types for name in types_like(each)}
    missing = {event_types()[name].permission for name in meant} - set(permissions)
    if missing:
        raise InsufficientPermissions(f"these events need {', '.join(sorted(missing))}")


def condition_of(wanted: Mapping[str, Any]) -> str:
    """Return a filter as a jsonpath predicate; raise `Invalid` with what is wrong with it."""
    if not 1 <= len(wanted) <= MOST_CONDITIONS:
        raise Invalid(f"a filter has between 1 and {MOST_CONDITIONS} conditions")
    return " && ".join(
        part for path, asked in wanted.items() for part in _conditions(_path(path), asked)
    )


def is_path(text: str) -> bool:
    """Say whether a text is a dotted path into a payload."""
    return _PATH.fullmatch(text) is not None


def _pattern(wanted: str) -> str:
    if not types_like(wanted):
        raise Invalid(f"no event is like {wanted!r}: GET /v1/events/types lists them")
    stem = wanted.removesuffix("*").replace("_", r"\_")
    return stem + "%" if wanted.endswith("*") else stem


def _path(text: str) -> str:
    if not is_path(text):
        raise Invalid(f"{text!r} is no path such as data.book.visibility")
    return "$." + ".".join(f'"{name}"' for name in text.split("."))


def _conditions(path: str, asked: Any) -> list[str]:
    if isinstance(asked, Mapping):
        if not asked:
            raise Invalid("a condition names a comparison, such as gte")
        return [_compared(path, str(name), value) for name, value in asked.items()]
    return [_any_of(path, asked if isinstance(asked, list) else [asked])]


def _compared(path: str, name: str, value: Any) -> str:
    if name in _COMPARISONS:
        return f"({path} {_COMPARISONS[name]} {_value(value)})"
    if name == "ne":
        return f"!({path} == {_value(value)})"
    if name == "in" and isinstance(value, list):
        return _any_of(path, value)
    if name == "exists" and isinstance(value, bool):
        return f"{'' if value else '!'}exists({path})"
    if name == "startsWith" and isinstance(value, str):
        return f"({path} starts with {_value(value)})"
    raise Invalid(f"there is no comparison {name!r} with such a value")


def _any_of(path: str, values: Sequence[Any]) -> str:
    if not 1 <= len(values) <= MOST_VALUES:
        raise Invalid(f"a condition has between 1 and {MOST_VALUES} values")
    return "(" + " || ".join(f"{path} == {_value(value)}" for value in values) + ")"


def _value(value: Any) -> str:
    """Write a value as jsonpath does: as JSON, with nothing beyond ASCII."""
    if isinstance(value, str | bool | int | float) or value is None:
        written = json.dumps(value, allow_nan=False)
        if len(written) <= LONGEST_VALUE and r"\u0000" not in written:
            return written
    raise Invalid(
        f"a filter compares texts, numbers, true, false and null of {LONGEST_VALUE} bytes"
    )

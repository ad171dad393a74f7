"""How a setting is declared: a variable's name, its default, and what it may be."""

import dataclasses
from pathlib import Path
from typing import Any, Final

from marshmallow import ValidationError, fields, validate

BRAND_SHAPE: Final = "[a-z][a-z0-9]{1,15}"
MOST_PAUSES: Final = 20
LONGEST_PAUSE: Final = 7 * 86_400


class _Commas(fields.Field[tuple[str, ...]]):
    """`a, b` → `("a", "b")`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


class _Pauses(fields.Field[tuple[float, ...]]):
    """`5, 300` → `(5.0, 300.0)`: seconds, a few of them, none longer than a week."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[float, ...]:
        try:
            pauses = tuple(float(part) for part in str(value).split(","))
        except ValueError as error:
            raise ValidationError("needs seconds, comma-separated") from error
        if len(pauses) > MOST_PAUSES or not all(0 <= each <= LONGEST_PAUSE for each in pauses):
            raise ValidationError(f"needs at most {MOST_PAUSES} pauses of at most a week")
        return pauses


class _Folder(fields.Field[Path]):
    """A path, taken as it is given."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Path:
        return Path(str(value))


def text(name: str, default: Any = "", *allowed: str) -> Any:
    """Declare a text, one of those allowed when any are named."""
    choice = validate.OneOf(allowed) if allowed else None
    return _declared(name, default, fields.String(validate=choice))


def brand(name: str, default: str) -> Any:
    """Declare a short word of small letters and digits, which begins with a letter."""
    words = "needs 2 to 16 of a-z and 0-9, the first a letter"
    rule = validate.Regexp(rf"{BRAND_SHAPE}\Z", error=words)
    return _declared(name, default, fields.String(validate=rule))


def count(name: str, default: int, least: int, most: int) -> Any:
    """Declare a whole number between two bounds."""
    rule = validate.Range(least, most)
    return _declared(name, default, fields.Integer(validate=rule))


def listed(name: str) -> Any:
    """Declare a comma-separated list, empty by default."""
    return _declared(name, (), _Commas())


def pauses(name: str, default: str) -> Any:
    """Declare a comma-separated list of seconds."""
    parsed = tuple(float(part) for part in default.split(","))
    return _declared(name, parsed, _Pauses())


def folder(name: str, default: str) -> Any:
    """Declare a folder."""
    return _declared(name, Path(default), _Folder())


def _declared(name: str, default: Any, parser: fields.Field[Any]) -> Any:
    is_secret = name.endswith(("_KEY", "_PASSWORD", "_URL", "_BOX", "_TOKEN", "_DSN", "_SECRET"))
    return dataclasses.field(
        default=default, metadata={"name": name, "parser": parser}, repr=not is_secret
    )

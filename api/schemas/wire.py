"""The parents of every schema: `Wire`, and the fields all routes share.

camelCase outside and snake_case inside; unknown fields are refused. Fields are strict: a whole
number is not a string, a truth is not a number; only in a query, where all is text, is text read.
"""

import json
import math
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from models.kernel.clock import wire_time
from models.kernel.ids import parse_id, wire_id

SHOWN_ONCE: Final = "shown_once"
"""Metadata of a field that is shown once: a replayed answer carries null instead."""

SELDOM: Final = "seldom"
"""Metadata of a field that is not always there: examples leave it out."""

EXAMPLE_MOMENT: Final = "2026-11-20T12:00:00.000Z"
"""The moment of every example."""

EXAMPLE_HOME: Final = "https://ilm.example.org"
"""The public address of examples."""

_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_CONTROLS: Final = r"\u0000-\u001f\u007f-\u009f"
_LARGEST: Final = 10**18
_TRUTHS: Final = {"true": True, "false": False}


def strict_json(text: str) -> Any:
    """Parse JSON as RFC 8259 has it, with numbers that are finite; raise `ValueError`."""
    return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def camel(name: str) -> str:
    """Spell a snake_case name in camelCase."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


class Wire(Schema):
    """A shape of the native routes."""

    is_camel: ClassVar[bool] = True

    class Meta:
        """marshmallow's configuration."""

        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give a field its name on the wire, unless it has one."""
        if self.is_camel and field_obj.data_key is None:
            field_obj.data_key = camel(field_name)


class SnakeWire(Wire):
    """A shape of the families that are snake_case on the wire too (CONTRACT §2)."""

    is_camel = False


def example_id(kind: str, number: int = 0) -> str:
    """Return the id of a kind that examples show; another one for every number below 16."""
    return f"{kind}_01a1f8d3ea007c3ea2d64b7d5e1f8a3{number:x}"


def example_link(path: str) -> str:
    """Return a signed address as examples show it."""
    return f"{EXAMPLE_HOME}{path}?expires=1795179600&signature={'3f' * 32}"


class Id(fields.Field[UUID]):
    """A prefixed id (`book_…`) outside, a UUID inside."""

    def __init__(self, kind: str, **options: Any) -> None:
        """Take the kind, which is the prefix."""
        options.setdefault("metadata", {}).setdefault("example", example_id(kind))
        super().__init__(**options)
        self.kind = kind

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else wire_id(self.kind, value)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> UUID:
        try:
            return parse_id(self.kind, value)
        except (ValueError, AttributeError) as error:
            raise ValidationError(f"Not an id that begins with {self.kind}_.") from error


class Moment(fields.Field[datetime]):
    """A moment: RFC 3339 with an offset in, UTC with milliseconds and `Z` out."""

    def __init__(self, **options: Any) -> None:
        """Show a moment, unless another one is given."""
        options.setdefault("metadata", {}).setdefault("example", EXAMPLE_MOMENT)
        super().__init__(**options)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else wire_time(value)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            if isinstance(value, str) and _MOMENT.fullmatch(value):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValidationError("Not a moment that exists.") from error
        raise ValidationError(
            "Not an RFC 3339 moment with an offset, such as 2026-11-20T12:00:00Z."
        )


class Whole(fields.Integer):
    """A whole number. `text` also reads digits, as a query has them."""

    def __init__(self, *, text: bool = False, **options: Any) -> None:
        """Say whether digits are read."""
        super().__init__(**options)
        self.reads_text = text

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if self.reads_text and isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        if type(value) is int and abs(value) < _LARGEST:
            return value
        raise ValidationError("Not a whole number.")


class Flag(fields.Boolean):
    """True or false. `text` also reads the words, as a query has them."""

    def __init__(self, *, text: bool = False, **options: Any) -> None:
        """Say whether words are read."""
        super().__init__(**options)
        self.reads_text = text

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if self.reads_text and isinstance(value, str) and value in _TRUTHS:
            return _TRUTHS[value]
        if isinstance(value, bool):
            return value
        raise ValidationError("Not true or false.")


class Line(fields.String):
    """One line of text: trimmed, in NFC, without control characters, of bounded length."""

    def __init__(self, *, most: int, least: int = 1, **options: Any) -> None:
        """Take the bounds in characters."""
        rules = [validate.Length(min=least, max=most), *options.pop("validate", ())]
        pattern = f"^[^{_CONTROLS}]*$" if least == 0 else f"^[^{_CONTROLS}]*[^{_CONTROLS}\\s]"
        options.setdefault("metadata", {}).setdefault("pattern", pattern)
        super().__init__(validate=rules, **options)

    def _deserialize(self, value: Any, *rest: Any, **options: Any) -> str:
        text = unicodedata.normalize("NFC", str(super()._deserialize(value, *rest, **options)))
        if any(unicodedata.category(character) == "Cc" for character in text):
            raise ValidationError("Control characters are not allowed.")
        return text.strip()


class FileField(fields.Raw):
    """A file of a multipart form; only described here, since uploads are read as they come."""


class Nothing(Wire):
    """No field at all: what a route takes, or answers, that has nothing to be told or to tell."""


def without_secrets(schema: Schema | None, media: Any) -> Any:
    """Return an answer with what is shown once replaced by null."""
    if schema is None or not isinstance(media, dict):
        return media
    hidden = {
        field.data_key or name
        for name, field in schema.fields.items()
        if field.metadata.get(SHOWN_ONCE)
    }
    return {name: None if name in hidden else value for name, value in media.items()}

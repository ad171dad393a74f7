"""Lists: pagination in and out (G-12), filters and sorting (G-13)."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

from api.schemas.wire import Whole, Wire, camel

DEFAULT_LIMIT: Final = 20
MOST: Final = 100
MOST_PAGES: Final = 5_000
"""Past these one filters: the database walks over every row that is skipped."""

MOST_CHOICES: Final = 50
"""Values one filter may name."""


class PageQuery(Wire):
    """`?page=2&limit=20`. A list's own query inherits it and adds filters."""

    page = Whole(text=True, load_default=1, validate=validate.Range(1, MOST_PAGES))
    limit = Whole(text=True, load_default=DEFAULT_LIMIT, validate=validate.Range(1, MOST))


class Pagination(Wire):
    """Where a page stands among all."""

    page = fields.Integer(metadata={"example": 1})
    limit = fields.Integer(metadata={"example": 20})
    total = fields.Integer(metadata={"example": 1})
    total_pages = fields.Integer(metadata={"example": 1})
    has_more = fields.Boolean()


@cache
def page_of(item: type[Schema]) -> Schema:
    """Return the schema of one page of these; it dumps a `Listing`."""
    name = f"{item.__name__.removesuffix('Schema')}PageSchema"
    shape = {"data": fields.List(fields.Nested(item)), "pagination": fields.Nested(Pagination)}
    page: Schema = type(name, (Wire,), shape)()
    return page


class AnyOf(fields.Field[tuple[str, ...]]):
    """A filter `field=a,b`: any of these. Unknown values are refused when choices are given."""

    def __init__(self, *choices: str, **options: Any) -> None:
        """Take the values there are; none means any text."""
        super().__init__(**options)
        self.choices = choices

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        parts = str(value).split(",")
        if not all(parts) or len(parts) > MOST_CHOICES:
            raise ValidationError(f"Not a list of 1 to {MOST_CHOICES} values.")
        odd = [part for part in parts if self.choices and part not in self.choices]
        if odd:
            raise ValidationError(f"Must be any of: {', '.join(self.choices)}.")
        return tuple(dict.fromkeys(parts))


@dataclass(frozen=True, slots=True)
class Order:
    """What to sort by: a column's name, and which end comes first."""

    by: str
    descending: bool


class Sort(fields.Field[Order]):
    """`sort=-createdAt`: `-` means descending."""

    def __init__(self, *columns: str, **options: Any) -> None:
        """Take the columns one may sort by, snake_case."""
        super().__init__(**options)
        self.columns = {camel(column): column for column in columns}

    @property
    def choices(self) -> tuple[str, ...]:
        """Every value there is, as the wire spells it."""
        return tuple(f"{sign}{name}" for name in self.columns for sign in ("", "-"))

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else f"{'-' * value.descending}{camel(value.by)}"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Order:
        text = str(value)
        name = text.removeprefix("-")
        if name not in self.columns or text not in self.choices:
            raise ValidationError(f"Must be one of: {', '.join(self.choices)}.")
        return Order(self.columns[name], descending=text.startswith("-"))

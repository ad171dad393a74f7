"""Listings: one page of many rows, and how many there are (G-12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from peewee import ModelSelect


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of one page, and where that page stands among all."""

    data: Sequence[Any]
    page: int
    limit: int
    total: int

    @classmethod
    def of(cls, rows: "ModelSelect[Any]", *, page: int, limit: int) -> Self:
        """Count the rows of a select and fetch one page of them."""
        return cls(list(rows.paginate(page, limit)), page, limit, rows.count())

    @property
    def total_pages(self) -> int:
        """How many pages there are; none when there is nothing."""
        return -(-self.total // self.limit)

    @property
    def has_more(self) -> bool:
        """Whether a page follows this one."""
        return self.page < self.total_pages

    @property
    def pagination(self) -> Self:
        """The numbers of the listing, the way the wire nests them."""
        return self

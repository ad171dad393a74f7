"""How far a book's pages are, counted from their rows."""

from dataclasses import dataclass
from typing import Final

from jobs.pages.generate import progress_of
from models.books import Book
from models.kernel.database import database

MOST_NUMBERS: Final = 1_000

_COUNTS: Final = """
select count(*) filter (where sizes ? 'ultra'),
       count(*) filter (where sizes ? 'medium'),
       coalesce(array_agg(number order by number) filter (where failure is not null), '{}')
from page where book_id = %s
"""
_WISH: Final = """
insert into page_wish (book_id, number) values (%s, %s) on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class State:
    """The counts of P-07, and which pages failed (the first thousand)."""

    counts: dict[str, int]
    failed_numbers: list[int]


def of(book: Book) -> State:
    """Count a book's pages."""
    ((completed, viewable, failed),) = database.rows(_COUNTS, (book.id,))
    counts = progress_of(book.page_count or 0, completed, viewable, len(failed))
    return State(counts, failed[:MOST_NUMBERS])


def wish(book: Book, number: int) -> None:
    """Ask for a page before its turn; only while pages are being drawn."""
    is_page = book.page_count is None or 1 <= number <= book.page_count
    if is_page and book.pages_status in {"pending", "processing"}:
        database.rows(_WISH, (book.id, number))

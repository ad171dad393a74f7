"""Covers: back from a custom one to page 1 (P-08). Making one is in `jobs/pages/cover.py`."""

from jobs.events import Happening, record
from models.books import Book
from models.kernel.database import database
from models.kernel.errors import NotFound
from models.kernel.ids import wire_id


def revert(book: Book) -> None:
    """Show page 1 again; raise `NotFound` when there is no custom cover."""
    if book.custom_cover is None:
        raise NotFound("this book has no custom cover")
    with database.unit():
        Book.update(custom_cover=None).where(Book.id == book.id).execute()
        data = {"book": {"id": wire_id("book", book.id)}, "isCustom": False}
        record(Happening(book.account_id, book.mode, "book.cover.updated", data))

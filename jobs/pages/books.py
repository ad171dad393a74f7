"""A book on this machine's disk, for as long as something reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast
from uuid import UUID

from jobs.pages.renderer import Format, Layout, Source
from jobs.run import Effect, FinalFailure
from models.books import Book, StoredFile
from models.kernel.blobs import Blobs
from models.kernel.errors import Cancelled, DocumentRefused

_REFUSE: Final = """
update book set text_status = case text_status when 'completed' then text_status else 'failed' end,
                pages_status = 'failed', error_code = %s, error_message = %s, updated_at = now()
where id = %s
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """An open book: its record, its document, and a folder for what is made of it."""

    book: Book
    source: Source
    scratch: Path


@contextmanager
def opened(book_id: UUID, blobs: Blobs, workroom: Path) -> Iterator[Desk]:
    """Put a book on the desk; what lies in its scratch folder is gone afterwards.

    Raises `Cancelled` when the book has been deleted. A document that no later try will open ends
    the job, and the book says why.
    """
    book = Book.get_or_none(Book.id == book_id, Book.deleted_at.is_null())
    if book is None:
        raise Cancelled("the book has been deleted")
    key = StoredFile.get_by_id(bytes(book.file_sha256)).key
    with TemporaryDirectory(dir=workroom, prefix="book-") as folder:
        scratch = Path(folder)
        path = blobs.local_path(key)
        if path is None:
            path = scratch / "document"
            blobs.fetch(key, path)
        layout = Layout(**book.layout) if book.layout else None
        kind = cast("Format", book.format)  # the table's check allows no other
        source = Source(path, kind, layout) if layout else Source(path, kind)
        try:
            yield Desk(book, source, scratch)
        except DocumentRefused as error:
            words = error.message or "the document cannot be opened"
            raise FinalFailure(error, [Effect(_REFUSE, (error.code, words, book_id))]) from error

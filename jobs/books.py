"""Books: taking in an uploaded file, and what happens with the book's record."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg2 import Binary
from psycopg2.extras import Json

from jobs.events import Happening, record
from jobs.formats import Format
from jobs.language import language_of
from jobs.pages.generate import GeneratePages
from jobs.pages.renderer import DEFAULT_LAYOUT
from jobs.pages.text import ReadText
from jobs.queue import Queue, Sender, Wishes
from jobs.quotas import BOOKS, STORAGE, claim
from models import engine
from models.books import Book
from models.engine import Accepted
from models.jobs import JobRow
from models.kernel.blobs import Blobs
from models.kernel.clock import wire_time
from models.kernel.database import database
from models.kernel.ids import new_id, wire_id

REFLOWABLE: Final = frozenset({"epub", "mobi", "txt"})
LONGEST_NAME: Final = 255

LOCK_CONTENT: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
"""Held by who takes the content of this hash in, and by who removes it."""

_KEEP_FILE: Final = """
insert into stored_file (sha256, size, key) values (%s, %s, %s)
on conflict (sha256) do nothing
"""
_ADD_BOOK: Final = """
insert into book (id, account_id, owner_id, mode, title, author, description, category, language,
                  isbn, metadata, visibility, format, file_sha256, file_name, file_size, layout)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_CHANGEABLE: Final = frozenset(
    {"title", "author", "description", "category", "language", "isbn", "metadata", "visibility"}
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived whole, under a key of its own until it is taken in."""

    key: str
    sha256: bytes
    size: int
    format: Format
    file_name: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Who uploads, by which request."""

    account_id: UUID
    user_id: UUID
    mode: str
    request_id: str | None

    @property
    def sender(self) -> Sender:
        """The same, as jobs want it."""
        return Sender(self.account_id, self.mode, self.request_id, self.user_id)


@dataclass(slots=True)
class Shelf:
    """Where books are taken in: the record, the file and the first jobs, or none of them."""

    queue: Queue
    blobs: Blobs
    accepted: list[Accepted] = field(default_factory=list)

    def admit(self, upload: Upload, owner: Owner) -> None:
        """Take a book of its owner's quotas, in the transaction that is open; refuse one too many.

        Raises `Conflict`, or `PayloadTooLarge` when it would be too many bytes.
        """
        claim(owner.user_id, {BOOKS: 1, STORAGE: upload.size})

    def settle_file(self, upload: Upload) -> str:
        """Move an upload to where its content belongs; the same content is stored once (K-05).

        In the transaction that then adds the book: nobody purges that content meanwhile.
        """
        digest = upload.sha256.hex()
        database.rows(LOCK_CONTENT, (digest,))
        key = f"files/{digest[:2]}/{digest}"
        self.blobs.move(upload.key, key)
        return key

    def add(self, upload: Upload, key: str, owner: Owner, about: dict[str, Any]) -> UUID:
        """Write the record and accept its jobs, in the transaction that is open."""
        book_id = new_id()
        layout = layout_of(upload.format)
        language = about.get("language") or language_of(upload.file_name)
        database.rows(_KEEP_FILE, (Binary(upload.sha256), upload.size, key))
        database.rows(
            _ADD_BOOK,
            (
                book_id, owner.account_id, owner.user_id, owner.mode, about["title"],
                about.get("author"), about.get("description"), about.get("category"), language,
                about.get("isbn"), Json(about.get("metadata") or {}), about["visibility"],
                upload.format, Binary(upload.sha256), upload.file_name[:LONGEST_NAME],
                upload.size, layout and Json(layout),
            ),
        )  # fmt: skip
        for job in (ReadText(book_id), GeneratePages(book_id)):
            draft = self.queue.draft(job, owner.sender, Wishes())
            self.accepted.append(engine.accept(draft))
        book = Book.get_by_id(book_id)
        record(_happened(book, "book.created"))
        return book_id

    def ring(self) -> None:
        """After the commit: post the jobs that were accepted."""
        for accepted in self.accepted:
            self.queue.post(accepted)


def layout_of(kind: Format) -> dict[str, float] | None:
    """Return the one layout a book without pages of its own keeps for ever."""
    if kind not in REFLOWABLE:
        return None
    layout = DEFAULT_LAYOUT
    return {"width": layout.width, "height": layout.height, "font_size": layout.font_size}


def change(book: Book, changes: dict[str, Any], now: datetime) -> Book:
    """Change what an owner may change, and say so."""
    given = {name: value for name, value in changes.items() if name in _CHANGEABLE}
    with database.unit():
        if given:
            Book.update(**given, updated_at=now).where(Book.id == book.id).execute()
            record(_happened(Book.get_by_id(book.id), "book.updated"))
    fresh: Book = Book.get_by_id(book.id)
    return fresh


def delete(book: Book, now: datetime, queue: Queue) -> None:
    """Hide a book at once; its files go when it is purged. What is being done for it stops."""
    with database.unit():
        gone = (
            Book.update(deleted_at=now)
            .where(Book.id == book.id, Book.deleted_at.is_null())
            .execute()
        )
        if gone:
            record(_happened(book, "book.deleted"))
    for row in JobRow.open_about(book.id):
        queue.cancel(row)


def _happened(book: Book, kind: str) -> Happening:
    data = {
        "book": {
            "id": wire_id("book", book.id),
            "title": book.title,
            "visibility": book.visibility,
            "format": book.format,
            "createdAt": wire_time(book.created_at),
        }
    }
    return Happening(book.account_id, book.mode, kind, data)

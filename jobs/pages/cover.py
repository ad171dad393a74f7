"""Custom covers: any picture becomes a JPEG 800 px wide (P-08)."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final
from uuid import UUID

from psycopg2.extras import Json

from jobs.events import Happening
from jobs.job import Job
from jobs.pages.renderer import Renderer
from jobs.run import Effect, Outcome, Run
from models.books import Book
from models.kernel.blobs import Blobs
from models.kernel.errors import Cancelled
from models.kernel.ids import wire_id

_SET: Final = "update book set custom_cover = %s, updated_at = now() where id = %s"


@dataclass(frozen=True, slots=True)
class SetCover(Job):
    """Make an uploaded picture the cover of a book. `name` is the picture's hash."""

    name: ClassVar[str] = "book.cover"
    queue: ClassVar[str] = "default"

    book_id: UUID
    upload_key: str
    digest: str

    @property
    def subject(self) -> UUID:
        """The book."""
        return self.book_id


def set_cover(job: SetCover, renderer: Renderer, blobs: Blobs, workroom: Path, run: Run) -> Outcome:
    """Keep the picture at cover size, and show it from now on.

    Raises `UnsupportedMediaType` for a file that is no picture after all.
    """
    book = Book.get_or_none(Book.id == job.book_id, Book.deleted_at.is_null())
    if book is None:
        raise Cancelled("the book has been deleted")
    key = f"books/{book.id.hex}/covers/{job.digest}.jpg"
    with TemporaryDirectory(dir=workroom, prefix="cover-") as folder:
        picture, small = Path(folder) / "picture", Path(folder) / "cover.jpg"
        blobs.fetch(job.upload_key, picture)
        file = renderer.cover(picture, small)
        run.check()
        blobs.put_file(key, file.path)
    cover = {
        "key": key,
        "name": job.digest,
        "width": file.width_px,
        "height": file.height_px,
        "size": file.size_bytes,
    }
    data = {"book": {"id": wire_id("book", book.id)}, "isCustom": True}
    once = f"cover:{run.job_id}"
    updated = Happening(book.account_id, book.mode, "book.cover.updated", data, once)
    return Outcome(cover, effects=[Effect(_SET, (Json(cover), book.id)), updated.effect])

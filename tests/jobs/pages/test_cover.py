"""Custom covers: sized, kept under their own hash, and never half (P-08)."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.covers import revert
from jobs.pages.cover import SetCover, set_cover
from jobs.run import Outcome
from models.books import Book
from models.kernel.blobs import Blobs
from models.kernel.clock import SystemClock
from models.kernel.errors import Cancelled, NotFound, UnsupportedMediaType
from tests.fakes.renderer import FakeRenderer
from tests.fakes.run import FakeRun, applied
from tests.jobs.pages.conftest import MakeBook
from tests.rows import told
from workers.adapters.pages.renderer import MuPdfRenderer

DIGEST = "0123456789abcdef" * 4
PICTURE = b"\x89PNG\r\n\x1a\n a picture"


def put(
    book: Book, blobs: Blobs, room: Path, *, renderer: Any = None, picture: bytes = PICTURE,
    run: FakeRun | None = None,
) -> Outcome:  # fmt: skip
    blobs.put("uploads/1", picture)
    job = SetCover(book.id, "uploads/1", DIGEST)
    run = run or FakeRun(book.account_id)
    outcome = set_cover(job, renderer or FakeRenderer(), blobs, room, run)
    applied(outcome.effects)
    return outcome


def fresh(book: Book) -> Book:
    row: Book = Book.get_by_id(book.id)
    return row


def test_a_picture_is_kept_at_cover_size_and_shown(book: Book, blobs: Blobs, room: Path) -> None:
    outcome = put(book, blobs, room)

    cover = fresh(book).custom_cover
    assert cover == outcome.result
    assert cover["key"] == f"books/{book.id.hex}/covers/{DIGEST}.jpg"
    assert blobs.facts(cover["key"]).size == cover["size"]
    assert fresh(book).shown_cover == cover
    assert list(room.iterdir()) == []


def test_putting_it_again_says_so_once(book: Book, blobs: Blobs, room: Path) -> None:
    run = FakeRun(book.account_id)

    put(book, blobs, room, run=run)
    put(book, blobs, room, run=run)

    assert [(kind, data["isCustom"]) for kind, data in told(book.account_id)] == [
        ("book.cover.updated", True)
    ]


def test_what_is_no_picture_changes_nothing(book: Book, blobs: Blobs, room: Path) -> None:
    with pytest.raises(UnsupportedMediaType):
        put(book, blobs, room, picture=b"no picture")

    assert fresh(book).custom_cover is None
    assert list(room.iterdir()) == []
    with pytest.raises(NotFound):
        blobs.facts(f"books/{book.id.hex}/covers/{DIGEST}.jpg")


def test_a_picture_that_is_gone_meanwhile_is_not_found(
    book: Book, blobs: Blobs, room: Path
) -> None:
    job = SetCover(book.id, "uploads/gone", DIGEST)

    with pytest.raises(NotFound):
        set_cover(job, FakeRenderer(), blobs, room, FakeRun(book.account_id))


def test_a_cancelled_job_keeps_nothing(book: Book, blobs: Blobs, room: Path) -> None:
    with pytest.raises(Cancelled):
        put(book, blobs, room, run=FakeRun(book.account_id, stops=Cancelled()))

    with pytest.raises(NotFound):
        blobs.facts(f"books/{book.id.hex}/covers/{DIGEST}.jpg")


def test_a_deleted_book_gets_no_cover(make_book: MakeBook, blobs: Blobs, room: Path) -> None:
    with pytest.raises(Cancelled):
        put(make_book(deleted_at=SystemClock().now()), blobs, room)


@pytest.mark.parametrize("size", [(40, 60), (3_000, 1_000), (800, 800)])
def test_the_real_renderer_makes_it_800_px_wide(
    book: Book, blobs: Blobs, room: Path, size: tuple[int, int]
) -> None:
    out = io.BytesIO()
    Image.new("RGBA", size, "teal").save(out, "PNG")

    cover = put(
        book, blobs, room, renderer=MuPdfRenderer(SystemClock()), picture=out.getvalue()
    ).result

    image = Image.open(io.BytesIO(blobs.read(cover["key"])))
    assert (image.format, image.width) == ("JPEG", 800)
    assert image.size == (cover["width"], cover["height"])


def test_reverting_shows_page_1_again_and_says_so(book: Book, blobs: Blobs, room: Path) -> None:
    put(book, blobs, room)

    revert(fresh(book))

    assert fresh(book).custom_cover is None
    assert [data["isCustom"] for _, data in told(book.account_id)] == [True, False]
    with pytest.raises(NotFound):
        revert(fresh(book))

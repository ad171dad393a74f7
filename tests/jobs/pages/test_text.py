"""Text: every page's words and boxes, kept once, before any image is drawn."""

from pathlib import Path
from typing import Any

import pytest

from jobs.pages.renderer import Word
from jobs.pages.text import BATCH, ReadText, packed, read_text, unpacked
from jobs.run import FinalFailure, LeaseLost, Outcome
from models.books import Book, Page, PageText
from models.kernel.blobs import Blobs
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.errors import Cancelled, DocumentEncrypted
from tests import documents
from tests.fakes.renderer import FakeRenderer
from tests.fakes.run import FakeRun, applied
from tests.jobs.pages.conftest import MakeBook
from workers.adapters.pages.renderer import MuPdfRenderer


class Desk:
    """Reads a book as a worker does."""

    def __init__(self, blobs: Blobs, room: Path) -> None:
        self.blobs = blobs
        self.room = room

    def read(self, book: Book, renderer: Any, run: FakeRun | None = None) -> Outcome:
        job = ReadText(book.id)
        try:
            outcome = read_text(
                job, renderer, self.blobs, self.room, run or FakeRun(book.account_id)
            )
        except FinalFailure as failure:
            applied(failure.effects)
            raise
        applied(outcome.effects)
        return outcome


@pytest.fixture
def desk(blobs: Blobs, room: Path) -> Desk:
    return Desk(blobs, room)


def texts(book: Book) -> list[str]:
    rows = PageText.select().where(PageText.book == book.id).order_by(PageText.number)
    return [row.content for row in rows]


def fresh(book: Book) -> Book:
    row: Book = Book.get_by_id(book.id)
    return row


def test_every_page_is_kept_with_its_words_and_its_size(desk: Desk, book: Book) -> None:
    outcome = desk.read(book, FakeRenderer("one two", "three"))

    assert texts(book) == ["one two", "three"]
    assert [word.text for word in unpacked(bytes(PageText.get(number=1).words))] == ["one", "two"]
    assert [(page.width, page.height, page.sizes) for page in Page.of(book)] == [
        (612, 792, {}), (612, 792, {}),
    ]  # fmt: skip
    assert outcome.result == {"pages": 2, "failed": 0}
    assert (fresh(book).text_status, fresh(book).page_count) == ("completed", 2)


def test_what_a_document_says_of_itself_fills_only_what_nobody_said(
    desk: Desk, make_book: MakeBook
) -> None:
    silent, told = make_book(), make_book(author="Ada", language="fr")

    for book in (silent, told):
        desk.read(book, FakeRenderer("one", language="de"))

    assert (fresh(silent).author, fresh(silent).language) == ("Anon", "de")
    assert (fresh(told).author, fresh(told).language) == ("Ada", "fr")


def test_reading_again_changes_nothing(desk: Desk, book: Book) -> None:
    many = [f"page {number}" for number in range(BATCH * 2 + 1)]
    desk.read(book, FakeRenderer(*many))
    Page.update(sizes={"medium": 7}).where(Page.book == book.id, Page.number == 1).execute()

    desk.read(book, FakeRenderer(*many))

    assert texts(book) == many
    assert Page.of(book).first().sizes == {"medium": 7}


def test_text_is_kept_as_it_is_read(desk: Desk, book: Book) -> None:
    run = FakeRun(book.account_id, stops=LeaseLost(), after=BATCH + 10)

    with pytest.raises(LeaseLost):
        desk.read(book, FakeRenderer(*(["page"] * BATCH * 3)), run)

    assert len(texts(book)) == BATCH
    assert fresh(book).text_status == "processing"
    assert run.steps == [(BATCH, BATCH * 3)]


@pytest.mark.parametrize(
    ("broken", "status", "kept"), [([2], "partial", 2), ([1, 2, 3], "failed", 0)]
)
def test_pages_that_cannot_be_read_are_counted(
    desk: Desk, book: Book, broken: list[int], status: str, kept: int
) -> None:
    outcome = desk.read(book, FakeRenderer("a", "b", "c", broken=broken))

    assert outcome.result == {"pages": kept, "failed": len(broken)}
    assert fresh(book).text_status == status
    assert len(texts(book)) == kept


def test_text_is_found_by_its_words(desk: Desk, book: Book, database: Pool) -> None:
    desk.read(book, FakeRenderer("the walrus", "the king"))

    found = database.rows(
        "select number from page_text where search @@ to_tsquery('simple', 'walrus')"
    )
    assert found == [(1,)]


@pytest.mark.parametrize("odd", ["a\0b", "", "💥 عربي", "a" * 1_500_000, "word " * 300_000])
def test_text_of_any_kind_is_kept(desk: Desk, book: Book, odd: str) -> None:
    desk.read(book, FakeRenderer(odd))

    assert texts(book) == [odd.replace("\0", "")]


def test_a_document_that_cannot_be_opened_fails_the_book(desk: Desk, book: Book) -> None:
    with pytest.raises(FinalFailure):
        desk.read(book, FakeRenderer(refusal=DocumentEncrypted()))

    row = fresh(book)
    assert (row.text_status, row.error_code) == ("failed", "DOCUMENT_ENCRYPTED")
    assert row.error_message


def test_a_deleted_book_is_not_read(desk: Desk, make_book: MakeBook) -> None:
    renderer = FakeRenderer("one")

    with pytest.raises(Cancelled):
        desk.read(make_book(deleted_at=SystemClock().now()), renderer)

    assert renderer.reads == 0


DOCUMENTS = {
    "pdf": documents.text_pdf("the walrus lives", "in the sea"),
    "epub": documents.epub("the walrus lives", "in the sea"),
    "mobi": documents.mobi("the walrus lives in the sea"),
    "txt": b"the walrus lives in the sea",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_real_renderer_reads_every_format(desk: Desk, make_book: MakeBook, kind: str) -> None:
    book = make_book(DOCUMENTS[kind], format=kind)

    desk.read(book, MuPdfRenderer(SystemClock()))

    assert "the walrus lives in the sea" in " ".join(" ".join(texts(book)).split())
    assert fresh(book).text_status == "completed"


def test_words_are_unpacked_as_they_were_packed() -> None:
    words = [Word("walrus", 0.0, 1.5, 2.25, 3.0), Word("عربي", 100.1, 0.0, 6_000.0, 7.0)]

    unboxed = unpacked(packed(words))

    assert [word.text for word in unboxed] == ["walrus", "عربي"]
    for word, kept in zip(words, unboxed, strict=True):
        assert kept[1:] == pytest.approx(word[1:], abs=0.051)
    assert unpacked(packed([])) == []

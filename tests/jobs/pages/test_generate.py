"""Page images: all of them, once, in the order readers need (P-01, P-02, P-10)."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.pages.generate import FIRST_PAGES, GeneratePages, generate_pages, page_key
from jobs.pages.renderer import ALL_TIERS, SMALL, Tier
from jobs.run import FinalFailure, LeaseLost, Outcome
from models.books import Book, Page
from models.kernel.blobs import Blobs
from models.kernel.clock import SystemClock
from models.kernel.errors import Cancelled, DocumentCorrupt, DocumentEncrypted
from tests import documents, factories, rows
from tests.fakes.renderer import FakeRenderer
from tests.fakes.run import FakeRun, applied
from tests.jobs.pages.conftest import MakeBook
from workers.adapters.pages.renderer import MuPdfRenderer


@pytest.fixture
def run(book: Book) -> FakeRun:
    return FakeRun(book.account_id)


class Studio:
    """Draws a book as a worker does: the function, then what its end changes."""

    def __init__(self, blobs: Blobs, room: Path) -> None:
        self.blobs = blobs
        self.room = room

    def draw(self, book: Book, renderer: Any, run: FakeRun | None = None, **wish: Any) -> Outcome:
        job = GeneratePages(book.id, **wish)
        run = run or FakeRun(book.account_id)
        try:
            outcome = generate_pages(job, renderer, self.blobs, self.room, run)
        except FinalFailure as failure:
            applied(failure.effects)
            raise
        applied(outcome.effects)
        return outcome


@pytest.fixture
def studio(blobs: Blobs, room: Path) -> Studio:
    return Studio(blobs, room)


def pages(count: int) -> FakeRenderer:
    return FakeRenderer(*(f"page {number}" for number in range(1, count + 1)))


def events(book: Book) -> list[str]:
    return [kind.rpartition(".")[2] for kind in rows.events(book.account_id)]


def fresh(book: Book) -> Book:
    row: Book = Book.get_by_id(book.id)
    return row


def test_every_page_is_kept_in_four_tiers(studio: Studio, book: Book, blobs: Blobs) -> None:
    outcome = studio.draw(book, pages(3))

    for number in (1, 2, 3):
        for tier in ALL_TIERS:
            assert blobs.facts(page_key(book.id, tier, number)).size > 0
    rows = list(Page.of(book))
    assert [(row.number, set(row.sizes), row.failure) for row in rows] == [
        (number, set(ALL_TIERS), None) for number in (1, 2, 3)
    ]
    assert outcome.result == {
        "totalPages": 3, "completedPages": 3, "viewablePages": 3, "failedPages": 0,
        "percentage": 100,
    }  # fmt: skip
    assert (fresh(book).pages_status, fresh(book).page_count) == ("completed", 3)
    assert list(studio.room.iterdir()) == []


def test_the_first_pages_are_viewable_before_any_is_whole(studio: Studio, book: Book) -> None:
    renderer = pages(FIRST_PAGES + 2)

    studio.draw(book, renderer)

    first = [(n, tier) for n in range(1, FIRST_PAGES + 1) for tier in SMALL]
    assert renderer.drawn[: len(first)] == first
    assert len(renderer.drawn) == len(set(renderer.drawn)) == 4 * (FIRST_PAGES + 2)


def test_a_page_somebody_waits_for_comes_next_and_small(studio: Studio, book: Book) -> None:
    factories.page_wish(book, number=30)
    renderer = pages(40)

    studio.draw(book, renderer)

    order = [number for number, tier in renderer.drawn if tier is Tier.MEDIUM]
    assert order.index(30) <= FIRST_PAGES
    assert len(renderer.drawn) == len(set(renderer.drawn)) == 160


@pytest.mark.parametrize("number", [0, 41, 999_999])
def test_a_page_that_is_not_there_may_be_waited_for_in_vain(
    studio: Studio, book: Book, number: int
) -> None:
    factories.page_wish(book, number=number)

    assert studio.draw(book, pages(5)).result["completedPages"] == 5


def test_a_page_drawn_already_is_left_as_it_is(studio: Studio, book: Book) -> None:
    studio.draw(book, pages(3))
    again = pages(3)

    outcome = studio.draw(book, again)

    assert again.drawn == []
    assert outcome.result["completedPages"] == 3


def test_work_that_was_cut_goes_on_where_it_was(studio: Studio, book: Book) -> None:
    first, second = pages(20), pages(20)
    cut = FakeRun(book.account_id, stops=LeaseLost(), after=9)
    with pytest.raises(LeaseLost):
        studio.draw(book, first, cut)
    kept = {(row.number, tier) for row in Page.of(book) for tier in row.sizes}

    outcome = studio.draw(book, second)

    assert kept
    assert not kept & set(second.drawn)
    assert outcome.result["completedPages"] == 20


def test_with_again_every_page_is_drawn_anew_once_however_often_it_is_tried(
    studio: Studio, book: Book
) -> None:
    studio.draw(book, pages(3))
    run, first, second = FakeRun(book.account_id), pages(3), pages(3)

    studio.draw(book, first, run, again=True)
    studio.draw(book, second, run, again=True)

    assert len(set(first.drawn)) == 12
    assert second.drawn == []


def test_one_failing_page_does_not_stop_the_rest(studio: Studio, book: Book) -> None:
    renderer = FakeRenderer("one", "two", "three", broken=[2])

    outcome = studio.draw(book, renderer)

    assert (outcome.result["completedPages"], outcome.result["failedPages"]) == (2, 1)
    assert fresh(book).pages_status == "partial"
    assert [row.failure for row in Page.of(book)] == [None, "damaged", None]
    assert events(book)[-1] == "completed"


def test_a_page_that_failed_is_tried_once_a_job_and_again_by_the_next(
    studio: Studio, book: Book
) -> None:
    run = FakeRun(book.account_id)
    studio.draw(book, FakeRenderer("one", "two", broken=[2]), run)
    same, other = FakeRenderer("one", "two"), FakeRenderer("one", "two")

    studio.draw(book, same, run)
    studio.draw(book, other)

    assert same.drawn == []
    assert {number for number, _ in other.drawn} == {2}
    assert [row.failure for row in Page.of(book)] == [None, None]
    assert fresh(book).pages_status == "completed"


def test_not_one_page_is_a_failure_that_the_book_tells(studio: Studio, book: Book) -> None:
    with pytest.raises(FinalFailure) as failure:
        studio.draw(book, FakeRenderer("one", "two", broken=[1, 2]))

    assert isinstance(failure.value.cause, DocumentCorrupt)
    assert fresh(book).pages_status == "failed"
    assert events(book) == ["started", "failed"]


def test_a_document_that_cannot_be_opened_says_why(studio: Studio, book: Book) -> None:
    with pytest.raises(FinalFailure):
        studio.draw(book, FakeRenderer(refusal=DocumentEncrypted("it wants a password")))

    row = fresh(book)
    assert (row.pages_status, row.text_status) == ("failed", "failed")
    assert (row.error_code, row.error_message) == ("DOCUMENT_ENCRYPTED", "it wants a password")
    assert list(studio.room.iterdir()) == []


def test_page_1_is_the_cover(studio: Studio, book: Book) -> None:
    studio.draw(book, pages(2))

    cover = fresh(book).cover
    assert cover["key"] == page_key(book.id, Tier.MEDIUM, 1)
    assert cover["width"] == 800


def test_progress_is_an_event_every_ten_percent_and_once(studio: Studio, book: Book) -> None:
    run = FakeRun(book.account_id)

    studio.draw(book, pages(30), run)
    studio.draw(book, pages(30), run)

    assert events(book) == ["started", *["progress"] * 10, "completed"]
    assert run.steps[-1] == (30, 30)


def test_a_deleted_book_is_not_drawn(studio: Studio, make_book: MakeBook) -> None:
    gone = make_book(deleted_at=SystemClock().now())
    renderer = pages(1)

    with pytest.raises(Cancelled):
        studio.draw(gone, renderer)

    assert (renderer.drawn, renderer.reads) == ([], 0)


def test_the_real_renderer_draws_what_it_is_given(
    studio: Studio, make_book: MakeBook, blobs: Blobs
) -> None:
    book = make_book(documents.text_pdf("one", "two"))

    outcome = studio.draw(book, MuPdfRenderer(SystemClock()))

    assert outcome.result["completedPages"] == 2
    for tier in ALL_TIERS:
        image = Image.open(io.BytesIO(blobs.read(page_key(book.id, tier, 2))))
        assert (image.format, image.width) == ("JPEG", tier.width)
    assert [row.sizes[tier] for row in Page.of(book) for tier in ALL_TIERS][:4] == [
        blobs.facts(page_key(book.id, tier, 1)).size for tier in ALL_TIERS
    ]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (documents.encrypted_pdf, "DOCUMENT_ENCRYPTED"),
        (documents.truncated_pdf, "DOCUMENT_CORRUPT"),
        (documents.empty_pdf, "DOCUMENT_EMPTY"),
    ],
    ids=["encrypted", "truncated", "empty"],
)
def test_what_only_a_renderer_can_know_fails_in_the_open(
    studio: Studio, make_book: MakeBook, make: Any, code: str
) -> None:
    book = make_book(make())

    with pytest.raises(FinalFailure):
        studio.draw(book, MuPdfRenderer(SystemClock()))

    assert (fresh(book).pages_status, fresh(book).error_code) == ("failed", code)
    assert Page.of(book).count() == 0

"""Books as verbs: taken in whole or not at all, changed, deleted."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from peewee import IntegrityError

from jobs.books import Owner, Shelf, Upload, change, delete
from jobs.pages.renderer import DEFAULT_LAYOUT
from jobs.queue import Queue
from models.accounts import Person
from models.books import Book, StoredFile
from models.events import Event
from models.jobs import JobRow
from models.kernel.blobs import Blobs, open_blobs
from models.kernel.clock import SystemClock
from models.kernel.database import Pool, database
from models.kernel.settings import Settings
from tests import factories
from tests.fakes.postman import FakePostman
from tests.rows import events

CONTENT = b"%PDF-1.7 a book"
ABOUT = {"title": "A Book", "visibility": "private"}


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(Settings(home=tmp_path))


@pytest.fixture
def person(database: Pool) -> Person:
    return factories.person()


@pytest.fixture
def owner(person: Person) -> Owner:
    return Owner(person.account_id, person.id, "live", "req_1")


@pytest.fixture
def shelf(queue: Queue, blobs: Blobs) -> Shelf:
    return Shelf(queue, blobs)


def arrived(blobs: Blobs, content: bytes = CONTENT, **other: Any) -> Upload:
    blobs.put("uploads/1", content)
    usual: dict[str, Any] = {"format": "pdf", "file_name": "book.pdf"}
    return Upload("uploads/1", sha256(content).digest(), len(content), **{**usual, **other})


def shelved(shelf: Shelf, upload: Upload, owner: Owner, **about: Any) -> Book:
    with database.unit():
        key = shelf.settle_file(upload)
        book_id = shelf.add(upload, key, owner, {**ABOUT, **about})
    shelf.ring()
    book: Book = Book.get_by_id(book_id)
    return book


def test_a_book_is_taken_in_with_its_file_its_jobs_and_its_event(
    shelf: Shelf, blobs: Blobs, owner: Owner, postman: FakePostman
) -> None:
    book = shelved(shelf, arrived(blobs), owner)
    file = StoredFile.get()
    jobs = list(JobRow.select().order_by(JobRow.type))

    assert (bytes(book.file_sha256), book.file_size) == (sha256(CONTENT).digest(), len(CONTENT))
    assert blobs.read(file.key) == CONTENT
    assert [job.type for job in jobs] == ["book.text", "pages.generate"]
    assert {(job.account_id, job.mode, job.request_id) for job in jobs} == {
        (owner.account_id, "live", "req_1")
    }
    assert set(postman.posted) == {job.id for job in jobs}
    assert events(owner.account_id) == ["book.created"]


def test_the_same_content_is_one_file_and_two_books(
    shelf: Shelf, blobs: Blobs, owner: Owner
) -> None:
    first = shelved(shelf, arrived(blobs), owner)
    second = shelved(shelf, arrived(blobs), owner, title="Another")

    assert first.id != second.id
    assert StoredFile.select().count() == 1
    assert blobs.read(StoredFile.get().key) == CONTENT


def test_when_the_transaction_fails_nothing_is_kept_and_nobody_is_rung(
    shelf: Shelf, blobs: Blobs, owner: Owner, postman: FakePostman
) -> None:
    with pytest.raises(IntegrityError):
        shelved(shelf, arrived(blobs, format="scroll"), owner, visibility=None, title=None)

    assert not postman.posted
    for table in (Book, StoredFile, JobRow):
        assert table.select().count() == 0
    assert events(owner.account_id) == []


@pytest.mark.parametrize("kind", ["epub", "mobi", "txt"])
def test_a_book_without_pages_of_its_own_keeps_the_layout_it_is_set_in(
    shelf: Shelf, blobs: Blobs, owner: Owner, kind: str
) -> None:
    book = shelved(shelf, arrived(blobs, format=kind), owner)

    assert book.layout == {
        "width": DEFAULT_LAYOUT.width,
        "height": DEFAULT_LAYOUT.height,
        "font_size": DEFAULT_LAYOUT.font_size,
    }


def test_a_pdf_has_its_own_pages(shelf: Shelf, blobs: Blobs, owner: Owner) -> None:
    assert shelved(shelf, arrived(blobs), owner).layout is None


def test_a_language_that_is_given_wins_over_the_files_name(
    shelf: Shelf, blobs: Blobs, owner: Owner
) -> None:
    upload = arrived(blobs, file_name="kitab_ar.pdf")

    assert shelved(shelf, upload, owner).language == "ar"
    assert (
        shelved(shelf, arrived(blobs, file_name="kitab_ar.pdf"), owner, language="fr").language
        == "fr"
    )


def test_a_change_keeps_to_what_may_be_changed(person: Person) -> None:
    book = factories.book(person)

    changed = change(book, {"title": "New", "format": "epub", "mode": "test"}, SystemClock().now())

    assert (changed.title, changed.format, changed.mode) == ("New", "pdf", "live")
    assert changed.updated_at > book.updated_at


def test_deleting_twice_says_so_once_and_stops_the_books_jobs_alone(
    person: Person, queue: Queue
) -> None:
    book, now = factories.book(person), SystemClock().now()
    about = factories.job(person.account_id, subject_id=book.id)
    other = factories.job(person.account_id)

    delete(book, now, queue)
    delete(book, now, queue)

    assert Book.get_by_id(book.id).deleted_at == now
    assert Event.select().where(Event.type == "book.deleted").count() == 1
    assert JobRow.get_by_id(about.id).state == "cancelled"
    assert JobRow.get_by_id(other.id).state == "queued"

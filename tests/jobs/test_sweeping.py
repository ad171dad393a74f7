"""What was deleted, or is over, goes for good after its time, and nothing else does."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.schedules.pulse import Interrupted, Pulse
from jobs.sweeping import purge_books, purge_files, sweep, sweep_uploads
from models.addresses import IpRule
from models.batches import Batch
from models.books import Book, Page, StoredFile
from models.chats import CachedAnswer
from models.files import File
from models.kernel.blobs import Blobs, open_blobs
from models.kernel.clock import SystemClock
from models.kernel.settings import Settings
from models.organizations import Invitation
from tests import factories
from tests.batch_factories import batch, file
from tests.chat_factories import cached_answer
from tests.organization_factories import invitation
from tests.people_factories import ip_rule

pytestmark = pytest.mark.usefixtures("database")

CLOCK = SystemClock()
DAYS = 30
NOW = CLOCK.now()
OLD, FRESH = NOW - timedelta(days=31), NOW - timedelta(days=29)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(Settings(home=tmp_path))


@pytest.fixture
def pulse() -> Pulse:
    return Pulse(CLOCK, 60)


def keys(blobs: Blobs, tmp_path: Path) -> set[str]:
    """Return every blob there is."""
    folder = tmp_path / "blobs"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_book_is_purged_with_its_pages_and_a_file_that_no_other_book_shows(
    blobs: Blobs, pulse: Pulse, tmp_path: Path
) -> None:
    old = factories.book(content=b"alone", deleted_at=OLD)
    twin = factories.book(content=b"twice", deleted_at=OLD)
    kept = factories.book(content=b"twice")
    fresh = factories.book(content=b"fresh", deleted_at=FRESH)
    factories.page(old)
    for book in (old, twin, kept, fresh):
        blobs.put(f"books/{book.id.hex}/pages/medium/1.jpg", b"a page")
        blobs.put(StoredFile.get(StoredFile.sha256 == book.file_sha256).key, b"a book")

    assert purge_books(DAYS, blobs, CLOCK, pulse) == "purged 2 books"
    assert purge_books(DAYS, blobs, CLOCK, pulse) == "purged 0 books"

    assert {book.id for book in Book.select()} == {kept.id, fresh.id}
    assert Page.select().count() == 0
    left = {f"books/{book.id.hex}/pages/medium/1.jpg" for book in (kept, fresh)}
    assert keys(blobs, tmp_path) == left | {stored.key for stored in StoredFile.select()}
    assert StoredFile.select().count() == 2


def test_files_and_batches_go_but_not_what_a_batch_tells_of(
    blobs: Blobs, pulse: Pulse, tmp_path: Path
) -> None:
    blobs.put("gone", b"what a process that died has left")
    file(key="gone", deleted_at=OLD)
    fresh, mine = file(deleted_at=FRESH), file()
    batch(deleted_at=OLD)
    told_of = file(deleted_at=OLD)
    living = batch(input_file_id=told_of.id)

    told = purge_files(DAYS, blobs, CLOCK, pulse)

    assert told == "purged 1 batches and 1 files"
    assert [each.id for each in Batch.select()] == [living.id]
    assert {fresh.id, mine.id, told_of.id} <= {each.id for each in File.select()}
    assert keys(blobs, tmp_path) == set()


def test_what_is_over_is_forgotten_after_its_time(pulse: Pulse) -> None:
    cached_answer(created_at=NOW - timedelta(hours=25))
    cached_answer(created_at=NOW - timedelta(hours=12))
    for days in (91, 89):
        invitation(expires_at=NOW - timedelta(days=days))
        ip_rule(expires_at=NOW - timedelta(days=days))
    ip_rule(expires_at=None)

    assert sweep(CLOCK, pulse) == "forgot 1 answers, 1 invitations and 1 rules"

    assert [t.select().count() for t in (CachedAnswer, Invitation, IpRule)] == [1, 1, 2]


def test_an_upload_that_became_nothing_is_deleted_after_a_day(
    blobs: Blobs, pulse: Pulse, tmp_path: Path
) -> None:
    for key in ("uploads/old", "uploads/fresh", "books/old"):
        blobs.put(key, b"bytes")
    for key in ("uploads/old", "books/old"):
        path = tmp_path / "blobs" / key
        then = (NOW - timedelta(hours=25)).timestamp()
        os.utime(path, (then, then))

    assert sweep_uploads(blobs, CLOCK, pulse) == "deleted 1 uploads"

    assert keys(blobs, tmp_path) == {"uploads/fresh", "books/old"}


def test_a_run_that_is_interrupted_leaves_the_rest(blobs: Blobs, pulse: Pulse) -> None:
    factories.book(deleted_at=OLD)
    pulse.interrupt()

    with pytest.raises(Interrupted):
        purge_books(DAYS, blobs, CLOCK, pulse)

    assert Book.select().count() == 1

"""Sweeping: what was deleted, or is over, goes for good after its time (X-16, Z-05).

Blobs go before the row that leads to them, so that a process may die between any two statements.
Each statement takes a bounded number of rows.
"""

from datetime import timedelta
from typing import Any, Final

from peewee import SQL

from jobs.chats.cache import HOURS
from jobs.schedules.pulse import Pulse
from jobs.shredding import shred_book
from models.addresses import IpRule
from models.batches import Batch
from models.books import Book
from models.chats import CachedAnswer
from models.files import File
from models.kernel.blobs import Blobs
from models.kernel.clock import Clock
from models.kernel.database import Table
from models.organizations import Invitation

AT_ONCE: Final = 200
UPLOADS: Final = "uploads"
UPLOAD_FOR: Final = timedelta(days=1)
"""No request lasts so long."""
OVER_FOR: Final = timedelta(days=90)
"""How long invitations and rules on addresses are kept that are over."""

_OF_NO_BATCH: Final = SQL(
    "not exists (select from batch"
    " where t1.id in (batch.input_file_id, batch.output_file_id, batch.error_file_id))"
)


def purge_books(days: int, blobs: Blobs, clock: Clock, pulse: Pulse) -> str:
    """Purge the books that were deleted so many days ago, with pages and files; say how many."""
    old = Book.deleted_at < clock.now() - timedelta(days=days)
    total = 0
    while found := list(Book.select().where(old).order_by(Book.deleted_at).limit(AT_ONCE)):
        for book in found:
            pulse.check()
            shred_book(book, blobs)
        total += len(found)
    return f"purged {total} books"


def purge_files(days: int, blobs: Blobs, clock: Clock, pulse: Pulse) -> str:
    """Purge what is left of batches and files that were deleted so many days ago; say how many.

    A file stays as long as a batch that tells of it.
    """
    cutoff = clock.now() - timedelta(days=days)
    batches = _deleted(Batch, Batch.deleted_at < cutoff, pulse)
    files = 0
    old = (File.deleted_at < cutoff) & _OF_NO_BATCH
    while found := list(File.select().where(old).limit(AT_ONCE)):
        pulse.check()
        blobs.delete(*(file.key for file in found if file.key is not None))
        files += File.delete().where(File.id.in_([file.id for file in found])).execute()
    return f"purged {batches} batches and {files} files"


def sweep(clock: Clock, pulse: Pulse) -> str:
    """Forget answers that are not given again, invitations and rules that are long over."""
    now = clock.now()
    answers = _deleted(CachedAnswer, CachedAnswer.created_at < now - timedelta(hours=HOURS), pulse)
    invitations = _deleted(Invitation, Invitation.expires_at < now - OVER_FOR, pulse)
    rules = _deleted(IpRule, IpRule.expires_at < now - OVER_FOR, pulse)
    return f"forgot {answers} answers, {invitations} invitations and {rules} rules"


def sweep_uploads(blobs: Blobs, clock: Clock, pulse: Pulse) -> str:
    """Delete what was uploaded and became nothing, since its process died; say how many."""
    total = 0
    for key in blobs.older_than(UPLOADS, clock.now() - UPLOAD_FOR):
        pulse.check()
        blobs.delete(key)
        total += 1
    return f"deleted {total} uploads"


def _deleted(table: type[Table], which: Any, pulse: Pulse) -> int:
    """Delete the rows of a condition, some at a time; return how many."""
    total = 0
    some = SQL("ctid").in_(table.select(SQL("ctid")).where(which).limit(AT_ONCE))
    while gone := int(table.delete().where(some).execute()):
        pulse.check()
        total += gone
    return total

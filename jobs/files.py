"""Files: keeping what is uploaded, and forgetting it (K-12, XC-02)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg2 import Binary

from jobs.books import Owner, Upload
from jobs.quotas import STORAGE, claim
from models.files import File
from models.kernel.blobs import Blobs
from models.kernel.database import database
from models.kernel.ids import new_id

LARGEST: Final = 200 * 2**20
LONGEST_NAME: Final = 255

_KEEP: Final = """
insert into file (id, account_id, mode, purpose, name, size, sha256, key)
values (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_KEEP_OUTPUT: Final = """
insert into file (id, account_id, mode, purpose, name, batch_id)
values (%s, %s, %s, 'batch_output', %s, %s)
"""


def keep(upload: Upload, owner: Owner, purpose: str, blobs: Blobs) -> File:
    """Make a file of an upload that has arrived whole, and return it.

    Raises `PayloadTooLarge` when it would pass what its owner may store.
    """
    file_id = new_id()
    key = key_of(owner.account_id, file_id)
    values = (
        file_id, owner.account_id, owner.mode, purpose, upload.file_name[:LONGEST_NAME],
        upload.size, Binary(upload.sha256), key,
    )  # fmt: skip
    with database.unit():
        claim(owner.user_id, {STORAGE: upload.size})
        database.rows(_KEEP, values)
        blobs.move(upload.key, key)
    made: File = File.get_by_id(file_id)
    return made


def keep_output(batch_id: UUID, account_id: UUID, mode: str, name: str) -> UUID:
    """Make a file that a batch will write, in the transaction that opens the batch."""
    file_id = new_id()
    database.rows(_KEEP_OUTPUT, (file_id, account_id, mode, name, batch_id))
    return file_id


def forget(file: File, blobs: Blobs, now: datetime) -> None:
    """Delete a file: nobody sees it any more, and what it held is gone."""
    File.update(deleted_at=now).where(File.id == file.id, File.deleted_at.is_null()).execute()
    if file.key is not None:
        blobs.delete(file.key)


def key_of(account_id: UUID, file_id: UUID) -> str:
    """Return where a file is kept."""
    return f"accounts/{account_id.hex}/files/{file_id.hex}"

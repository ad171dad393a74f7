"""Files that accounts keep here, and those their batches write (K-12, XC-02)."""

from typing import Final, Self
from uuid import UUID

from peewee import BigIntegerField, BlobField, CharField, TextField, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.kernel.database import Table
from models.kernel.errors import NotFound
from models.kernel.ids import new_id

BATCH: Final = "batch"
BATCH_OUTPUT: Final = "batch_output"
PURPOSES: Final = (BATCH, "user_data", "vision", "assistants", "fine-tune", "evals")
"""What a file may be uploaded for."""


class File(Table):
    """A file. Without a `key` it is still being written by its batch. `size` in bytes."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    mode = CharField()
    purpose = CharField()
    name = TextField()
    size = BigIntegerField(default=0)
    sha256 = BlobField(null=True)
    key = TextField(null=True)
    batch_id = UUIDField(null=True)
    created_at = DateTimeTZField()
    deleted_at = DateTimeTZField(null=True)

    @classmethod
    def owned_by(cls, account_id: UUID, mode: str, file_id: UUID) -> Self:
        """Return a file of this account and mode; raise `NotFound` for anybody else's."""
        found = cls.found(id=file_id, account_id=account_id, mode=mode, deleted_at=None)
        if found is None:
            raise NotFound("there is no such file")
        return found

    @classmethod
    def listed(
        cls,
        account_id: UUID,
        mode: str,
        *,
        purpose: str | None,
        after: UUID | None,
        is_oldest_first: bool,
        most: int,
    ) -> list[Self]:
        """Return at most so many files of an account in the order they came, or newest first."""
        rows = cls.select().where(
            cls.account_id == account_id, cls.mode == mode, cls.deleted_at.is_null()
        )
        if purpose is not None:
            rows = rows.where(cls.purpose == purpose)
        if after is not None:
            rows = rows.where(cls.id > after if is_oldest_first else cls.id < after)
        order = cls.id.asc() if is_oldest_first else cls.id.desc()
        return list(rows.order_by(order).limit(most))

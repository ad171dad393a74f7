"""Flags: what safety found, for review (S-05). Where it was and of which kind, never what was said.

`subject_id` is the job whose question or answer was flagged; of a question that was blocked before
there was a job, the account.
"""

from typing import Final, Self
from uuid import UUID

from peewee import CharField, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.kernel.database import Table
from models.kernel.ids import new_id

INPUT: Final = "input"
OUTPUT: Final = "output"

RECORD_FLAG: Final = """
insert into flag (id, account_id, mode, subject_id, direction, category, severity, action)
values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""
"""Writes one down; takes the columns in this order. The same id is written once."""


class FlagRow(Table):
    """One flag, open until somebody has reviewed it (D-06)."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    mode = CharField()
    subject_id = UUIDField()
    direction = CharField()
    category = CharField()
    severity = CharField()
    action = CharField()
    reviewed_at = DateTimeTZField(null=True)
    created_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        table_name = "flag"

    @classmethod
    def about(cls, subject_id: UUID) -> list[Self]:
        """Return the flags of one subject, in order."""
        return list(cls.select().where(cls.subject_id == subject_id).order_by(cls.created_at))

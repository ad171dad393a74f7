"""People beside their credentials: what they wish, and what was done to them (A-20, A-31, A-34)."""

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from peewee import CharField, ModelSelect, TextField, UUIDField
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from models.kernel.database import Table
from models.kernel.ids import new_id


class PersonPreferences(Table):
    """What a person wishes of the program: only what they said, the rest is as usual."""

    person_id = UUIDField(primary_key=True)
    kept = BinaryJSONField(default=dict, index=False)
    updated_at = DateTimeTZField()

    @classmethod
    def of(cls, person_id: UUID) -> Mapping[str, Any]:
        """Return what a person has said, empty when nothing."""
        row = cls.found(person_id=person_id)
        said: Mapping[str, Any] = row.kept if row else {}
        return said


class AuditEntry(Table):
    """One thing that was done to a person, and who did it; never changed afterwards."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    person_id = UUIDField()
    actor_id = UUIDField()
    action = CharField()
    details = BinaryJSONField(default=dict, index=False)
    request_id = TextField(null=True)
    created_at = DateTimeTZField()

    @classmethod
    def about(cls, person_id: UUID) -> "ModelSelect[Self]":
        """Select what was done to a person, the newest first."""
        return cls.select().where(cls.person_id == person_id).order_by(cls.id.desc())

    @classmethod
    def in_account(cls, account_id: UUID) -> "ModelSelect[Self]":
        """Select what was done in an account, the newest first."""
        return cls.select().where(cls.account_id == account_id).order_by(cls.id.desc())

"""Passkeys, and the challenges that were answered with one."""

from datetime import datetime
from typing import Final, Self
from uuid import UUID

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    ForeignKeyField,
    ModelSelect,
    TextField,
    UUIDField,
)
from playhouse.postgres_ext import ArrayField, DateTimeTZField

from models.accounts import Account, Person
from models.kernel.database import Table, database
from models.kernel.ids import new_id

_USE: Final = """
insert into used_challenge (digest, expires_at) values (%s, %s)
on conflict (digest) do nothing returning 1
"""
_COUNT: Final = """
update passkey set sign_count = %s, is_backed_up = %s, last_used_at = %s
where id = %s and (sign_count < %s or (sign_count = 0 and %s = 0)) returning 1
"""


class Passkey(Table):
    """A credential of somebody's authenticator: its public half, and how often it has signed."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    name = CharField()
    credential_id = BlobField(unique=True)
    public_key = BlobField()
    sign_count = BigIntegerField(default=0)
    transports = ArrayField(TextField, default=list)
    is_backed_up = BooleanField(default=False)
    created_at = DateTimeTZField()
    last_used_at = DateTimeTZField(null=True)

    @classmethod
    def held_by(cls, person_id: UUID) -> "ModelSelect[Self]":
        """Select a person's passkeys, newest first."""
        return cls.select().where(cls.user == person_id).order_by(cls.id.desc())

    @classmethod
    def by_credential(cls, credential_id: bytes) -> Self | None:
        """Return the passkey an authenticator names."""
        return cls.found(credential_id=credential_id)

    def count(self, sign_count: int, now: datetime, *, is_backed_up: bool) -> bool:
        """Note one more signature; False when the authenticator's count has not grown.

        One that does not count says 0 each time.
        """
        values = (sign_count, is_backed_up, now, self.id, sign_count, sign_count)
        return bool(database.rows(_COUNT, values))


class UsedChallenge(Table):
    """A challenge that was answered, by its digest."""

    digest = BlobField(primary_key=True)
    expires_at = DateTimeTZField()

    @classmethod
    def use(cls, digest: bytes, expires_at: datetime) -> bool:
        """Use a challenge up; False when it was used before."""
        return bool(database.rows(_USE, (digest, expires_at)))

"""Accounts: who owns and pays, the people who log in to them, and their API keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from peewee import BlobField, CharField, ForeignKeyField, ModelSelect, TextField, UUIDField
from playhouse.postgres_ext import ArrayField, BinaryJSONField, DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.ids import new_id

ACTIVE: Final = "active"

_PERSON_COLUMNS: Final = (
    "account_id::text", "id::text", "role", "tier", "status", "ai_preferences",
)  # fmt: skip
_PERSON: Final = ", ".join(f"person.{column}" for column in _PERSON_COLUMNS)
_KEY: Final = "api_key.id::text, mode, scopes, expires_at, revoked_at, last_used_at"
_STANDING_OF_PERSON: Final = f"select {_PERSON} from person where id = %s"
_STANDING_OF_KEY: Final = (
    f"select {_PERSON}, {_KEY} from api_key"
    " join person on person.id = api_key.user_id where digest = %s"
)


class Account(Table):
    """What owns things and whose money it is; only `models/sql/money.sql` changes the money."""

    id = UUIDField(primary_key=True, default=new_id)
    kind = CharField(default="personal")
    created_at = DateTimeTZField()


class Person(Table):
    """Somebody who logs in: a user, on the wire. `email` is kept lower-cased and in NFC."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    email = CharField(unique=True)
    password_hash = TextField()
    name = CharField(default="")
    role = CharField(default="user")
    tier = CharField(default="free")
    status = CharField(default=ACTIVE)
    ai_preferences = BinaryJSONField(default=dict, index=False)
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()
    last_login_at = DateTimeTZField(null=True)

    @property
    def is_active(self) -> bool:
        """Whether this person's credentials hold at all."""
        return bool(self.status == ACTIVE)

    @classmethod
    def by_email(cls, email: str) -> Self | None:
        """Return who has this address, spelled as it is kept."""
        return cls.get_or_none(cls.email == email)

    @classmethod
    def by_id(cls, person_id: UUID) -> Self | None:
        """Return one person, whatever their status."""
        return cls.get_or_none(cls.id == person_id)

    @classmethod
    def has_role(cls, role: str) -> bool:
        """Say whether anybody has this role."""
        return bool(cls.select().where(cls.role == role).exists())


class ApiKey(Table):
    """A key of a person: only its SHA-256 is kept, and as much of it as tells keys apart."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    name = CharField()
    prefix = CharField()
    digest = BlobField(unique=True)
    mode = CharField()
    scopes = ArrayField(TextField, default=list)
    expires_at = DateTimeTZField(null=True)
    last_used_at = DateTimeTZField(null=True)
    revoked_at = DateTimeTZField(null=True)
    created_at = DateTimeTZField()

    @classmethod
    def held_by(cls, person_id: UUID) -> "ModelSelect[Self]":
        """Return a person's keys that are not revoked, newest first."""
        kept = (cls.user == person_id) & cls.revoked_at.is_null()
        return cls.select().where(kept).order_by(cls.id.desc())


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person's row says of them now, as every request asks."""

    account_id: UUID
    person_id: UUID
    role: str
    tier: str
    is_active: bool
    ai_preferences: Mapping[str, Any]

    @classmethod
    def of_person(cls, person_id: UUID) -> Self | None:
        """Return how a person stands, None when there is no such person."""
        rows = database.rows(_STANDING_OF_PERSON, (str(person_id),))
        return cls(*_standing(rows[0])) if rows else None


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """What an API key's row says of it now, and how its person stands."""

    id: UUID
    mode: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    person: Standing

    @classmethod
    def of_digest(cls, digest: bytes) -> Self | None:
        """Return how the key with this digest stands, None when there is no such key."""
        rows = database.rows(_STANDING_OF_KEY, (digest,))
        if not rows:
            return None
        key_id, mode, scopes, expires_at, revoked_at, used_at = rows[0][len(_PERSON_COLUMNS) :]
        person = Standing(*_standing(rows[0]))
        granted = frozenset(scopes)
        return cls(UUID(key_id), mode, granted, expires_at, revoked_at, used_at, person)

    def seen(self, now: datetime) -> None:
        """Write down when the key was used last."""
        database.rows("update api_key set last_used_at = %s where id = %s", (now, str(self.id)))


def _standing(row: tuple[Any, ...]) -> tuple[UUID, UUID, str, str, bool, Mapping[str, Any]]:
    account_id, person_id, role, tier, status, wishes = row[: len(_PERSON_COLUMNS)]
    return UUID(account_id), UUID(person_id), role, tier, status == ACTIVE, wishes


class SigningKey(Table):
    """A key pair that signs access tokens; its private half is sealed."""

    kid = CharField(primary_key=True)
    sealed_private = BlobField()
    public_jwk = BinaryJSONField(index=False)
    created_at = DateTimeTZField()
    retired_at = DateTimeTZField(null=True)

    @classmethod
    def newest_first(cls) -> list[Self]:
        """Return every key whose tokens may still be about, the one that signs first."""
        kept = cls.select().where(cls.retired_at.is_null())
        return list(kept.order_by(cls.created_at.desc(), cls.kid))

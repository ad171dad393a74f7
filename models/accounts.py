"""Accounts: who owns and pays, the people who log in to them, and their credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from peewee import (
    BlobField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    TextField,
    UUIDField,
    fn,
)
from playhouse.postgres_ext import ArrayField, BinaryJSONField, DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.ids import new_id
from models.roles import carried_by, permissions_held, role_held

ACTIVE: Final = "active"

PERSON_COLUMNS: Final = (
    "person.account_id::text", "person.id::text", "person.role", "person.tier", "person.status",
    "person.ai_preferences", "coalesce(custom_role.permissions, '{}')",
)  # fmt: skip
PERSON: Final = ", ".join(PERSON_COLUMNS)
PERSONS_ROLE: Final = " left join custom_role on custom_role.name = person.role"
_KEY: Final = (
    "api_key.id::text, api_key.account_id::text, mode, scopes, expires_at, revoked_at,"
    " last_used_at, is_stepped_up, ip_allow, rate_limit_per_minute"
)
_SESSION: Final = "login_session.id::text, rotated_at, expires_at, ended_at, stepped_up_at"
_STANDING_OF_SESSION: Final = (
    f"select {PERSON}, {_SESSION} from login_session"
    f" join person on person.id = login_session.user_id{PERSONS_ROLE} where login_session.id = %s"
)
_STANDING_OF_KEY: Final = (
    f"select {PERSON}, {_KEY} from api_key"
    f" join person on person.id = api_key.user_id{PERSONS_ROLE} where digest = %s"
)


class Account(Table):
    """What owns things and whose money it is; only `models/sql/money.sql` changes the money.

    `kind` is `personal`, or `organization` for one that several people act for. `tier` says what a
    month of it holds: that of its person, or, prepaid, `enterprise`.
    """

    id = UUIDField(primary_key=True, default=new_id)
    kind = CharField(default="personal")
    tier = CharField(default="free")
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
    email_verified_at = DateTimeTZField(null=True)
    avatar = CharField(null=True)
    purge_at = DateTimeTZField(null=True)
    purged_at = DateTimeTZField(null=True)

    @property
    def is_leaving(self) -> bool:
        """Whether this person is deleted and could still be brought back."""
        return self.status != ACTIVE and self.purge_at is not None and self.purged_at is None

    @property
    def is_active(self) -> bool:
        """Whether this person's credentials hold at all."""
        return bool(self.status == ACTIVE)

    @property
    def role_held(self) -> str:
        """The role by which this person acts, which a paid tier may raise."""
        return role_held(str(self.role), str(self.tier))

    @property
    def permissions(self) -> frozenset[str]:
        """What this person may do, by a role of the catalogue or another."""
        return permissions_held(str(self.role), str(self.tier), carried_by(str(self.role)))

    @classmethod
    def by_email(cls, email: str) -> Self | None:
        """Return who has this address, spelled as it is kept."""
        return cls.found(email=email)

    @classmethod
    def by_id(cls, person_id: UUID) -> Self | None:
        """Return one person, whatever their status."""
        return cls.found(id=person_id)

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
    ip_allow = ArrayField(TextField, default=list)
    rate_limit_per_minute = IntegerField(null=True)
    expires_at = DateTimeTZField(null=True)
    last_used_at = DateTimeTZField(null=True)
    revoked_at = DateTimeTZField(null=True)
    is_stepped_up = BooleanField(default=False)
    created_at = DateTimeTZField()

    @classmethod
    def held_by(cls, person_id: UUID, account_id: UUID | None = None) -> "ModelSelect[Self]":
        """Return a person's keys that are not revoked, to one account or to any, newest first."""
        kept = (cls.user == person_id) & cls.revoked_at.is_null()
        mine = kept & (cls.account == account_id) if account_id else kept
        return cls.select().where(mine).order_by(cls.id.desc())


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person's row says of them now, as every request asks."""

    account_id: UUID
    person_id: UUID
    role: str
    tier: str
    is_active: bool
    ai_preferences: Mapping[str, Any]
    granted: frozenset[str]
    """What their role carries when it is none of the catalogue's."""

    @property
    def permissions(self) -> frozenset[str]:
        """What this person may do."""
        return permissions_held(self.role, self.tier, self.granted)


def standing_of(row: tuple[Any, ...]) -> Standing:
    """Return what a row says that begins with `PERSON_COLUMNS`."""
    account_id, person_id, role, tier, status, wishes, granted = row[: len(PERSON_COLUMNS)]
    return Standing(
        UUID(account_id),
        UUID(person_id),
        role,
        tier,
        status == ACTIVE,
        wishes,
        frozenset(granted),
    )


@dataclass(frozen=True, slots=True)
class SessionStanding:
    """What a login's row says of it now, and how its person stands."""

    id: UUID
    rotated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    stepped_up_at: datetime | None
    person: Standing

    @classmethod
    def of_id(cls, session_id: UUID) -> Self | None:
        """Return how a login stands, None when there is no such login."""
        rows = database.rows(_STANDING_OF_SESSION, (str(session_id),))
        if not rows:
            return None
        known_id, refreshed, expires, ended, stepped_up = rows[0][len(PERSON_COLUMNS) :]
        person = standing_of(rows[0])
        return cls(UUID(known_id), refreshed, expires, ended, stepped_up, person)


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """What an API key's row says of it now, and how its person stands.

    `account_id` is what it opens: its person's own account, or an organization's.
    """

    id: UUID
    account_id: UUID
    mode: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    is_stepped_up: bool
    ip_allow: tuple[str, ...]
    rate_limit_per_minute: int | None
    person: Standing

    @classmethod
    def of_digest(cls, digest: bytes) -> Self | None:
        """Return how the key with this digest stands, None when there is no such key."""
        rows = database.rows(_STANDING_OF_KEY, (digest,))
        if not rows:
            return None
        told = rows[0][len(PERSON_COLUMNS) :]
        key_id, account_id, mode, scopes, ends, revoked, used, is_up, allowed, rate = told
        return cls(
            id=UUID(key_id),
            account_id=UUID(account_id),
            mode=mode,
            scopes=frozenset(scopes),
            expires_at=ends,
            revoked_at=revoked,
            last_used_at=used,
            is_stepped_up=is_up,
            ip_allow=tuple(allowed),
            rate_limit_per_minute=rate,
            person=standing_of(rows[0]),
        )

    def seen(self, now: datetime) -> None:
        """Write down when the key was used last."""
        database.rows("update api_key set last_used_at = %s where id = %s", (now, str(self.id)))


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

    @classmethod
    def retire(cls, now: datetime, before: datetime) -> int:
        """Retire what was made before the newest key that is as old as a moment; count it.

        Of what is retired the private half is gone.
        """
        since = cls.select(fn.max(cls.created_at)).where(
            cls.retired_at.is_null() & (cls.created_at <= before)
        )
        older = cls.retired_at.is_null() & (cls.created_at < since)
        return int(cls.update(retired_at=now, sealed_private=b"").where(older).execute())

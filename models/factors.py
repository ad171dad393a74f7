"""Second factors: authenticator apps, codes by mail, recovery codes; and what a mail proves."""

from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from peewee import BigIntegerField, BlobField, CharField, ForeignKeyField, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.accounts import Account, Person
from models.catalogue.reader import read
from models.kernel.database import Table
from models.kernel.ids import new_id

TOTP: Final = "totp"
EMAIL: Final = "email"
PASSKEY: Final = "passkey"


class Factor(Table):
    """A second factor of somebody's, one a kind; it counts once it is confirmed."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    kind = CharField()
    sealed_secret = BlobField(null=True)
    last_step = BigIntegerField(default=0)
    created_at = DateTimeTZField()
    confirmed_at = DateTimeTZField(null=True)

    @classmethod
    def of(cls, person_id: UUID, kind: str) -> Self | None:
        """Return a person's factor of a kind, confirmed or not."""
        return cls.found(user=person_id, kind=kind)

    @classmethod
    def enrolled_by(cls, person_id: UUID) -> list[Self]:
        """Return a person's factors that are confirmed."""
        confirmed = (cls.user == person_id) & cls.confirmed_at.is_null(False)
        return list(cls.select().where(confirmed).order_by(cls.kind))

    @classmethod
    def is_enrolled(cls, person_id: UUID) -> bool:
        """Say whether a login of this person wants a second factor."""
        return bool(cls.enrolled_by(person_id))

    def use_step(self, step: int) -> bool:
        """Note the TOTP step of a code that fitted; False when it, or a later one, was used."""
        later = (Factor.id == self.id) & (Factor.last_step < step)
        return bool(Factor.update(last_step=step).where(later).execute())


class RecoveryCode(Table):
    """A code that stands in for a second factor once; only its digest is kept."""

    digest = BlobField(primary_key=True)
    user_id: UUID
    user = ForeignKeyField(Person)
    created_at = DateTimeTZField()
    used_at = DateTimeTZField(null=True)

    @classmethod
    def use(cls, digest: bytes, now: datetime) -> bool:
        """Use a code up; False when there is none, or it was used."""
        unused = (cls.digest == digest) & cls.used_at.is_null()
        return bool(cls.update(used_at=now).where(unused).execute())

    @classmethod
    def left_to(cls, person_id: UUID) -> int:
        """Return how many codes a person has left."""
        return int(cls.select().where((cls.user == person_id) & cls.used_at.is_null()).count())


class Proof(Table):
    """What a mail carried to show that its reader has the address; only its digest is kept."""

    digest = BlobField(primary_key=True)
    user_id: UUID
    user = ForeignKeyField(Person)
    purpose = CharField()
    email = CharField()
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    sent_at = DateTimeTZField(null=True)
    used_at = DateTimeTZField(null=True)

    @classmethod
    def renew(cls, proof: Self) -> None:
        """Keep a proof unless it is there; one that has expired meanwhile is good again."""
        fresh = {"sent_at": None, "used_at": None, "expires_at": proof.expires_at}
        cls.insert(proof.__data__).on_conflict(
            conflict_target=[cls.digest], update=fresh, where=cls.expires_at <= proof.created_at
        ).execute()

    @classmethod
    def good(cls, digest: bytes, purpose: str, now: datetime) -> Self | None:
        """Return a proof that can still be used."""
        return cls.get_or_none(cls._is_good(digest, purpose, now))

    @classmethod
    def use(cls, digest: bytes, purpose: str, now: datetime) -> bool:
        """Use a proof up; False when it is none any more."""
        return bool(cls.update(used_at=now).where(cls._is_good(digest, purpose, now)).execute())

    @classmethod
    def spoil(cls, person_id: UUID, purpose: str, now: datetime) -> None:
        """Use up every proof of a purpose that a person has."""
        mine = (cls.user == person_id) & (cls.purpose == purpose) & cls.used_at.is_null()
        cls.update(used_at=now).where(mine).execute()

    @classmethod
    def _is_good(cls, digest: bytes, purpose: str, now: datetime) -> Any:
        same = (cls.digest == digest) & (cls.purpose == purpose)
        return same & cls.used_at.is_null() & (cls.expires_at > now)


def wants_step_up(permission: str) -> bool:
    """Say whether a permission wants a second factor shown a short while ago (A-13)."""
    return permission in read("roles")["step_up"]

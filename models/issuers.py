"""Outside issuers whose tokens are taken, and who people are to them (A-05, X-2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from peewee import BooleanField, CharField, ForeignKeyField, IntegerField, ModelSelect, UUIDField
from peewee import TextField as Text
from playhouse.postgres_ext import ArrayField, BinaryJSONField, DateTimeTZField

from models.accounts import (
    PERSON,
    PERSON_COLUMNS,
    PERSONS_ROLE,
    Account,
    Person,
    Standing,
    standing_of,
)
from models.kernel.database import Table, database
from models.kernel.ids import new_id

ACTIVE: Final = "active"
OFF: Final = "off"

_KNOWN: Final = (
    f"select {PERSON}, identity.id::text, identity.is_provisioned, identity.claims_at"
    f" from identity join person on person.id = identity.user_id{PERSONS_ROLE}"
    " where identity.source = %s and identity.subject = %s"
)


class Issuer(Table):
    """An issuer that is trusted. `url` is its `iss`, to the letter; `keys` are public JWKs."""

    id = UUIDField(primary_key=True, default=new_id)
    name = CharField()
    url = Text(unique=True)
    audiences = ArrayField(Text)
    algorithms = ArrayField(Text)
    jwks_url = Text()
    claims = BinaryJSONField(default=dict, index=False)
    roles = ArrayField(Text, default=list)
    tiers = ArrayField(Text, default=list)
    provisions = BooleanField(default=False)
    links = BooleanField(default=False)
    status = CharField(default=ACTIVE)
    keys = BinaryJSONField(default=list, index=False)
    keys_read_at = DateTimeTZField(null=True)
    fetch_after = DateTimeTZField()
    fetch_faults = IntegerField(default=0)
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()

    @classmethod
    def trusted(cls, url: str) -> Self | None:
        """Return the issuer of an `iss`, None for one that is not trusted now."""
        return cls.found(url=url, status=ACTIVE)

    @classmethod
    def by_id(cls, issuer_id: UUID) -> Self | None:
        """Return one issuer, whatever its status."""
        return cls.found(id=issuer_id)

    @classmethod
    def newest(cls) -> "ModelSelect[Self]":
        """Return every issuer, newest first."""
        return cls.select().order_by(cls.id.desc())

    def claim_fetch(self, now: datetime, until: datetime) -> bool:
        """Take the turn to read the keys, which nobody else gets before `until`; in one statement.

        False when somebody has it, or had it a moment ago.
        """
        due = (Issuer.id == self.id) & (Issuer.fetch_after <= now)
        return bool(Issuer.update(fetch_after=until).where(due).execute())


class Identity(Table):
    """Who a person is elsewhere: by an issuer's token, or at a provider they log in with."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    issuer_id: UUID | None
    issuer = ForeignKeyField(Issuer, null=True)
    source = Text()
    subject = Text()
    email = CharField(default="")
    is_provisioned = BooleanField(default=False)
    claims_at = DateTimeTZField(null=True)
    created_at = DateTimeTZField()

    @classmethod
    def of_person(cls, person_id: UUID) -> "ModelSelect[Self]":
        """Select who a person is elsewhere, newest first."""
        return cls.select().where(cls.user == person_id).order_by(cls.id.desc())

    @classmethod
    def renew(cls, identity_id: UUID, issued_at: datetime) -> bool:
        """Write down the newest token whose claims were taken; False for one that is not newer."""
        is_older = cls.claims_at.is_null() | (cls.claims_at < issued_at)
        newer = cls.update(claims_at=issued_at).where((cls.id == identity_id) & is_older)
        return bool(newer.execute())


@dataclass(frozen=True, slots=True)
class IdentityStanding:
    """Who somebody elsewhere is here, and how that person stands now."""

    id: UUID
    is_provisioned: bool
    claims_at: datetime | None
    person: Standing

    @classmethod
    def of(cls, source: str, subject: str) -> Self | None:
        """Return who this is, None when nobody here is."""
        rows = database.rows(_KNOWN, (source, subject))
        if not rows:
            return None
        own_id, is_provisioned, claims_at = rows[0][len(PERSON_COLUMNS) :]
        return cls(UUID(own_id), is_provisioned, claims_at, standing_of(rows[0]))

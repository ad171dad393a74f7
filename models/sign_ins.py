"""Sign-ins: who has signed in at a provider and is on the way back (A-16)."""

from datetime import datetime
from uuid import UUID

from peewee import BlobField, ForeignKeyField, UUIDField
from peewee import TextField as Text
from playhouse.postgres_ext import DateTimeTZField

from models.accounts import Account, Person
from models.kernel.database import Table, database
from models.kernel.ids import new_id

_REDEEM = (
    "update sign_in set redeemed_at = %s where code_digest = %s and challenge = %s"
    " and redeemed_at is null and expires_at > %s returning user_id::text"
)


class SignIn(Table):
    """A sign-in whose state counts once, and whose code is redeemed once."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    state_digest = BlobField(unique=True)
    code_digest = BlobField(unique=True)
    challenge = Text()
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    redeemed_at = DateTimeTZField(null=True)

    @classmethod
    def redeem(cls, code_digest: bytes, challenge: str, now: datetime) -> UUID | None:
        """Use a code up, in one statement; return whose it was, None for one that does not hold."""
        rows = database.rows(_REDEEM, (now, code_digest, challenge, now))
        return UUID(rows[0][0]) if rows else None

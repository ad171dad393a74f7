"""Rules on addresses: from which networks requests may come, and from which not (A-25)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from peewee import CharField, ForeignKeyField, ModelSelect, TextField, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.accounts import Person
from models.kernel.database import Pool, Table
from models.kernel.ids import new_id

GLOBAL: Final = "global"
ADMIN: Final = "admin"
ALLOW: Final = "allow"
DENY: Final = "deny"

_EVERYTHING: Final = "select scope, action, network, expires_at from ip_rule"


class IpRule(Table):
    """A network that is let in or kept out, everywhere or on the routes of administrators."""

    id = UUIDField(primary_key=True, default=new_id)
    scope = CharField()
    action = CharField()
    network = CharField()
    note = TextField(default="")
    created_by_id: UUID
    created_by = ForeignKeyField(Person, column_name="created_by")
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField(null=True)

    @classmethod
    def newest_first(cls) -> "ModelSelect[Self]":
        """Select every rule, those that have expired too."""
        return cls.select().order_by(cls.id.desc())

    @property
    def told(self) -> "Told":
        """What this rule says."""
        return Told(str(self.scope), str(self.action), str(self.network), self.expires_at)


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule says, without who made it and why."""

    scope: str
    action: str
    network: str
    expires_at: datetime | None

    @classmethod
    def everything(cls, pool: Pool) -> tuple[Self, ...]:
        """Read what every rule says."""
        return tuple(cls(*row) for row in pool.rows(_EVERYTHING))

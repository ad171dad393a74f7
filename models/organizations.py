"""Organizations: accounts that several people act for, by a role of their own or a team's (A-26).

The id of an organization is that of its account, so that what it owns is found and isolated as a
person's is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from peewee import BlobField, CharField, CompositeKey, ForeignKeyField, ModelSelect, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.accounts import ACTIVE, Person
from models.kernel.database import Table, database
from models.kernel.ids import new_id
from models.roles import permissions_in_organization, roles_in_organization

VIEWER: Final = "viewer"
ADMIN: Final = "admin"
OWNER: Final = "owner"

_STANDING: Final = """
select membership.role, array_remove(array_agg(team.role), null)
from membership
join organization on organization.id = membership.account_id and deleted_at is null
left join team_member on team_member.account_id = membership.account_id
    and team_member.user_id = membership.user_id
left join team on team.id = team_member.team_id
where membership.account_id = %s and membership.user_id = %s
group by membership.role
"""
_ACCEPT: Final = """
update invitation set accepted_at = %(now)s
from organization
where digest = %(digest)s and email = %(email)s and accepted_at is null
    and withdrawn_at is null and expires_at > %(now)s
    and organization.id = account_id and organization.deleted_at is null
returning role, invited_by::text
"""


def rank(role: str) -> int:
    """Return how high a role in an organization stands."""
    return roles_in_organization().index(role)


class Organization(Table):
    """Several people who own together; the account of the same id is what they own with."""

    id = UUIDField(primary_key=True)
    name = CharField()
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()
    deleted_at = DateTimeTZField(null=True)

    @classmethod
    def of(cls, person_id: UUID) -> "ModelSelect[Self]":
        """Select the organizations somebody is in, newest first, each with their own `role`."""
        return (
            cls.select(cls, Membership.role)
            .join(Membership, on=(Membership.account_id == cls.id), attr="membership")
            .where(Membership.user == person_id, cls.deleted_at.is_null())
            .order_by(cls.id.desc())
        )

    @classmethod
    def lock(cls, account_id: UUID) -> None:
        """Let nobody else change an organization until this transaction ends."""
        database.rows("select 1 from organization where id = %s for update", (account_id,))


class Membership(Table):
    """Somebody in an organization, and their own role in it."""

    account_id = UUIDField()
    user_id: UUID
    user = ForeignKeyField(Person)
    role = CharField()
    created_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("account_id", "user")

    @classmethod
    def of(cls, account_id: UUID) -> "ModelSelect[Self]":
        """Select the members of an organization, who came first first."""
        everybody = cls.select(cls, Person).join(Person).where(cls.account_id == account_id)
        return everybody.order_by(cls.created_at, cls.user)

    @classmethod
    def give(cls, account_id: UUID, user_id: UUID, role: str) -> None:
        """Change a member's own role."""
        which = (cls.account_id == account_id) & (cls.user == user_id)
        cls.update(role=role).where(which).execute()

    @classmethod
    def owners_beside(cls, account_id: UUID, user_id: UUID) -> int:
        """Return how many other owners an organization has who can log in."""
        others = (cls.account_id == account_id) & (cls.role == OWNER) & (cls.user != user_id)
        return int(cls.select().join(Person).where(others, Person.status == ACTIVE).count())


class Team(Table):
    """Some members of an organization, and a role that they have there beside their own."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    name = CharField()
    role = CharField()
    created_at = DateTimeTZField()

    @classmethod
    def of(cls, account_id: UUID) -> "ModelSelect[Self]":
        """Select the teams of an organization by name."""
        return cls.select().where(cls.account_id == account_id).order_by(cls.name)


class TeamMember(Table):
    """Somebody in a team; it ends with their membership."""

    team_id = UUIDField()
    account_id = UUIDField()
    user_id: UUID
    user = ForeignKeyField(Person)
    created_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("team_id", "user")

    @classmethod
    def of(cls, team_id: UUID) -> "ModelSelect[Self]":
        """Select the members of a team, who came first first."""
        everybody = cls.select(cls, Person).join(Person).where(cls.team_id == team_id)
        return everybody.order_by(cls.created_at, cls.user)


class Invitation(Table):
    """An invitation by mail; of what it carries only the digest is kept."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    email = CharField()
    role = CharField()
    digest = BlobField(unique=True)
    invited_by_id: UUID
    invited_by = ForeignKeyField(Person, column_name="invited_by")
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    sent_at = DateTimeTZField(null=True)
    accepted_at = DateTimeTZField(null=True)
    withdrawn_at = DateTimeTZField(null=True)

    @classmethod
    def open_of(cls, account_id: UUID, now: datetime) -> "ModelSelect[Self]":
        """Select the invitations of an organization that can still be accepted, newest first."""
        mine = cls._open() & (cls.account_id == account_id) & (cls.expires_at > now)
        return cls.select().where(mine).order_by(cls.id.desc())

    @classmethod
    def withdraw(cls, which: Any, now: datetime) -> int:
        """Withdraw the open invitations that a condition names; return how many there were."""
        return int(cls.update(withdrawn_at=now).where(which & cls._open()).execute())

    @classmethod
    def inviter(cls, digest: bytes) -> UUID | None:
        """Return the organization of an invitation, whatever has become of it."""
        rows = database.rows("select account_id::text from invitation where digest = %s", (digest,))
        return UUID(rows[0][0]) if rows else None

    @classmethod
    def accept(cls, digest: bytes, email: str, now: datetime) -> tuple[str, UUID] | None:
        """Use an invitation to an address up; return its role and whose it is, None if not good."""
        rows = database.rows(_ACCEPT, {"digest": digest, "email": email, "now": now})
        return (rows[0][0], UUID(rows[0][1])) if rows else None

    @classmethod
    def to_send(cls, invitation_id: UUID, now: datetime) -> Self | None:
        """Return an invitation that is open and was not sent yet."""
        due = (cls.id == invitation_id) & cls._open() & cls.sent_at.is_null()
        return cls.get_or_none(due & (cls.expires_at > now))

    @classmethod
    def _open(cls) -> Any:
        return cls.accepted_at.is_null() & cls.withdrawn_at.is_null()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStanding:
    """What somebody is in an organization now: by a role of their `own`, and with their teams'."""

    account_id: UUID
    user_id: UUID
    own: str
    role: str

    @property
    def permissions(self) -> frozenset[str]:
        """What they may do at most while they act for it."""
        return permissions_in_organization(self.role)

    @classmethod
    def of(cls, account_id: UUID, user_id: UUID) -> Self | None:
        """Return it by one query, None for who is no member or where there is nothing."""
        rows = database.rows(_STANDING, (str(account_id), str(user_id)))
        if not rows:
            return None
        own, of_teams = rows[0]
        role = max((own, *of_teams), key=rank)
        return cls(account_id=account_id, user_id=user_id, own=own, role=role)

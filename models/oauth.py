"""OAuth: apps, what people granted them, and the authorizations that came of it (A-14, A-15)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from peewee import BlobField, CharField, ForeignKeyField, IntegerField, ModelSelect, UUIDField
from peewee import TextField as Text
from playhouse.postgres_ext import ArrayField, DateTimeTZField

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

REVOKED: Final = "revoked"

_OURS: Final = "auth.id::text, auth.scopes, app.scopes, app.client_id"
_STANDING: Final = (
    f"select {PERSON}, {_OURS}, auth.expires_at"
    " from oauth_authorization auth"
    " join oauth_app app on app.id = auth.app_id"
    f" join person on person.id = auth.user_id{PERSONS_ROLE}"
    " left join oauth_grant held on held.id = auth.grant_id"
    " where auth.id = %s and auth.ended_at is null and auth.redeemed_at is not null"
    " and held.ended_at is null"
)
_ALLOW: Final = """
insert into oauth_grant as old (id, account_id, user_id, app_id, scopes, created_at, updated_at)
values (%s, %s, %s, %s, %s::text[], %s, %s)
on conflict (user_id, app_id) where ended_at is null do update
    set updated_at = excluded.updated_at, scopes =
        (select array_agg(distinct scope order by scope)
         from unnest(old.scopes || excluded.scopes) as scope)
returning id
"""


class App(Table):
    """An app somebody registered. `client_id` is what it is known by outside."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    client_id = CharField(unique=True)
    secret_digest = BlobField(null=True)
    name = CharField()
    redirect_uris = ArrayField(Text, default=list)
    scopes = ArrayField(Text, default=list)
    grant_types = ArrayField(Text, default=list)
    homepage_url = CharField(default="")
    logo_url = CharField(default="")
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        table_name = "oauth_app"

    @property
    def is_confidential(self) -> bool:
        """Whether it has a secret to show."""
        return self.secret_digest is not None

    @classmethod
    def by_client_id(cls, client_id: str) -> Self | None:
        """Return the app that is known by this id."""
        return cls.found(client_id=client_id)

    @classmethod
    def of_account(cls, account_id: UUID) -> "ModelSelect[Self]":
        """Return the apps of an account, newest first."""
        return cls.select().where(cls.account == account_id).order_by(cls.id.desc())


class Grant(Table):
    """What a person granted an app."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    app_id: UUID
    app = ForeignKeyField(App)
    scopes = ArrayField(Text, default=list)
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)

    class Meta:
        """peewee's configuration."""

        table_name = "oauth_grant"

    @classmethod
    def held_by(cls, person_id: UUID) -> "ModelSelect[Self]":
        """Return what a person has granted and not ended, newest first, with each app."""
        holds = (cls.user == person_id) & cls.ended_at.is_null()
        return cls.select(cls, App).join(App).where(holds).order_by(cls.id.desc())

    @classmethod
    def holding(cls, person_id: UUID, app_id: UUID) -> Self | None:
        """Return what a person has granted an app, None when nothing."""
        of_both = (cls.user == person_id) & (cls.app == app_id)
        return cls.get_or_none(of_both & cls.ended_at.is_null())

    @classmethod
    def allow(cls, person: Person, app: App, scopes: frozenset[str], now: datetime) -> UUID:
        """Grant an app these scopes beside those it has; return the grant's id."""
        values = (new_id(), person.account_id, person.id, app.id, sorted(scopes), now, now)
        ((grant_id,),) = database.rows(_ALLOW, values)
        return UUID(str(grant_id))

    @classmethod
    def end(cls, grant_id: UUID, person_id: UUID, now: datetime) -> bool:
        """End a grant of a person's; False when it is none that holds."""
        mine = (cls.id == grant_id) & (cls.user == person_id) & cls.ended_at.is_null()
        return bool(cls.update(ended_at=now).where(mine).execute())


class Authorization(Table):
    """A code, and then the tokens that came of it; `generation` counts the refreshes.

    Until the code is redeemed `expires_at` is the code's end, then that of all its tokens.
    """

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    app_id: UUID
    app = ForeignKeyField(App)
    grant_id: UUID | None
    grant = ForeignKeyField(Grant, null=True)
    scopes = ArrayField(Text, default=list)
    code_digest = BlobField(null=True, unique=True)
    redirect_uri = Text(default="")
    challenge = CharField(default="")
    nonce = Text(null=True)
    methods = ArrayField(Text, default=list)
    authenticated_at = DateTimeTZField()
    redeemed_at = DateTimeTZField(null=True)
    refresh_digest = BlobField(null=True)
    generation = IntegerField(default=0)
    rotated_at = DateTimeTZField()
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)
    end_reason = CharField(null=True)

    class Meta:
        """peewee's configuration."""

        table_name = "oauth_authorization"

    @property
    def kept_digest(self) -> bytes:
        """The digest of the last refresh token, empty without any."""
        return bytes(self.refresh_digest or b"")

    @classmethod
    def of_code(cls, digest: bytes) -> Self | None:
        """Return the authorization of a code, whatever its state."""
        return cls.found(code_digest=digest)

    @classmethod
    def by_id(cls, authorization_id: UUID) -> Self | None:
        """Return one authorization, whatever its state."""
        return cls.found(id=authorization_id)

    def redeem(self, refresh_digest: bytes | None, now: datetime, ends: datetime) -> bool:
        """Use the code up, in one statement; False when it was used, has ended, or is over."""
        unused = Authorization.redeemed_at.is_null() & Authorization.ended_at.is_null()
        good = (Authorization.id == self.id) & unused & (Authorization.expires_at > now)
        fresh = {"redeemed_at": now, "rotated_at": now, "expires_at": ends}
        used = Authorization.update(**fresh, refresh_digest=refresh_digest).where(good)
        return bool(used.execute())

    def rotate(self, digest: bytes, now: datetime) -> bool:
        """Replace the refresh token; False when another request has just done so, or ended it."""
        same = (
            (Authorization.id == self.id)
            & (Authorization.generation == self.generation)
            & Authorization.ended_at.is_null()
        )
        fresh = {
            Authorization.refresh_digest: digest,
            Authorization.generation: Authorization.generation + 1,
            Authorization.rotated_at: now,
        }
        return bool(Authorization.update(fresh).where(same).execute())

    @classmethod
    def end(cls, which: Any, reason: str, now: datetime) -> int:
        """End the authorizations that a condition names; return how many there were."""
        ended = cls.update(ended_at=now, end_reason=reason).where(which & cls.ended_at.is_null())
        return int(ended.execute())


@dataclass(frozen=True, slots=True)
class AuthorizationStanding:
    """What an authorization's rows say of it now, and how its person stands.

    `scopes` are those granted that the app is still registered for.
    """

    id: UUID
    scopes: frozenset[str]
    client_id: str
    expires_at: datetime
    person: Standing

    @classmethod
    def of_id(cls, authorization_id: UUID) -> Self | None:
        """Return how an authorization stands; None: there is none, or it or its grant ended."""
        rows = database.rows(_STANDING, (str(authorization_id),))
        if not rows:
            return None
        own_id, granted, registered, client, ends = rows[0][len(PERSON_COLUMNS) :]
        return cls(
            id=UUID(own_id),
            scopes=frozenset(granted) & frozenset(registered),
            client_id=client,
            expires_at=ends,
            person=standing_of(rows[0]),
        )

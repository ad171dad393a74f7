"""Logins: open sessions, the log of what was tried, and the count of wrong guesses."""

from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from peewee import (
    BlobField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    UUIDField,
)
from playhouse.postgres_ext import DateTimeTZField

from models.accounts import Account, Person
from models.kernel.database import Table, database
from models.kernel.ids import new_id

_LOCKED: Final = "subject = %s and failures >= %s and last_at > %s"
_FAIL: Final = """
insert into guess as old (subject, failures, last_at) values (%s, 1, %s)
on conflict (subject) do update
    set failures = case when old.last_at > %s then old.failures + 1 else 1 end,
        last_at = excluded.last_at
"""
_FORGIVE: Final = f"""
with forgiven as (delete from guess where subject = %s and not ({_LOCKED}))
select last_at from guess where {_LOCKED}
"""


class LoginSession(Table):
    """One login and what is refreshed from it; `generation` counts the refreshes."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id: UUID
    account = ForeignKeyField(Account)
    user_id: UUID
    user = ForeignKeyField(Person)
    device = CharField(default="")
    address = CharField(default="")
    agent = CharField(default="")
    generation = IntegerField(default=0)
    refresh_digest = BlobField()
    has_cookie = BooleanField(default=False)
    created_at = DateTimeTZField()
    rotated_at = DateTimeTZField()
    stepped_up_at = DateTimeTZField(null=True)
    expires_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)
    end_reason = CharField(null=True)

    @classmethod
    def by_id(cls, session_id: UUID) -> Self | None:
        """Return one session, whatever its state."""
        return cls.found(id=session_id)

    @classmethod
    def open_of(cls, person_id: UUID, now: datetime, idle: timedelta) -> "ModelSelect[Self]":
        """Return a person's sessions that can still be refreshed, newest first."""
        is_open = cls.ended_at.is_null() & (cls.expires_at > now) & (cls.rotated_at > now - idle)
        return cls.select().where((cls.user == person_id) & is_open).order_by(cls.id.desc())

    @classmethod
    def came_from(cls, person_id: UUID, address: str, since: datetime) -> bool:
        """Say whether this person has logged in from an address since a moment."""
        mine = (cls.user == person_id) & (cls.address == address) & (cls.created_at > since)
        return bool(cls.select().where(mine).exists())

    def rotate(self, digest: bytes, now: datetime) -> bool:
        """Replace the refresh token; False when another request has just done so, or ended it."""
        same = (
            (LoginSession.id == self.id)
            & (LoginSession.generation == self.generation)
            & LoginSession.ended_at.is_null()
        )
        fresh = {
            LoginSession.refresh_digest: digest,
            LoginSession.generation: LoginSession.generation + 1,
            LoginSession.rotated_at: now,
        }
        return bool(LoginSession.update(fresh).where(same).execute())

    @classmethod
    def end(cls, which: Any, reason: str, now: datetime) -> int:
        """End the open sessions that a condition names; return how many there were."""
        ended = cls.update(ended_at=now, end_reason=reason).where(which & cls.ended_at.is_null())
        return int(ended.execute())

    @classmethod
    def step_up(cls, session_id: UUID, now: datetime) -> None:
        """Write down that a second factor was shown just now."""
        cls.update(stepped_up_at=now).where(cls.id == session_id).execute()


class LoginAttempt(Table):
    """One try at a credential. `email` is what was typed; the person is known only if it fits."""

    id = UUIDField(primary_key=True, default=new_id)
    user_id = UUIDField(null=True)
    email = CharField(default="")
    action = CharField()
    outcome = CharField()
    address = CharField(default="")
    agent = CharField(default="")
    session_id = UUIDField(null=True)
    request_id = CharField(null=True)
    created_at = DateTimeTZField()


class Guess(Table):
    """How often one thing was guessed wrongly, and when last."""

    subject = BlobField(primary_key=True)
    failures = IntegerField()
    last_at = DateTimeTZField()

    @classmethod
    def locked_since(cls, subject: bytes, most: int, after: datetime) -> datetime | None:
        """Return when a subject was guessed wrongly once too often, None while it is open."""
        rows = database.rows(f"select last_at from guess where {_LOCKED}", (subject, most, after))
        return rows[0][0] if rows else None

    @classmethod
    def fail(cls, subject: bytes, now: datetime, after: datetime) -> None:
        """Count a wrong guess; those before `after` are forgotten."""
        database.rows(_FAIL, (subject, now, after))

    @classmethod
    def forget(cls, subject: bytes) -> None:
        """Forget wrong guesses, locked or not."""
        cls.delete().where(cls.subject == subject).execute()

    @classmethod
    def forgive(cls, subject: bytes, most: int, after: datetime) -> datetime | None:
        """Forget wrong guesses, unless they have locked it meanwhile: then return since when."""
        rows = database.rows(_FORGIVE, (subject, subject, most, after, subject, most, after))
        return rows[0][0] if rows else None

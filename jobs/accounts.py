"""Accounts: registering, passwords and credentials, and the first administrator."""

import os
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from peewee import IntegrityError

from jobs import passwords
from jobs.tokens import Claimed
from models.accounts import Account, Person, SessionStanding
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import (
    DuplicateResource,
    TokenExpired,
    Unauthorized,
)
from models.kernel.settings import BadSettings, Settings

ADMIN_EMAIL: Final = "admin@ilm.localhost"
SUPER_ADMIN: Final = "super_admin"

_ADMIN_LOCK: Final = 0x494C4E


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Who wants to register."""

    email: str
    password: str = ""
    name: str = ""
    role: str = "user"
    tier: str = "free"
    is_verified: bool = False


def canonical_email(email: str) -> str:
    """Spell an address the one way it is kept."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def register(wish: NewPerson, clock: Clock) -> Person:
    """Make a person and an account of their own; raise `DuplicateResource` for a taken address."""
    return enrol(wish, passwords.hashed(wish.password), clock)


def enrol(wish: NewPerson, kept: str, clock: Clock) -> Person:
    """Make a person of whose password this is kept, maybe nothing; raise as `register` does."""
    now = clock.now()
    try:
        with database.unit():
            account = Account.create(created_at=now)
            return Person.create(
                account=account,
                email=canonical_email(wish.email),
                password_hash=kept,
                name=wish.name,
                role=wish.role,
                tier=wish.tier,
                email_verified_at=now if wish.is_verified else None,
                created_at=now,
                updated_at=now,
            )
    except IntegrityError as error:
        raise DuplicateResource("this e-mail address is registered already") from error


def recognizes(person: Person | None, password: str) -> bool:
    """Say whether this is that person's password; nobody's takes as long and never fits.

    Nor does a suspended person's; that of one who leaves does.
    """
    fits = passwords.matches(password, person.password_hash if person else None)
    if person is None or not fits or not (person.is_active or person.is_leaving):
        return False
    if passwords.is_outdated(person.password_hash):
        person.password_hash = passwords.hashed(password)
        person.save(only=[Person.password_hash])
    return True


def rename(person_id: UUID, name: str, clock: Clock) -> Person:
    """Change what a person is called."""
    person = present(person_id)
    person.name, person.updated_at = name, clock.now()
    person.save(only=[Person.name, Person.updated_at])
    return person


def present(person_id: UUID) -> Person:
    """Return a person; raise `Unauthorized` for one who is gone."""
    person = Person.by_id(person_id)
    if person is None:
        raise Unauthorized
    return person


def standing(claimed: Claimed, idle: timedelta, clock: Clock) -> SessionStanding:
    """Return how a login stands; raise `Unauthorized` for one that ended, or its person is gone.

    `idle` is for how long a login lives without being refreshed (A-07, X-22).
    """
    found = standing_of_login(claimed.session_id, idle, clock)
    if found.person.person_id != claimed.person_id:
        raise Unauthorized
    return found


def standing_of_login(session_id: UUID, idle: timedelta, clock: Clock) -> SessionStanding:
    """Return how a login stands, whoever's it is; raise as `standing` does."""
    found = SessionStanding.of_id(session_id)
    if found is None or not found.person.is_active:
        raise Unauthorized
    if found.ended_at is not None:
        raise Unauthorized("this login has ended")
    now = clock.now()
    if found.expires_at <= now or found.rotated_at + idle <= now:
        raise TokenExpired("this login has expired")
    return found


def bootstrap_admin(settings: Settings, clock: Clock) -> bool:
    """Make the first super_admin unless there is one; say whether one was made.

    Without a password in the settings one is made and left in `$ILM_HOME/admin.txt` (mode 600).
    """
    with database.unit():
        database.rows("select pg_advisory_xact_lock(%s)", (_ADMIN_LOCK,))
        if Person.has_role(SUPER_ADMIN):
            return False
        email = settings.admin_email or ADMIN_EMAIL
        password = settings.admin_password or secrets.token_urlsafe(18)
        _check_password(password)
        if not settings.admin_password:
            _leave_note(settings.home / "admin.txt", email, password)
        wish = NewPerson(
            email=email, password=password, name="Administrator", role=SUPER_ADMIN, is_verified=True
        )
        try:
            register(wish, clock)
        except DuplicateResource as error:
            raise BadSettings("ILM_ADMIN_EMAIL: somebody else has this address") from error
    return True


def _check_password(password: str) -> None:
    if not passwords.LEAST <= len(password) <= passwords.MOST:
        bounds = f"{passwords.LEAST} to {passwords.MOST} characters"
        raise BadSettings(f"ILM_ADMIN_PASSWORD: needs {bounds}")


def _leave_note(path: Path, email: str, password: str) -> None:
    """Write the administrator's credentials for the operator's eyes alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"email={email}\npassword={password}\n")

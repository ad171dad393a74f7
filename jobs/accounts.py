"""Accounts: registering, logging in, API keys, and the first administrator."""

import os
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

from peewee import IntegrityError

from jobs import passwords
from models.accounts import Account, ApiKey, KeyStanding, Person, Standing
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import (
    Detail,
    DuplicateResource,
    InsufficientPermissions,
    Invalid,
    NotFound,
    TokenExpired,
    Unauthorized,
)
from models.kernel.settings import BadSettings, Settings

KEY_MARK: Final = "ilm_"
ADMIN_EMAIL: Final = "admin@ilm.localhost"
SUPER_ADMIN: Final = "super_admin"

_RANDOM_BYTES: Final = 32
_SHOWN: Final = 16
_LONGEST_KEY: Final = 128
_SEEN_EVERY: Final = timedelta(minutes=1)
_ADMIN_LOCK: Final = 0x494C4E
_WRONG: Final = "e-mail or password is wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Who wants to register."""

    email: str
    password: str
    name: str = ""
    role: str = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    """The key somebody asks for. No scopes: all that its maker may do."""

    name: str
    mode: str = "live"
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grantor:
    """On whose behalf a key is made: it may carry no more than this.

    `scopes` are those of the key that makes a key; what it makes has them too unless it has fewer.
    """

    account_id: UUID
    user_id: UUID
    mode: str
    permissions: frozenset[str]
    scopes: frozenset[str] = frozenset()


def canonical_email(email: str) -> str:
    """Spell an address the one way it is kept."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def register(wish: NewPerson, clock: Clock) -> Person:
    """Make a person and an account of their own; raise `DuplicateResource` for a taken address."""
    kept = passwords.hashed(wish.password)
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
                created_at=now,
                updated_at=now,
            )
    except IntegrityError as error:
        raise DuplicateResource("this e-mail address is registered already") from error


def login(email: str, password: str, clock: Clock) -> Person:
    """Return who this is; raise the same `Unauthorized`, in the same time, for any who is not."""
    person = Person.by_email(canonical_email(email))
    fits = passwords.matches(password, person.password_hash if person else None)
    if person is None or not fits or not person.is_active:
        raise Unauthorized(_WRONG)
    person.last_login_at = clock.now()
    if passwords.is_outdated(person.password_hash):
        person.password_hash = passwords.hashed(password)
    person.save(only=[Person.last_login_at, Person.password_hash])
    return person


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


def make_key(wish: KeyWish, grantor: Grantor, clock: Clock) -> tuple[ApiKey, str]:
    """Make a key; return its row and the key itself, which is not kept.

    Raises `InsufficientPermissions` for a scope or mode its maker lacks, `Invalid` for a past end.
    """
    now = clock.now()
    _check_grant(wish, grantor, now)
    key = f"{KEY_MARK}{wish.mode}_{secrets.token_urlsafe(_RANDOM_BYTES)}"
    row = ApiKey.create(
        account=grantor.account_id,
        user=grantor.user_id,
        name=wish.name,
        prefix=key[:_SHOWN],
        digest=_digest(key),
        mode=wish.mode,
        scopes=sorted(set(wish.scopes) or grantor.scopes),
        expires_at=wish.expires_at,
        created_at=now,
    )
    return row, key


def _check_grant(wish: KeyWish, grantor: Grantor, now: datetime) -> None:
    if wish.expires_at is not None and wish.expires_at <= now:
        raise Invalid(details=[Detail("expiresAt", "lies in the past")])
    missing = sorted(set(wish.scopes) - grantor.permissions)
    if missing:
        raise InsufficientPermissions(f"you cannot grant {missing[0]}, which you lack")
    if grantor.mode == "test" and wish.mode != "test":
        raise InsufficientPermissions("a test key makes test keys only")


def use_key(key: str, clock: Clock) -> KeyStanding:
    """Return how a key that holds stands; raise `Unauthorized`, or `TokenExpired` when over."""
    found = KeyStanding.of_digest(_digest(key)) if len(key) <= _LONGEST_KEY else None
    now = clock.now()
    if found is None or found.revoked_at is not None or not found.person.is_active:
        raise Unauthorized("this API key does not hold")
    if found.expires_at is not None and found.expires_at <= now:
        raise TokenExpired("this API key has expired")
    if found.last_used_at is None or now - found.last_used_at > _SEEN_EVERY:
        found.seen(now)
    return found


def standing(person_id: UUID) -> Standing:
    """Return how a person stands; raise `Unauthorized` for one suspended or gone."""
    found = Standing.of_person(person_id)
    if found is None or not found.is_active:
        raise Unauthorized
    return found


def revoke_key(key_id: UUID, person_id: UUID, clock: Clock) -> None:
    """End a key at once; raise `NotFound` for one that is not theirs or ended already."""
    mine = (ApiKey.id == key_id) & (ApiKey.user == person_id) & ApiKey.revoked_at.is_null()
    if not ApiKey.update(revoked_at=clock.now()).where(mine).execute():
        raise NotFound


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()


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
        wish = NewPerson(email=email, password=password, name="Administrator", role=SUPER_ADMIN)
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

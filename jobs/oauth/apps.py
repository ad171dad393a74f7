"""Apps: registered, changed, recognized, ended (A-15). A secret is shown once and not kept."""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from jobs.attempts import WRONG, Attempt, Origin, record
from jobs.oauth import redirects
from models.accounts import Person
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.denials import InvalidClient
from models.kernel.errors import Conflict, Detail, Invalid, NotFound
from models.oauth import App
from models.people import AuditEntry

CODE: Final = "authorization_code"
REFRESH: Final = "refresh_token"
CREDENTIALS: Final = "client_credentials"
GRANT_TYPES: Final = (CODE, REFRESH, CREDENTIALS)
MARK: Final = "ils_"
MOST_APPS: Final = 25

_ID_BYTES: Final = 18
_SECRET_BYTES: Final = 32
_ROOM: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppWish:
    """The app somebody wants to register."""

    name: str
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    grant_types: Sequence[str]
    is_confidential: bool
    homepage_url: str = ""
    logo_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who registers and changes apps, and by which request."""

    account_id: UUID
    person_id: UUID
    request_id: str | None = None


class Apps:
    """Registers, changes and ends the apps of accounts."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def register(self, wish: AppWish, owner: Owner) -> tuple[App, str | None]:
        """Register an app; return its row and its secret, None for a public one.

        Raises `Invalid`, and `Conflict` for an account that has as many as it may.
        """
        _check(wish.redirect_uris, wish.grant_types, is_confidential=wish.is_confidential)
        secret = _new_secret() if wish.is_confidential else None
        now = self._clock.now()
        with database.unit():
            database.rows(_ROOM, (str(owner.account_id),))
            if App.of_account(owner.account_id).count() >= MOST_APPS:
                raise Conflict(f"an account has at most {MOST_APPS} apps: delete one first")
            app = App.create(
                account=owner.account_id,
                user=owner.person_id,
                client_id=secrets.token_urlsafe(_ID_BYTES),
                secret_digest=secret and _digest(secret),
                name=wish.name,
                redirect_uris=list(wish.redirect_uris),
                scopes=sorted(set(wish.scopes)),
                grant_types=sorted(set(wish.grant_types)),
                homepage_url=wish.homepage_url,
                logo_url=wish.logo_url,
                created_at=now,
                updated_at=now,
            )
            self._note("oauth.app.registered", app, owner)
        return app, secret

    def change(self, app_id: UUID, wishes: Mapping[str, Any], owner: Owner) -> App:
        """Change what is told of an app; what it loses it loses at once.

        Raises `NotFound` and `Invalid`.
        """
        with database.unit():
            app = held(app_id, owner.account_id)
            for name, value in wishes.items():
                setattr(app, name, value)
            _check(app.redirect_uris, app.grant_types, is_confidential=app.is_confidential)
            app.updated_at = self._clock.now()
            app.save(only=[*wishes, "updated_at"])
            self._note("oauth.app.changed", app, owner, {"changed": sorted(wishes)})
        return app

    def rotate_secret(self, app_id: UUID, owner: Owner) -> tuple[App, str]:
        """Give an app another secret; the old one ends at once.

        Raises `NotFound`, and `Conflict` for a public app.
        """
        with database.unit():
            app = held(app_id, owner.account_id)
            if not app.is_confidential:
                raise Conflict("a public app has no secret")
            secret = _new_secret()
            app.secret_digest, app.updated_at = _digest(secret), self._clock.now()
            app.save(only=[App.secret_digest, App.updated_at])
            self._note("oauth.app.secret_rotated", app, owner)
        return app, secret

    def delete(self, app_id: UUID, owner: Owner) -> None:
        """End an app, what people granted it and every token of it; raise `NotFound`."""
        with database.unit():
            app = held(app_id, owner.account_id)
            self._note("oauth.app.deleted", app, owner)
            App.delete().where(App.id == app.id).execute()

    def _note(
        self, action: str, app: App, owner: Owner, details: Mapping[str, Any] | None = None
    ) -> None:
        AuditEntry.create(
            account_id=owner.account_id,
            person_id=owner.person_id,
            actor_id=owner.person_id,
            action=action,
            details={"client_id": app.client_id, **(details or {})},
            request_id=owner.request_id,
            created_at=self._clock.now(),
        )


def held(app_id: UUID, account_id: UUID) -> App:
    """Return an app of an account; raise `NotFound` for any other."""
    app: App | None = App.of_account(account_id).where(App.id == app_id).first()
    if app is None:
        raise NotFound("there is no such app")
    return app


def recognized(client_id: str, secret: str, origin: Origin, clock: Clock) -> App:
    """Return the app that calls; raise `InvalidClient` unless it shows its secret, if it has one.

    A public app that shows any is refused too: somebody is mistaken about it.
    """
    app = App.by_client_id(client_id)
    kept = bytes(app.secret_digest) if app and app.secret_digest is not None else b""
    given = _digest(secret) if secret else b""
    if app is None or not hmac.compare_digest(kept, given):
        record(Attempt(action="oauth_client", outcome=WRONG), origin, clock)
        raise InvalidClient
    return app


def owner_of(app: App) -> Person | None:
    """Return who registered an app, if their credentials hold."""
    person = Person.by_id(app.user_id)
    return person if person is not None and person.is_active else None


def _check(uris: Sequence[str], grant_types: Sequence[str], *, is_confidential: bool) -> None:
    """Raise `Invalid` for an app that could not work, or not safely."""
    wrong = [
        Detail(f"redirectUris.{place}", fault)
        for place, fault in enumerate(map(redirects.fault_of, uris))
        if fault
    ]
    if CODE in grant_types and not uris:
        wrong.append(Detail("redirectUris", f"{CODE} needs one."))
    if REFRESH in grant_types and CODE not in grant_types:
        wrong.append(Detail("grantTypes", f"{REFRESH} comes with {CODE}."))
    if CREDENTIALS in grant_types and not is_confidential:
        wrong.append(Detail("grantTypes", f"{CREDENTIALS} is for apps with a secret."))
    if wrong:
        raise Invalid(details=wrong)


def _new_secret() -> str:
    return MARK + secrets.token_urlsafe(_SECRET_BYTES)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()

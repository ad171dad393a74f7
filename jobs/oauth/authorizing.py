"""Authorizing: what a person is asked before an app gets a code (A-14, A-15).

Each request comes to one step: log in, consent, or go back to the app, with a code or without. What
was granted before is not asked again, unless the app wants it asked, or may be another program.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from jobs.oauth.requests import CONSENT, LOGIN, NONE, Asked, Declined, Target, read, target_of
from jobs.oauth.scopes import narrowed
from models.accounts import Person
from models.kernel.clock import Clock
from models.kernel.database import database
from models.logins import LoginSession
from models.oauth import Authorization, Grant
from models.people import AuditEntry

CODE_MARK: Final = "ilc_"
CODE_SECONDS: Final = 60

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who sits before the browser: since when, and shown how (RFC 8176)."""

    person: Person
    session_id: UUID
    since: datetime
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the person back to the app."""

    address: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """Have the person log in, and ask again with these fields."""

    asked: Asked

    @property
    def fields(self) -> Mapping[str, str]:
        """What to ask again with: a fresh login is asked for once."""
        kept = {n: v for n, v in self.asked.fields.items() if n not in {"prompt", "max_age"}}
        rest = " ".join(sorted(self.asked.prompts - {LOGIN}))
        return {**kept, **({"prompt": rest} if rest else {})}


@dataclass(frozen=True, slots=True)
class Consent:
    """Ask the person whether the app may have these scopes."""

    asked: Asked
    signed_in: SignedIn
    scopes: frozenset[str]


Step = Redirect | LogIn | Consent


class Authorizer:
    """Takes a request to its next step."""

    def __init__(self, issuer: str, idle: timedelta, clock: Clock) -> None:
        """Take the public address that issues, how long a login idles, and the time."""
        self._issuer = issuer
        self._idle = idle
        self._clock = clock

    def signed_in(self, session_id: UUID | None) -> SignedIn | None:
        """Return who has an open login, None for one that ended or whose person does not hold."""
        session = session_id and LoginSession.by_id(session_id)
        now = self._clock.now()
        if not session or session.ended_at is not None:
            return None
        if session.expires_at <= now or session.rotated_at + self._idle <= now:
            return None
        person = Person.by_id(session.user_id)
        if person is None or not person.is_active:
            return None
        shown = ("pwd",) if session.stepped_up_at is None else ("pwd", "otp", "mfa")
        return SignedIn(
            person=person, session_id=session.id, since=session.created_at, methods=shown
        )

    def begin(self, fields: Mapping[str, str], signed_in: SignedIn | None) -> Step:
        """Return what comes first; raise `AppRefused` while app or redirect URI are in doubt."""
        target = target_of(fields)
        try:
            return self._next(read(fields, target), signed_in)
        except Declined as declined:
            return self._declined(target, declined)

    def decide(
        self, fields: Mapping[str, str], signed_in: SignedIn, request_id: str, *, is_allowed: bool
    ) -> Step:
        """Return what follows the person's own word; raise as `begin` does."""
        target = target_of(fields)
        try:
            asked = read(fields, target)
            if not is_allowed:
                raise Declined("access_denied", "the person said no")
            if self._wants_login(asked, signed_in):
                return LogIn(asked)
            return self._allowed(asked, signed_in, request_id)
        except Declined as declined:
            return self._declined(target, declined)

    def _declined(self, target: Target, declined: Declined) -> Redirect:
        told = {"error": declined.code, "error_description": declined.words}
        return Redirect(target.answer(self._issuer, **told))

    def _next(self, asked: Asked, signed_in: SignedIn | None) -> Step:
        if signed_in is None or self._wants_login(asked, signed_in):
            if NONE in asked.prompts:
                raise Declined("login_required", "the person has to log in")
            return LogIn(asked)
        scopes = _scopes(asked, signed_in)
        grant = Grant.holding(signed_in.person.id, asked.target.app.id)
        is_granted = grant is not None and scopes <= frozenset(grant.scopes)
        if grant and is_granted and asked.target.is_assured and CONSENT not in asked.prompts:
            return self._code(replace(asked, scopes=scopes), signed_in, grant.id)
        if NONE in asked.prompts:
            raise Declined("consent_required", "the person has to consent")
        return Consent(asked, signed_in, scopes)

    def _wants_login(self, asked: Asked, signed_in: SignedIn) -> bool:
        if LOGIN in asked.prompts:
            return True
        longest = asked.max_age
        return longest is not None and (
            self._clock.now() - signed_in.since > timedelta(seconds=longest)
        )

    def _allowed(self, asked: Asked, signed_in: SignedIn, request_id: str) -> Redirect:
        """Write down what was granted, and by whom, together with the code."""
        scopes, app = _scopes(asked, signed_in), asked.target.app
        person, now = signed_in.person, self._clock.now()
        with database.unit():
            grant_id = Grant.allow(person, app, scopes, now)
            AuditEntry.create(
                account_id=person.account_id,
                person_id=person.id,
                actor_id=person.id,
                action="oauth.granted",
                details={"client_id": app.client_id, "scopes": sorted(scopes)},
                request_id=request_id,
                created_at=now,
            )
            return self._code(replace(asked, scopes=scopes), signed_in, grant_id)

    def _code(self, asked: Asked, signed_in: SignedIn, grant_id: UUID) -> Redirect:
        """Return the way back with a code; only the code's digest is kept."""
        code, now = CODE_MARK + secrets.token_urlsafe(_SECRET_BYTES), self._clock.now()
        Authorization.create(
            account=signed_in.person.account_id,
            user=signed_in.person.id,
            app=asked.target.app.id,
            grant=grant_id,
            scopes=sorted(asked.scopes),
            code_digest=digest_of(code),
            redirect_uri=asked.target.redirect_uri,
            challenge=asked.challenge,
            nonce=asked.nonce,
            methods=list(signed_in.methods),
            authenticated_at=signed_in.since,
            rotated_at=now,
            created_at=now,
            expires_at=now + timedelta(seconds=CODE_SECONDS),
        )
        return Redirect(asked.target.answer(self._issuer, code=code))


def digest_of(code: str) -> bytes:
    """Return what is kept of a code."""
    return sha256(code.encode("utf-8", "surrogatepass")).digest()


def _scopes(asked: Asked, signed_in: SignedIn) -> frozenset[str]:
    """Return what the person has to give of what is asked; decline when that is nothing."""
    scopes = narrowed(asked.scopes, signed_in.person.permissions)
    if not scopes:
        raise Declined("access_denied", "the person may do none of this")
    return scopes

"""Logins: opened by a password, kept alive by refreshing, ended at once (A-02, A-04, A-06, A-07).

A login is a row that every request looks up. Its refresh token is replaced at each use: used twice
within ten seconds it gives the same new one, since answers get lost; used again later it has been
stolen, and the login ends for everybody who holds a part of it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from jobs.accounts import canonical_email, recognizes
from jobs.attempts import LOCKED, OK, WRONG, Attempt, Origin, record
from jobs.devices import Devices
from jobs.guessing import guarded, is_spent, subject_of
from jobs.mail import Mailroom
from jobs.proofs import VERIFY
from jobs.refresh_tokens import RefreshToken
from jobs.tokens import Pass, Tokens
from models.accounts import Person
from models.factors import Factor
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.denials import AccountDeleted, AccountLocked, EmailNotVerified, MfaRequired
from models.kernel.errors import NotFound, TokenExpired, Unauthorized
from models.kernel.ids import new_id
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from models.logins import LoginSession

GRACE: Final = timedelta(seconds=10)

_WRONG: Final = "e-mail or password is wrong"
_DELETED: Final = (
    "this account is deleted and will be purged on {day:%d %B %Y}; until then an administrator can"
    " bring it back"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginWish:
    """Who wants to log in, and how. `device` is a name to be listed by."""

    email: str
    password: str
    device: str = ""
    device_token: str = ""
    has_cookie: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A login as its client is told: the row, its person, the refresh token of this moment."""

    session: LoginSession
    person: Person
    refresh_token: str
    device_token: str = ""


class Logins:
    """Opens, refreshes and ends logins."""

    def __init__(
        self, tokens: Tokens, secrets: Secrets, mailroom: Mailroom, settings: Settings, clock: Clock
    ) -> None:
        """Take what signs, the house's secret, what posts letters, the limits, and the time."""
        self._tokens = tokens
        self._chain_key = secrets.derive("refresh-tokens")
        self._devices = Devices(secrets.derive("devices"), clock)
        self._idle = settings.session_idle
        self._longest = timedelta(days=settings.session_days)
        self._mailroom = mailroom
        self._wants_verified = wants_verified_email(settings)
        self._clock = clock

    @property
    def idle(self) -> timedelta:
        """How long a login lives without being refreshed."""
        return self._idle

    def login(self, wish: LoginWish, origin: Origin) -> Opened:
        """Open a login by a password.

        Raises `Unauthorized`, the same and in the same time for a wrong password and an unknown
        address; `AccountLocked` after too many; `MfaRequired`; `EmailNotVerified`;
        `AccountDeleted` to who has left and is not purged yet.
        """
        email = canonical_email(wish.email)
        person = self._recognized(email, wish, origin)
        return self.proceed(person, wish, origin)

    def proceed(self, person: Person, wish: LoginWish, origin: Origin) -> Opened:
        """Open a login for who has shown who they are; raise what `login` does of the known."""
        self._admit(person, origin)
        if Factor.is_enrolled(person.id):
            self._note("login", "mfa_required", person, origin)
            raise MfaRequired.with_token(
                self._tokens.issue_pass(Pass(person.id, wish.device, wish.has_cookie))
            )
        return self.open(person, wish, origin)

    def welcome(self, person: Person, wish: LoginWish, origin: Origin) -> Opened:
        """Open a login of somebody who has shown both factors at once: it is stepped up.

        Raises `Unauthorized` for the suspended, and what `login` raises of the known.
        """
        if not (person.is_active or person.is_leaving):
            raise Unauthorized
        self._admit(person, origin)
        return self.open(person, wish, origin, is_stepped_up=True)

    def _admit(self, person: Person, origin: Origin) -> None:
        """Refuse who has left, and who has not verified their address where that is wanted."""
        if person.is_leaving:
            self._note("login", "deleted", person, origin)
            raise AccountDeleted(_DELETED.format(day=person.purge_at))
        if self._wants_verified and person.email_verified_at is None:
            self._note("login", "unverified", person, origin)
            if not is_spent(subject_of("verify", person.email), self._clock):
                self._mailroom.post(VERIFY, person.email)
            raise EmailNotVerified

    def _recognized(self, email: str, wish: LoginWish, origin: Origin) -> Person:
        known = Person.by_email(email)
        counter = self._devices.counter(email, known, wish.device_token, origin.address)
        try:
            person = guarded(
                counter, lambda: known if recognizes(known, wish.password) else None, self._clock
            )
        except AccountLocked:
            self._note("login", LOCKED, known, origin, email)
            raise
        if person is None:
            self._note("login", WRONG, known, origin, email)
            raise Unauthorized(_WRONG)
        return person

    def open(
        self, person: Person, wish: LoginWish, origin: Origin, *, is_stepped_up: bool = False
    ) -> Opened:
        """Open a login for somebody who has shown all that is wanted."""
        now = self._clock.now()
        token = RefreshToken.first(new_id())
        with database.unit():
            session = LoginSession.create(
                id=token.session_id,
                account=person.account_id,
                user=person.id,
                device=wish.device,
                address=origin.address,
                agent=origin.agent,
                refresh_digest=token.digest,
                has_cookie=wish.has_cookie,
                created_at=now,
                rotated_at=now,
                stepped_up_at=now if is_stepped_up else None,
                expires_at=now + self._longest,
            )
            person.last_login_at = now
            person.save(only=[Person.last_login_at])
            self._note("login", OK, person, origin, session_id=session.id)
        device_token = self._devices.token_for(person.email, wish.device_token)
        return Opened(
            session=session, person=person, refresh_token=token.text, device_token=device_token
        )

    def complete(self, granted: Pass, device_token: str, origin: Origin) -> Opened:
        """Open the login of somebody who has shown their second factor too: it is stepped up."""
        person = Person.by_id(granted.person_id)
        if person is None or not person.is_active:
            raise Unauthorized
        wish = LoginWish(
            email=person.email,
            password="",
            device=granted.device,
            device_token=device_token,
            has_cookie=granted.has_cookie,
        )
        return self.open(person, wish, origin, is_stepped_up=True)

    def refresh(self, text: str, origin: Origin) -> Opened:
        """Replace a refresh token; one used before, and not just now, ends its login.

        Raises `Unauthorized`, or `TokenExpired` for a login that is over.
        """
        try:
            opened = self._refreshed(RefreshToken.read(text), origin)
        except Unauthorized:
            record(Attempt(action="refresh", outcome=WRONG), origin, self._clock)
            raise
        self._note("refresh", OK, opened.person, origin, session_id=opened.session.id)
        return opened

    def _refreshed(self, given: RefreshToken, origin: Origin) -> Opened:
        session = self._alive(given)
        if given.is_kept(session.refresh_digest) and session.generation == given.generation:
            child = given.child(self._chain_key)
            if session.rotate(child.digest, self._clock.now()):
                return self._told(session, child)
            session = self._alive(given)
        return self._told(session, self._replayed(given, session, origin))

    def _alive(self, given: RefreshToken) -> LoginSession:
        """Return the login of a token; one that ended, or was not used for long, is over."""
        session = LoginSession.by_id(given.session_id)
        if session is None or session.ended_at is not None:
            raise Unauthorized("this login has ended")
        now = self._clock.now()
        if session.expires_at <= now or session.rotated_at + self._idle <= now:
            raise TokenExpired("this login has expired")
        return session

    def _replayed(self, given: RefreshToken, session: LoginSession, origin: Origin) -> RefreshToken:
        """Return the last token of the chain to who used the one before a moment ago.

        Any earlier token ends the login; what never was a token of it changes nothing.
        """
        last = given.descendant(self._chain_key, session.generation)
        if given.generation == session.generation or not last.is_kept(session.refresh_digest):
            raise Unauthorized
        now = self._clock.now()
        if given.generation + 1 == session.generation and now - session.rotated_at <= GRACE:
            return last
        LoginSession.end(LoginSession.id == session.id, "reuse", now)
        reuse = Attempt(
            action="refresh", outcome="reused", person_id=session.user_id, session_id=session.id
        )
        record(reuse, origin, self._clock)
        raise Unauthorized("this refresh token was used before: the login has ended")

    def _told(self, session: LoginSession, token: RefreshToken) -> Opened:
        person = Person.by_id(session.user_id)
        if person is None or not person.is_active:
            raise Unauthorized
        return Opened(session=session, person=person, refresh_token=token.text)

    def end(self, session_id: UUID, person_id: UUID, reason: str = "revoked") -> None:
        """End one login of somebody's at once; raise `NotFound` for one that is not open."""
        mine = (LoginSession.id == session_id) & (LoginSession.user == person_id)
        if not LoginSession.end(mine, reason, self._clock.now()):
            raise NotFound

    def _note(
        self,
        action: str,
        outcome: str,
        person: Person | None,
        origin: Origin,
        email: str = "",
        *,
        session_id: UUID | None = None,
    ) -> None:
        attempt = Attempt(
            action=action,
            outcome=outcome,
            email=email or (person.email if person else ""),
            person_id=person.id if person else None,
            session_id=session_id,
        )
        record(attempt, origin, self._clock)


def wants_verified_email(settings: Settings) -> bool:
    """Say whether an address has to be verified before it logs in: by default, if mail is sent."""
    if settings.require_verified_email:
        return settings.require_verified_email == "on"
    return bool(settings.smtp_url)

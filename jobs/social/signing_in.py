"""Signing in at a provider: there, back, and a login here for a code (A-16, A-28).

The browser keeps what the way back is checked by, sealed; its state counts once. Who comes back is
sent on with a code, good for a minute and once, to a place of ours alone; whoever began, and nobody
else, can turn it into a login, since they alone have the verifier of the challenge they began with
(as in RFC 7636). So neither a stolen code nor a planted one logs anybody in.
"""

import hmac
import json
import re
import secrets as randomness
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from peewee import IntegrityError

from jobs.attempts import OK, WRONG, Attempt, Origin, record
from jobs.issuers.newcomers import Newcomers
from jobs.logins import Logins, LoginWish, Opened
from jobs.oauth.redirects import answered, fault_of
from jobs.social.exchanging import challenge_of
from jobs.social.provider import Provider, Trip
from models.accounts import Person
from models.kernel.clock import Clock
from models.kernel.errors import (
    Detail,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
    Unavailable,
)
from models.kernel.secrets import Secrets, Unsealable
from models.sign_ins import SignIn

TRIP_SECONDS: Final = 600
CODE_SECONDS: Final = 60
LONGEST_COOKIE: Final = 4_000

_PURPOSE: Final = "social-login"
_ACTION: Final = "social_login"
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9\-._~%][A-Za-z0-9\-._~%/?&=]*)?", re.ASCII)
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_ORIGIN: Final = re.compile(r"https?://[^/?#]+", re.ASCII)
_LOST: Final = "this sign-in did not begin in this browser, or too long ago: begin again"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a provider has sent somebody back with."""

    state: str
    code: str
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """What the browser keeps on the way."""

    trip: dict[str, str]
    return_to: str
    challenge: str
    ends_at: int


class SocialLogins:
    """Sends people to providers and logs in who comes back."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        logins: Logins,
        secrets: Secrets,
        places: tuple[str, ...],
        clock: Clock,
    ) -> None:
        """Take where people sign in, what opens logins, the secret, our places, and the time.

        `places` are origins people may be sent on to, the first of which is our own address.
        """
        self.providers = providers
        self._logins = logins
        self._secrets = secrets
        self._places = places
        self._newcomers = Newcomers(clock)
        self._clock = clock

    def begin(self, name: str, return_to: str, challenge: str) -> tuple[str, str]:
        """Return where to send somebody, and what their browser keeps.

        Raises `NotFound` for a provider that is not set up, `Invalid` for a place that is not
        ours or a challenge that is none, and `Unavailable`.
        """
        provider = self._provider(name)
        if not _CHALLENGE.fullmatch(challenge):
            raise Invalid(details=[Detail("code_challenge", "Not the S256 of a verifier.")])
        trip = Trip(
            state=randomness.token_urlsafe(32),
            nonce=randomness.token_urlsafe(32),
            verifier=randomness.token_urlsafe(32),
            redirect_uri=f"{self._places[0]}/v1/auth/social/{name}/callback",
        )
        begun = _Begun(
            trip=asdict(trip),
            return_to=self._place(return_to),
            challenge=challenge,
            ends_at=int(self._clock.now().timestamp()) + TRIP_SECONDS,
        )
        text = json.dumps(asdict(begun)).encode()
        kept = urlsafe_b64encode(self._secrets.seal(_PURPOSE, text, context=name)).decode()
        return provider.address(trip), kept

    def finish(self, name: str, returned: Returned, kept: str, origin: Origin) -> str:
        """Return where to send who came back: with a code, or with an error.

        Raises `NotFound`, and `Forbidden` for who did not begin in this browser.
        """
        provider = self._provider(name)
        begun = self._begun(name, kept)
        trip = Trip(**begun.trip)
        if not _same(returned.state, trip.state):
            raise Forbidden(_LOST)
        try:
            if not returned.code:
                raise Unauthorized
            outsider = provider.whom(returned.code, returned.issuer, trip)
            standing = self._newcomers.person_of(provider.source, outsider, origin)
            person = _present(Person.by_id(standing.person_id))
            code = self._code_of(person, begun, trip.state)
        except (Unauthorized, Unavailable, Invalid) as error:
            record(Attempt(action=_ACTION, outcome=WRONG), origin, self._clock)
            return answered(begun.return_to, {"error": error.code})
        told = Attempt(action=_ACTION, outcome=OK, email=person.email, person_id=person.id)
        record(told, origin, self._clock)
        return answered(begun.return_to, {"login_code": code})

    def redeem(self, code: str, verifier: str, wish: LoginWish, origin: Origin) -> Opened:
        """Open a login for a code.

        Raises `Unauthorized` for one that does not hold, was used, or whose sign-in somebody else
        began; `MfaRequired`; `AccountDeleted` to who has left.
        """
        now = self._clock.now()
        person_id = SignIn.redeem(_digest(code), challenge_of(verifier), now)
        try:
            person = _present(Person.by_id(person_id) if person_id else None)
        except Unauthorized:
            record(Attempt(action=_ACTION, outcome=WRONG), origin, self._clock)
            raise
        return self._logins.proceed(person, wish, origin)

    def _provider(self, name: str) -> Provider:
        if name not in self.providers:
            raise NotFound("nobody signs in there")
        return self.providers[name]

    def _place(self, asked: str) -> str:
        """Return where to send somebody on; raise `Invalid` for a place that is not ours."""
        if _PATH.fullmatch(asked):
            return self._places[0] + asked
        found = _ORIGIN.match(asked)
        if found and found[0] in self._places and not fault_of(asked):
            return asked
        words = "Neither a path here nor an address of an origin in ILM_CORS_ORIGINS."
        raise Invalid(details=[Detail("return_to", words)])

    def _begun(self, name: str, kept: str) -> _Begun:
        try:
            sealed = urlsafe_b64decode(kept[:LONGEST_COOKIE].encode())
            text = self._secrets.unseal(_PURPOSE, sealed, context=name)
        except (Unsealable, ValueError) as error:
            raise Forbidden(_LOST) from error
        told: dict[str, Any] = json.loads(text)
        begun = _Begun(**told)
        if begun.ends_at <= self._clock.now().timestamp():
            raise Forbidden(_LOST)
        return begun

    def _code_of(self, person: Person, begun: _Begun, state: str) -> str:
        """Return a code for this person; raise `Unauthorized` when the state has counted before."""
        code, now = randomness.token_urlsafe(32), self._clock.now()
        try:
            SignIn.create(
                account=person.account_id,
                user=person.id,
                state_digest=_digest(state),
                code_digest=_digest(code),
                challenge=begun.challenge,
                created_at=now,
                expires_at=now + timedelta(seconds=CODE_SECONDS),
            )
        except IntegrityError as error:
            raise Unauthorized from error
        return code


def _present(person: Person | None) -> Person:
    """Return who may log in, or be told that they have left; raise `Unauthorized` for others."""
    if person is None or not (person.is_active or person.is_leaving):
        raise Unauthorized("this code is wrong, was used, or has expired")
    return person


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())

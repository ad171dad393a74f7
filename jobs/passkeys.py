"""Passkeys: made, shown instead of a password or as the second factor, taken away (XC-06, A-12).

A passkey's user is verified by its authenticator each time, by a finger or a PIN: it counts as
both factors. While somebody has one, a password alone does not log them in.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from peewee import IntegrityError

from jobs.attempts import OK, WRONG, Attempt, Origin, record
from jobs.ceremonies import Ceremonies, Claim, NotShown
from jobs.challenges import Challenges
from jobs.factors import Bearer, Factors
from models.accounts import Person
from models.factors import PASSKEY
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.denials import StepUpRequired
from models.kernel.errors import (
    Conflict,
    Detail,
    DuplicateResource,
    Invalid,
    NotFound,
    Unauthorized,
)
from models.kernel.ids import wire_id
from models.logins import LoginSession
from models.passkeys import Passkey
from models.people import AuditEntry

MOST: Final = 20
FRESH: Final = timedelta(minutes=15)
ROLLED_BACK: Final = "passkey.rolled_back"

_ENROL: Final = "enrol"
_LOGIN: Final = "login"
_SHOW: Final = "show"
_UNFIT: Final = "this passkey does not fit here, or its challenge was used or has expired"


class Passkeys:
    """Enrols passkeys and checks what they sign."""

    def __init__(
        self, ceremonies: Ceremonies, challenges: Challenges, factors: Factors, clock: Clock
    ) -> None:
        """Take what speaks WebAuthn, what makes challenges, the other factors, and the time."""
        self._ceremonies = ceremonies
        self._challenges = challenges
        self._factors = factors
        self._clock = clock

    def options(self, bearer: Bearer) -> Mapping[str, Any]:
        """Return the options to make a passkey with.

        Raises `StepUpRequired` unless a factor was shown, or there is none and the login is
        fresh; `Conflict` for one passkey too many.
        """
        self._admit(bearer)
        held = [bytes(each.credential_id) for each in Passkey.held_by(bearer.person_id)]
        if len(held) >= MOST:
            raise Conflict(f"{MOST} passkeys are the most: remove one first")
        challenge = self._challenges.issue(_ENROL, _bound(bearer))
        return self._ceremonies.enrolment(Person.get_by_id(bearer.person_id), challenge, held)

    def enrol(
        self, bearer: Bearer, name: str, credential: Mapping[str, Any], origin: Origin
    ) -> tuple[Passkey, list[str]]:
        """Keep a new passkey; return it, and recovery codes when it is the first factor.

        Steps the login up. Raises what `options` raises, `Invalid`, `DuplicateResource`.
        """
        self._admit(bearer)
        try:
            claim = self._ceremonies.claim(credential)
            self._use(claim, _ENROL, _bound(bearer))
            made = self._ceremonies.enrolled(credential, claim.challenge)
        except NotShown as error:
            self._note("enrol_passkey", WRONG, bearer.person_id, origin)
            raise Invalid(details=[Detail("credential", _UNFIT)]) from error
        person = Person.get_by_id(bearer.person_id)
        try:
            with database.unit():
                row = Passkey.create(
                    account=person.account_id,
                    user=person.id,
                    name=name,
                    credential_id=made.credential_id,
                    public_key=made.public_key,
                    sign_count=made.sign_count,
                    transports=list(made.transports),
                    is_backed_up=made.is_backed_up,
                    created_at=self._clock.now(),
                )
                codes = self._factors.let_count(PASSKEY, bearer, **_told(row.id))
        except IntegrityError as error:
            raise DuplicateResource("this passkey is enrolled already") from error
        self._note("enrol_passkey", OK, person.id, origin)
        return row, codes

    def login_options(self) -> Mapping[str, Any]:
        """Return the options to log in with any passkey of this place, whoever it is of."""
        return self._ceremonies.request(self._challenges.issue(_LOGIN))

    def show_options(self, person_id: UUID) -> Mapping[str, Any]:
        """Return the options to show one of a person's passkeys."""
        held = [bytes(each.credential_id) for each in Passkey.held_by(person_id)]
        return self._ceremonies.request(self._challenges.issue(_SHOW, person_id.bytes), held)

    def recognize(self, credential: Mapping[str, Any], origin: Origin) -> Person:
        """Return whose passkey has signed; raise `Unauthorized`."""
        passkey = self._checked(credential, origin, None)
        return Person.get_by_id(passkey.user_id)

    def show(self, bearer: Bearer, credential: Mapping[str, Any], origin: Origin) -> None:
        """Take a signature as the second factor; step the login up, if any.

        Raises `Unauthorized`, for somebody else's passkey too.
        """
        self._checked(credential, origin, bearer.person_id)
        self._factors.step_up(bearer)

    def rename(self, passkey_id: UUID, person_id: UUID, name: str) -> Passkey:
        """Call a passkey otherwise; raise `NotFound` for one that is not theirs."""
        mine = (Passkey.id == passkey_id) & (Passkey.user == person_id)
        if not Passkey.update(name=name).where(mine).execute():
            raise NotFound("there is no such passkey")
        return Passkey.get_by_id(passkey_id)

    def remove(self, passkey_id: UUID, bearer: Bearer) -> None:
        """Take a passkey away; with the last one, that factor. Wants a factor shown lately."""
        self._factors.refuse_strangers(bearer)
        with database.unit():
            mine = (Passkey.id == passkey_id) & (Passkey.user == bearer.person_id)
            if not Passkey.delete().where(mine).execute():
                raise NotFound("there is no such passkey")
            if not Passkey.held_by(bearer.person_id).exists():
                self._factors.drop(PASSKEY, bearer.person_id)
            bearer.note("removed", self._clock, kind=PASSKEY, **_told(passkey_id))

    def _admit(self, bearer: Bearer) -> None:
        """Want a factor shown lately, or, of who has none, a login of a short while ago."""
        self._factors.refuse_strangers(bearer)
        session = LoginSession.by_id(bearer.session_id) if bearer.session_id else None
        is_fresh = session is not None and self._clock.now() - session.created_at <= FRESH
        if not bearer.is_stepped_up and not is_fresh:
            raise StepUpRequired("log in again to set up a passkey")

    def _checked(
        self, credential: Mapping[str, Any], origin: Origin, person_id: UUID | None
    ) -> Passkey:
        """Return the passkey that signed; what did not, is written down and refused."""
        passkey = None
        try:
            claim = self._ceremonies.claim(credential)
            passkey = Passkey.by_credential(claim.credential_id)
            self._use(claim, _SHOW if person_id else _LOGIN, person_id.bytes if person_id else b"")
            self._sign(passkey, claim, credential, person_id)
        except NotShown as error:
            known = person_id or (passkey.user_id if passkey else None)
            self._note("passkey", WRONG, known, origin)
            raise Unauthorized(_UNFIT) from error
        if passkey is None:
            raise Unauthorized(_UNFIT)
        self._note("passkey", OK, passkey.user_id, origin)
        return passkey

    def _sign(
        self,
        passkey: Passkey | None,
        claim: Claim,
        credential: Mapping[str, Any],
        person_id: UUID | None,
    ) -> None:
        """Check whose the passkey is, what it signed, and that its count grows."""
        if passkey is None or (person_id and passkey.user_id != person_id):
            raise NotShown
        is_unnamed = person_id is not None and not claim.user_handle
        if claim.user_handle != passkey.user_id.bytes and not is_unnamed:
            raise NotShown
        key = bytes(passkey.public_key)
        shown = self._ceremonies.shown(credential, claim.challenge, key)
        now = self._clock.now()
        if not passkey.count(shown.sign_count, now, is_backed_up=shown.is_backed_up):
            self._audit(passkey, shown.sign_count)
            raise NotShown

    def _use(self, claim: Claim, purpose: str, bound: bytes) -> None:
        if not self._challenges.use(claim.challenge, purpose, bound) or claim.is_framed:
            raise NotShown

    def _audit(self, passkey: Passkey, said: int) -> None:
        """Write down that a count went back: somebody has a copy of the authenticator."""
        AuditEntry.create(
            account_id=passkey.account_id,
            person_id=passkey.user_id,
            actor_id=passkey.user_id,
            action=ROLLED_BACK,
            details={"passkey": passkey.id.hex, "said": said, "known": passkey.sign_count},
            created_at=self._clock.now(),
        )

    def _note(self, action: str, outcome: str, person_id: UUID | None, origin: Origin) -> None:
        record(Attempt(action=action, outcome=outcome, person_id=person_id), origin, self._clock)


def _told(passkey_id: UUID) -> dict[str, str]:
    return {"passkey_id": wire_id("passkey", passkey_id)}


def _bound(bearer: Bearer) -> bytes:
    """Bind an enrolment to its login."""
    return bearer.person_id.bytes + (bearer.session_id.bytes if bearer.session_id else b"")

"""Recovery: verifying an address, and a forgotten password (A-01, A-08)."""

from typing import Final

from jobs import passwords
from jobs.attempts import OK, WRONG, Attempt, Origin, record
from jobs.guessing import is_spent, subject_of
from jobs.mail import Mailroom
from jobs.proofs import RESET, VERIFY, Proofs
from models.accounts import Person
from models.factors import Proof
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Detail, Invalid
from models.logins import LoginSession
from models.oauth import Authorization

_SPENT: Final = "is wrong, was used, or has expired"


class Recovery:
    """Shows that an address is somebody's, and lets them choose a new password."""

    def __init__(self, proofs: Proofs, mailroom: Mailroom, clock: Clock) -> None:
        """Take what makes proofs, what posts letters, and the time."""
        self._proofs = proofs
        self._mailroom = mailroom
        self._clock = clock

    def verify(self, token: str, origin: Origin) -> Person:
        """Note that an address is its owner's; raise `Invalid` for a token that is not good."""
        proof = self._proofs.good(VERIFY, token)
        if proof is None or not self._proofs.use(VERIFY, token):
            raise self._refused("verify_email", origin)
        person = Person.get_by_id(proof.user_id)
        if person.email != proof.email:
            raise self._refused("verify_email", origin)
        self._verified(person)
        self._note("verify_email", person, origin)
        return person

    def resend(self, email: str, origin: Origin) -> None:
        """Send what verifies an address once more, if it is not verified: five in a while."""
        if not is_spent(subject_of("verify", email), self._clock):
            self._mailroom.post(VERIFY, email)
        asked = Attempt(action="resend_verification", outcome=OK, email=email)
        record(asked, origin, self._clock)

    def forget(self, email: str, origin: Origin) -> None:
        """Send a letter to reset a password, whoever the address is: five in a while at most."""
        if not is_spent(subject_of("forgot", email), self._clock):
            self._mailroom.post(RESET, email)
        asked = Attempt(action="forgot_password", outcome=OK, email=email)
        record(asked, origin, self._clock)

    def reset(self, token: str, password: str, origin: Origin) -> None:
        """Change a password and end every login of its person; raise `Invalid` for a bad token.

        The address is verified by this too, and who was locked out may try again.
        """
        proof = self._proofs.good(RESET, token)
        if proof is None:
            raise self._refused("reset_password", origin)
        person = Person.get_by_id(proof.user_id)
        person.password_hash = passwords.hashed(password)
        with database.unit():
            is_changed = self._proofs.use(RESET, token) and self._changed(person)
        if not is_changed:
            raise self._refused("reset_password", origin)
        self._note("reset_password", person, origin)

    def _changed(self, person: Person) -> bool:
        now = self._clock.now()
        person.updated_at = now
        person.save(only=[Person.password_hash, Person.updated_at])
        self._verified(person)
        LoginSession.end(LoginSession.user == person.id, "password_reset", now)
        Authorization.end(Authorization.user == person.id, "password_reset", now)
        Proof.spoil(person.id, RESET, now)
        return True

    def _verified(self, person: Person) -> None:
        if person.email_verified_at is None:
            person.email_verified_at = self._clock.now()
            person.save(only=[Person.email_verified_at])

    def _refused(self, action: str, origin: Origin) -> Invalid:
        record(Attempt(action=action, outcome=WRONG), origin, self._clock)
        return Invalid(details=[Detail("token", _SPENT)])

    def _note(self, action: str, person: Person, origin: Origin) -> None:
        attempt = Attempt(action=action, outcome=OK, email=person.email, person_id=person.id)
        record(attempt, origin, self._clock)

"""Second factors: enrolling one, and showing it, which opens administering (A-12, A-13).

An authenticator app (TOTP), codes by mail, and ten recovery codes that stand in for either. A code
works once; five wrong ones lock the factor for a while. Who has a factor already must show it
before changing anything about factors.
"""

import hmac
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from jobs import totp
from jobs.attempts import LOCKED, OK, WRONG, Attempt, Origin, record
from jobs.audit import Actor, Deed, note
from jobs.guessing import guarded, is_spent, subject_of
from jobs.mail import Mailroom
from jobs.proofs import CODE, Proofs
from models.accounts import Person
from models.factors import EMAIL, TOTP, Factor, RecoveryCode
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.denials import AccountLocked, StepUpRequired
from models.kernel.errors import Conflict, NotFound, RateLimitExceeded, Unauthorized
from models.kernel.ids import new_id
from models.kernel.loopback import is_loopback
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from models.logins import LoginSession

RECOVERY_CODES: Final = 10

_PURPOSE: Final = "totp"
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_HALF: Final = 5
_WRONG: Final = "the code is wrong, was used, or has expired"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who shows a factor, by which login, if it is open yet, and whether they showed one lately."""

    person_id: UUID
    session_id: UUID | None = None
    is_stepped_up: bool = False
    request_id: str | None = None

    def note(self, action: str, clock: Clock, **details: str) -> None:
        """Write down what they did with their factors; of the same transaction (A-34)."""
        themselves = Actor(
            person_id=self.person_id, permissions=frozenset(), request_id=self.request_id
        )
        note(Deed(action=f"factor.{action}", details=details), themselves, clock)


class Factors:
    """Enrols second factors and checks their codes."""

    def __init__(self, secrets: Secrets, proofs: Proofs, mailroom: Mailroom, clock: Clock) -> None:
        """Take what seals, what makes codes, what posts them, and the time."""
        self._secrets = secrets
        self._recovery_key = secrets.derive("recovery-codes")
        self._proofs = proofs
        self._mailroom = mailroom
        self._clock = clock

    def enrol_totp(self, bearer: Bearer) -> bytes:
        """Return the secret for an app, which counts once a code of it has confirmed it.

        Raises `Conflict` when there is one; `StepUpRequired` when there is another factor.
        """
        self.refuse_strangers(bearer)
        factor = Factor.of(bearer.person_id, TOTP)
        if factor is not None and factor.confirmed_at is not None:
            raise Conflict("there is an authenticator app already: remove it first")
        secret = totp.new_secret()
        if factor is None:
            factor = self._new(bearer.person_id, TOTP)
        factor.sealed_secret = self._secrets.seal(_PURPOSE, secret, context=str(factor.id))
        factor.save(only=[Factor.sealed_secret])
        return secret

    def enrol_email(self, bearer: Bearer) -> None:
        """Have a code sent to the person's address; confirming it makes it a factor."""
        if Factor.of(bearer.person_id, EMAIL) is None:
            self.refuse_strangers(bearer)
            self._new(bearer.person_id, EMAIL)
        self.send_code(bearer.person_id)

    def send_code(self, person_id: UUID) -> None:
        """Send a code by mail; raise `NotFound` without that factor, `RateLimitExceeded`."""
        if Factor.of(person_id, EMAIL) is None:
            raise NotFound("codes by mail are not set up")
        if is_spent(subject_of("code", str(person_id)), self._clock):
            raise RateLimitExceeded("too many codes were sent; use one of them, or wait")
        self._mailroom.post(CODE, Person.get_by_id(person_id).email)

    def confirm(self, kind: str, bearer: Bearer, code: str, origin: Origin) -> list[str]:
        """Let a factor count from now on; return recovery codes when it is the first.

        Steps the login up. Raises `NotFound`, `Unauthorized` for a wrong code, `AccountLocked`.
        """
        factor = Factor.of(bearer.person_id, kind)
        if factor is None or factor.confirmed_at is not None:
            raise NotFound("there is nothing to confirm")
        self.refuse_strangers(bearer)
        self._guess([factor], bearer, code, origin)
        return self.let_count(kind, bearer)

    def let_count(self, kind: str, bearer: Bearer, **told: str) -> list[str]:
        """Let a factor that was just shown count; return recovery codes when it is the first.

        `told` is what else the audit tells of it.
        """
        factor = Factor.of(bearer.person_id, kind) or self._new(bearer.person_id, kind)
        is_first = not Factor.is_enrolled(bearer.person_id)
        with database.unit():
            factor.confirmed_at = self._clock.now()
            factor.save(only=[Factor.confirmed_at])
            self.step_up(bearer)
            bearer.note("added", self._clock, kind=kind, **told)
            return self._fresh_codes(bearer.person_id) if is_first else []

    def show(self, bearer: Bearer, code: str, origin: Origin) -> None:
        """Take a code of any confirmed factor, or a recovery code; step the login up, if any.

        Raises `Unauthorized`, for who has no factor too, and `AccountLocked`.
        """
        self._guess(Factor.enrolled_by(bearer.person_id), bearer, code, origin)
        self.step_up(bearer)

    def recovery_codes(self, bearer: Bearer) -> list[str]:
        """Return ten new recovery codes; the old ones end. Wants the factor shown lately."""
        if not bearer.is_stepped_up:
            raise StepUpRequired
        with database.unit():
            bearer.note("codes_renewed", self._clock)
            return self._fresh_codes(bearer.person_id)

    def remove(self, kind: str, bearer: Bearer) -> None:
        """Remove a factor, with the last one the recovery codes too."""
        self.refuse_strangers(bearer)
        with database.unit():
            if self.drop(kind, bearer.person_id):
                bearer.note("removed", self._clock, kind=kind)

    def drop(self, kind: str, person_id: UUID) -> bool:
        """Let a factor be none, as `remove` does; say whether it counted. Raises `NotFound`."""
        mine = (Factor.user == person_id) & (Factor.kind == kind)
        gone = list(Factor.delete().where(mine).returning(Factor.confirmed_at).execute())
        if not gone:
            raise NotFound
        if not Factor.is_enrolled(person_id):
            RecoveryCode.delete().where(RecoveryCode.user == person_id).execute()
        return gone[0].confirmed_at is not None

    def _new(self, person_id: UUID, kind: str) -> Factor:
        """Return a factor that is not confirmed; asked for twice at once, it is the same."""
        person = Person.get_by_id(person_id)
        Factor.insert(
            id=new_id(),
            account=person.account_id,
            user=person_id,
            kind=kind,
            created_at=self._clock.now(),
        ).on_conflict_ignore().execute()
        return Factor.get((Factor.user == person_id) & (Factor.kind == kind))

    def refuse_strangers(self, bearer: Bearer) -> None:
        """Want a factor shown lately from who has one; raise `StepUpRequired`."""
        if not bearer.is_stepped_up and Factor.is_enrolled(bearer.person_id):
            raise StepUpRequired

    def _guess(self, factors: Sequence[Factor], bearer: Bearer, code: str, origin: Origin) -> None:
        """Check a code, count it when it is wrong, and write the attempt down."""
        plain = "".join(code.split()).lower()
        kind = "digits" if plain.isdecimal() else "recovery"
        attempt = Attempt(
            action="mfa", outcome=OK, person_id=bearer.person_id, session_id=bearer.session_id
        )
        try:
            found = guarded(
                subject_of("factor", kind, str(bearer.person_id)),
                lambda: self._is_right(factors, bearer.person_id, plain) or None,
                self._clock,
            )
        except AccountLocked:
            record(replace(attempt, outcome=LOCKED), origin, self._clock)
            raise
        record(replace(attempt, outcome=OK if found else WRONG), origin, self._clock)
        if not found:
            raise Unauthorized(_WRONG)

    def _is_right(self, factors: Sequence[Factor], person_id: UUID, code: str) -> bool:
        return any(self._fits(factor, code) for factor in factors) or self._recovers(
            factors, person_id, code
        )

    def _fits(self, factor: Factor, code: str) -> bool:
        if factor.kind == EMAIL:
            return self._proofs.use(CODE, code, factor.user_id)
        if factor.sealed_secret is None:
            return False
        sealed = bytes(factor.sealed_secret)
        secret = self._secrets.unseal(_PURPOSE, sealed, context=str(factor.id))
        step = totp.step_of(secret, code, self._clock.now().timestamp())
        return step is not None and factor.use_step(step)

    def _recovers(self, factors: Sequence[Factor], person_id: UUID, code: str) -> bool:
        """Use a recovery code up: it stands in for factors that are confirmed alone."""
        if not any(factor.confirmed_at for factor in factors):
            return False
        return RecoveryCode.use(self._recovery_digest(person_id, code), self._clock.now())

    def step_up(self, bearer: Bearer) -> None:
        """Let a login administer for a while, if there is one."""
        if bearer.session_id is not None:
            LoginSession.step_up(bearer.session_id, self._clock.now())

    def _fresh_codes(self, person_id: UUID) -> list[str]:
        now = self._clock.now()
        codes = [_new_code() for _ in range(RECOVERY_CODES)]
        RecoveryCode.delete().where(RecoveryCode.user == person_id).execute()
        for code in codes:
            digest = self._recovery_digest(person_id, code)
            RecoveryCode.create(digest=digest, user=person_id, created_at=now)
        return codes

    def _recovery_digest(self, person_id: UUID, code: str) -> bytes:
        text = code.replace("-", "").encode("utf-8", "surrogatepass")
        return hmac.digest(self._recovery_key, person_id.bytes + text, "sha256")


def wants_admin_mfa(settings: Settings) -> bool:
    """Say whether administering wants a second factor: by default, unless we are on loopback."""
    if settings.admin_mfa:
        return settings.admin_mfa == "required"
    return not is_loopback(settings.base_url)


def _new_code() -> str:
    """Return ten characters that nobody mistakes for others: 49 bits."""
    halves = ("".join(random.choice(_ALPHABET) for _ in range(_HALF)) for _ in range(2))
    return "-".join(halves)

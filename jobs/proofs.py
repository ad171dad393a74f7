"""Proofs: what a mail carries to show that whoever uses it reads that address.

The text is an HMAC of the job that sends it: a job that runs twice sends the same, and only a
digest is kept. Each is good once, and for a while: tokens of 256 bits to verify an address or to
reset a password, six digits as a second factor.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from models.accounts import Person
from models.factors import Proof
from models.kernel.clock import Clock
from models.kernel.secrets import Secrets

VERIFY: Final = "verify"
RESET: Final = "reset"
CODE: Final = "code"

GOOD_FOR: Final[Mapping[str, timedelta]] = {
    VERIFY: timedelta(hours=24),
    RESET: timedelta(hours=1),
    CODE: timedelta(minutes=10),
}

_DIGITS: Final = 6


class Proofs:
    """Issues and takes proofs."""

    def __init__(self, secrets: Secrets, clock: Clock) -> None:
        """Take the house's secret, and the time."""
        self._texts = secrets.derive("proof-texts")
        self._digests = secrets.derive("proof-digests")
        self._clock = clock

    def issue(self, purpose: str, person: Person, job_id: UUID) -> tuple[Proof, str]:
        """Return the proof that a job sends to a person, and its text; the same each time."""
        text = self._text(purpose, job_id)
        digest = self._digest(purpose, text, person.id)
        now = self._clock.now()
        Proof.renew(
            Proof(
                digest=digest,
                user=person.id,
                purpose=purpose,
                email=person.email,
                created_at=now,
                expires_at=now + GOOD_FOR[purpose],
            )
        )
        return Proof.get_by_id(digest), text

    def good(self, purpose: str, text: str) -> Proof | None:
        """Return the proof of a text that can still be used, None for any other."""
        return Proof.good(self._digest(purpose, text), purpose, self._clock.now())

    def use(self, purpose: str, text: str, person_id: UUID | None = None) -> bool:
        """Use a proof up; False when it is none, or was used, or has expired."""
        digest = self._digest(purpose, text, person_id)
        return Proof.use(digest, purpose, self._clock.now())

    def _text(self, purpose: str, job_id: UUID) -> str:
        mac = hmac.digest(self._texts, purpose.encode() + job_id.bytes, "sha256")
        if purpose == CODE:
            return str(int.from_bytes(mac) % 10**_DIGITS).zfill(_DIGITS)
        return urlsafe_b64encode(mac).decode().rstrip("=")

    def _digest(self, purpose: str, text: str, person_id: UUID | None = None) -> bytes:
        """Return what is kept; six digits are told apart by whose they are."""
        owner = person_id.bytes if person_id and purpose == CODE else b""
        words = purpose.encode() + owner + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._digests, words, "sha256")

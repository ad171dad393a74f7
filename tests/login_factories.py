"""Factories of what logging in leaves: logins, attempts, wrong guesses, second factors, proofs."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from models.accounts import Person
from models.factors import Factor, Proof, RecoveryCode
from models.kernel.ids import new_id
from models.logins import Guess, LoginAttempt, LoginSession
from models.passkeys import Passkey, UsedChallenge
from tests.making import made, numbers, person

LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)
NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


def digest() -> bytes:
    """Return the digest of something nobody knows."""
    return sha256(f"secret {next(numbers)}".encode()).digest()


def login_session(of: Person | None = None, **given: Any) -> LoginSession:
    """An open login that was never refreshed."""
    owner = of or person()
    usual = {
        "account": owner.account_id,
        "user": owner.id,
        "refresh_digest": digest(),
        "created_at": NOW,
        "rotated_at": NOW,
        "expires_at": LATER,
    }
    return made(LoginSession, {**usual, **given})


def login_attempt(**given: Any) -> LoginAttempt:
    """A wrong password for an address nobody has."""
    usual = {"email": "nobody@example.org", "action": "login", "outcome": "wrong"}
    return made(LoginAttempt, {**usual, "created_at": NOW, **given})


def guess(**given: Any) -> Guess:
    """One wrong guess at something."""
    usual = {"subject": digest(), "failures": 1, "last_at": NOW}
    return made(Guess, {**usual, **given}, "subject")


def factor(of: Person | None = None, **given: Any) -> Factor:
    """Codes by mail, confirmed."""
    owner = of or person()
    usual = {"id": new_id(), "account": owner.account_id, "user": owner.id, "kind": "email"}
    return made(Factor, {**usual, "created_at": NOW, "confirmed_at": NOW, **given})


def recovery_code(of: Person | None = None, **given: Any) -> RecoveryCode:
    """A recovery code nobody knows."""
    usual = {"digest": digest(), "user": (of or person()).id, "created_at": NOW}
    return made(RecoveryCode, {**usual, **given}, "digest")


def proof(of: Person | None = None, **given: Any) -> Proof:
    """A token to verify an address, on its way."""
    owner = of or person()
    usual = {"digest": digest(), "user": owner.id, "email": owner.email, "purpose": "verify"}
    return made(Proof, {**usual, "created_at": NOW, "expires_at": LATER, **given}, "digest")


def passkey(of: Person | None = None, **given: Any) -> Passkey:
    """A passkey that nobody holds."""
    owner = of or person()
    usual = {
        "account": owner.account_id,
        "user": owner.id,
        "name": "a key",
        "credential_id": digest(),
        "public_key": b"no key",
        "created_at": NOW,
    }
    return made(Passkey, {**usual, **given})


def used_challenge(**given: Any) -> UsedChallenge:
    """A challenge that somebody has answered."""
    return made(UsedChallenge, {"digest": digest(), "expires_at": NOW, **given}, "digest")

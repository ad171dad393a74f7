"""Attempts: every try at a credential is a row: who, when, from where, and how it ended (A-10).

The log says as much as it may: never an address of mail, and of a network address its first part.
"""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final
from uuid import UUID

from models.kernel.clock import Clock
from models.kernel.logs import get_logger
from models.kernel.measures import ATTEMPTS
from models.logins import LoginAttempt

OK: Final = "ok"
WRONG: Final = "wrong"
LOCKED: Final = "locked"

_LONGEST_AGENT: Final = 300
_SHOWN_BITS: Final = {4: 24, 6: 48}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: the client's address, what it calls itself, the request's id."""

    address: str = ""
    agent: str = ""
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try: `action` is what was wanted, `outcome` how it ended."""

    action: str
    outcome: str
    email: str = ""
    person_id: UUID | None = None
    session_id: UUID | None = None


def record(attempt: Attempt, origin: Origin, clock: Clock) -> None:
    """Write an attempt down, and log it."""
    LoginAttempt.create(
        user_id=attempt.person_id,
        email=attempt.email,
        action=attempt.action,
        outcome=attempt.outcome,
        address=origin.address,
        agent=origin.agent[:_LONGEST_AGENT],
        session_id=attempt.session_id,
        request_id=origin.request_id,
        created_at=clock.now(),
    )
    ATTEMPTS.add(attempt.action, attempt.outcome)
    log.info(
        "auth.attempt",
        action=attempt.action,
        outcome=attempt.outcome,
        user_id=attempt.person_id and str(attempt.person_id),
        network=network_of(origin.address),
    )


def network_of(address: str) -> str:
    """Return the network of an address, as much as a log may tell; empty for none."""
    try:
        bits = _SHOWN_BITS[ip_address(address).version]
    except ValueError:
        return ""
    return str(ip_network(f"{address}/{bits}", strict=False))

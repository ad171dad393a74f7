"""Upkeep of logins: what has no use any more is forgotten, every hour (Z-05).

What was tried (`login_attempt`) is not ours to delete: it is append-only for running processes.
"""

from datetime import datetime, timedelta
from typing import Final

from models.factors import Proof
from models.kernel.clock import Clock
from models.kernel.logs import get_logger
from models.logins import Guess, LoginSession
from models.oauth import Authorization, Grant
from models.passkeys import UsedChallenge
from models.sign_ins import SignIn

GUESSES_FOR: Final = timedelta(days=1)
PROOFS_FOR: Final = timedelta(days=7)
LOGINS_FOR: Final = timedelta(days=90)
AUTHORIZATIONS_FOR: Final = timedelta(days=1)
SIGN_INS_FOR: Final = timedelta(days=1)

log = get_logger(__name__)


def tidy_logins(clock: Clock) -> int:
    """Forget old guesses, proofs and challenges that expired, logins that are over; count them."""
    now = clock.now()
    gone = (
        Guess.delete().where(Guess.last_at < now - GUESSES_FOR).execute()
        + Proof.delete().where(Proof.expires_at < now - PROOFS_FOR).execute()
        + UsedChallenge.delete().where(UsedChallenge.expires_at < now).execute()
        + LoginSession.delete().where(_is_over(now - LOGINS_FOR)).execute()
        + Authorization.delete()
        .where(Authorization.expires_at < now - AUTHORIZATIONS_FOR)
        .execute()
        + SignIn.delete().where(SignIn.expires_at < now - SIGN_INS_FOR).execute()
        + Grant.delete().where(Grant.ended_at < now - LOGINS_FOR).execute()
    )
    if gone:
        log.info("logins.tidied", rows=gone)
    return int(gone)


def _is_over(before: datetime) -> object:
    return (LoginSession.ended_at < before) | (LoginSession.expires_at < before)

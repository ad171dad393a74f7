"""Months: every account's is opened soon after it begins, whoever asks for it or not (B-02).

Who holds or reads before that opens it too; the key of `credit_period` lets it happen once.
"""

from typing import Final
from uuid import UUID

from peewee import PeeweeException

from jobs.schedules.pulse import NotDone, Pulse
from models.kernel.database import database, is_cut
from models.kernel.logs import get_logger

AT_ONCE: Final = 200

_DUE: Final = "select account_id::text from periods_due(%s, %s)"
_OPEN: Final = "select period_open(%s)"
_FIRST: Final = UUID(int=0)

log = get_logger(__name__)


def open_months(pulse: Pulse, at_once: int = AT_ONCE) -> str:
    """Open what months are due, those that were missed too; return what was done in words.

    Each account in a transaction of its own. One whose books refuse stops no other; then
    `NotDone` is raised at the end.
    """
    opened = accounts = refused = 0
    last = _FIRST
    while due := database.rows(_DUE, (last, at_once)):
        for (account_id,) in due:
            pulse.check()
            months = _opened(account_id)
            opened, accounts = opened + (months or 0), accounts + bool(months)
            refused += months is None
        last = UUID(due[-1][0])
    if refused:
        raise NotDone(f"the months of {refused} accounts could not be opened")
    return f"opened {opened} months of {accounts} accounts"


def _opened(account_id: str) -> int | None:
    """Open an account's months; return how many, None when its books refuse."""
    try:
        return int(database.rows(_OPEN, (account_id,))[0][0])
    except PeeweeException as error:
        if is_cut(error):
            raise
        log.exception("month.refused", account_id=account_id)
        return None

"""Statements on paper: PDFs of months that are over for good, set when they are asked for.

They are kept for a week: what keys and people are called on them is not kept for longer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final, Protocol
from uuid import UUID

from jobs.job import Job
from jobs.run import Effect, Outcome
from jobs.statements import Share, Sheet, statement
from models.accounts import Person
from models.kernel.clock import Clock
from models.kernel.errors import Conflict
from models.kernel.ids import derived_id, wire_id
from models.kernel.money import Nano
from models.organizations import Organization
from models.statements import FINAL, Paper, first_of

KEPT_FOR: Final = timedelta(days=7)
CENTS_PER_USD: Final = 100

_WORDS: Final[Mapping[str, str]] = {
    "granted": "Credits granted",
    "expired": "Credits expired",
    "purchased": "Purchases",
    "refunded": "Refunds",
    "adjusted": "Adjustments",
    "charged": "Charges",
}
_KEEP: Final = """
insert into statement_paper (account_id, period, digest, content) values (%s, %s, %s, %s)
on conflict (account_id, period) do update
set digest = excluded.digest, content = excluded.content, made_at = now()
"""


class Press(Protocol):
    """What sets statements."""

    def set(self, sheet: Mapping[str, Any]) -> bytes:
        """Return a PDF; raise `Unavailable` when a later try may help."""
        ...


@dataclass(frozen=True, slots=True)
class SetStatement(Job):
    """Set the statement of a month as a PDF."""

    name: ClassVar[str] = "statement.set"
    queue: ClassVar[str] = "default"

    account_id: UUID
    period: str

    @property
    def subject(self) -> UUID:
        """The month of the account."""
        return derived_id(self.account_id, self.period)


def set_statement(job: SetStatement, press: Press) -> Outcome:
    """Set and keep it."""
    text = text_of(job.account_id, job.period)
    given = (job.account_id, first_of(job.period), digest_of(text), press.set(text))
    return Outcome({"period": job.period}, effects=[Effect(_KEEP, given)])


def paper(account_id: UUID, period: str) -> bytes | None:
    """Return the PDF of a month, None when it is still to be set.

    Raises `NotFound` for a month the account did not have, `Conflict` for one that is not over.
    """
    digest = digest_of(text_of(account_id, period))
    found = Paper.of(account_id, first_of(period))
    return bytes(found.content) if found and bytes(found.digest) == digest else None


def forget_papers(clock: Clock) -> int:
    """Delete PDFs that were set a week ago; count them."""
    old = Paper.made_at < clock.now() - KEPT_FOR
    return int(Paper.delete().where(old).execute())


def text_of(account_id: UUID, period: str) -> Mapping[str, Any]:
    """Return what is on the paper, in the words and digits that are printed."""
    sheet = statement(account_id, first_of(period))
    if sheet.status != FINAL:
        raise Conflict("this month may still change: its statement is set when it is over")
    return {
        "period": period,
        "owner": _owner(account_id),
        "account": wire_id("acct", account_id),
        "opening": _amount(sheet.month.opening.balance_cents, sheet.month.opening),
        "closing": _amount(sheet.month.closing.balance_cents, sheet.month.closing),
        "charged": _amount(sheet.charged_cents, sheet.month.charged),
        "entries": [
            {"name": _WORDS[entry.kind], "amount": _amount(entry.cents, entry.amount)}
            for entry in sheet.entries
        ],
        "shares": _shares(sheet),
    }


def digest_of(text: Mapping[str, Any]) -> bytes:
    """Return what tells one paper's text from another's."""
    return sha256(json.dumps(text, sort_keys=True).encode()).digest()


def _shares(sheet: Sheet) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    ways = {"By model": sheet.by_llm, "By key": sheet.by_key, "By person": sheet.by_user}
    return {title: [_share(each) for each in shares] for title, shares in ways.items()}


def _share(share: Share) -> Mapping[str, Any]:
    return {
        "name": share.label or share.name,
        "calls": share.calls,
        "tokens": share.tokens_in + share.tokens_out,
        "amount": _amount(share.cents, share.cost),
    }


def _owner(account_id: UUID) -> str:
    organization = Organization.found(id=account_id)
    owner = organization or Person.found(account=account_id)
    return str(owner.name) if owner else ""


def _amount(cents: int, exact: Nano) -> tuple[str, str]:
    """Write an amount in USD twice, in whole cents and exactly."""
    return usd(cents), exact.usd


def usd(cents: int) -> str:
    """Write cents as USD: `-1.05`."""
    sign, rest = "-" if cents < 0 else "", abs(cents)
    return f"{sign}{rest // CENTS_PER_USD}.{rest % CENTS_PER_USD:02}"

"""What administrators do to somebody's money: adjust it, give it back, limit it (B-09, B-13).

Each is written down twice in its own transaction: in the audit of the person, and beside the ledger
with who did it and why.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from peewee import PeeweeException

from jobs.audit import Actor, Deed, note
from jobs.people import anybody
from jobs.purchases import Purchases
from models.accounts import Person
from models.credits import Credit
from models.kernel.clock import Clock
from models.kernel.database import database, sqlstate_of
from models.kernel.errors import Conflict
from models.kernel.ids import new_id, wire_id
from models.kernel.money import Nano
from models.purchases import REFUNDED, REFUNDING, Purchase

_NOT_COVERED: Final = "ILM03"
_ADJUST: Final = "select money_adjust(%s, %s, %s, %s, %s)"
_MOVED: Final = """
select entry.transaction_id, note.created_at, account.balance_nano
from ledger_note note
join ledger_entry entry on entry.idem = note.idem and entry.account = 'wallet:' || note.account_id
join account on account.id = note.account_id
where note.idem = %s
"""
_LIMITS: Final = "select cost_limit_nano, tokens_limit from account where id = %s"
_LOCK: Final = "select from account where id = %s for update"
_LIMIT: Final = "update account set cost_limit_nano = %s, tokens_limit = %s where id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A movement that was made by hand; `id` is that of its transaction."""

    id: UUID
    user_id: UUID
    amount: Nano
    reason: str
    balance: Nano
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLimits:
    """The limits an account has of its own; None follows its tier's."""

    cost: Nano | None
    tokens: int | None

    @classmethod
    def of(cls, account_id: UUID) -> Self:
        """Read them."""
        ((cost, tokens),) = database.rows(_LIMITS, (account_id,))
        return cls(cost=None if cost is None else Nano(cost), tokens=tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """How somebody's account stands, and the limits that are its own."""

    user_id: UUID
    credit: Credit
    own: OwnLimits


def adjust(person_id: UUID, amount: Nano, reason: str, actor: Actor, clock: Clock) -> Adjustment:
    """Give somebody money, or take it; raise `NotFound`, and `Conflict` for what they do not have.

    An amount of nothing is refused before this is asked.
    """
    with database.unit():
        person = anybody(person_id)
        key = new_id()
        wanted = (person.account_id, amount.amount, actor.person_id, reason, key)
        with _covered():
            database.rows(_ADJUST, wanted)
        ((moved, at, balance),) = database.rows(_MOVED, (f"adjust:{key}",))
        told = {"amount_nano_usd": amount.wire, "reason": reason, "id": wire_id("txn", moved)}
        note(_deed(person, "billing.adjusted", told), actor, clock)
    return Adjustment(
        id=moved, user_id=person.id, amount=amount, reason=reason, balance=Nano(balance),
        created_at=at,
    )  # fmt: skip


def refund(
    purchase_id: UUID, reason: str, actor: Actor, purchases: Purchases, clock: Clock
) -> Purchase:
    """Take the credits of a purchase back, then have the gateway give the money back.

    Asked again, it goes on where it was. Raises `NotFound`; `Conflict` when the credits are not
    there any more, when it was never paid, and when the gateway keeps the money.
    """
    row = Purchase.anybodys(purchase_id)
    with database.unit(), _covered():
        if row.refund(actor.person_id, reason):
            told = {"purchase_id": wire_id("purchase", row.id), "reason": reason}
            deed = Deed(
                action="billing.refunded", details=told, person_id=row.user_id,
                account_id=row.account_id,
            )  # fmt: skip
            note(deed, actor, clock)
    row = row.fresh
    if row.status == REFUNDING:
        purchases.repay(row)
        row = row.fresh
    if row.status != REFUNDED:
        why = row.failure or row.status
        raise Conflict(f"this purchase cannot be given back: {why}")
    return row


def books_of(person_id: UUID) -> Books:
    """Return how somebody's account stands; raise `NotFound` for nobody."""
    person = anybody(person_id)
    with database.unit():
        own = OwnLimits.of(person.account_id)
        credit = Credit.of(person.account_id)
    return Books(user_id=person.id, credit=credit, own=own)


def limit(person_id: UUID, wish: Mapping[str, Any], actor: Actor, clock: Clock) -> Books:
    """Set limits of an account's own, over its tier's; None follows the tier's again.

    What is left out stays. Raises `NotFound` for nobody.
    """
    with database.unit():
        person = anybody(person_id)
        database.rows(_LOCK, (person.account_id,))
        before = OwnLimits.of(person.account_id)
        cost, tokens = wish.get("cost", before.cost), wish.get("tokens", before.tokens)
        after = OwnLimits(cost=cost, tokens=tokens)
        nano = None if cost is None else cost.amount
        database.rows(_LIMIT, (nano, tokens, person.account_id))
        told = {"before": _told(before), "after": _told(after), "reason": wish["reason"]}
        note(_deed(person, "billing.limited", told), actor, clock)
    return books_of(person_id)


def _told(limits: OwnLimits) -> dict[str, Any]:
    cost = None if limits.cost is None else limits.cost.wire
    return {"monthly_cost_nano_usd": cost, "tokens_per_day": limits.tokens}


def _deed(person: Person, action: str, details: Mapping[str, Any]) -> Deed:
    return Deed(action=action, details=details, person_id=person.id, account_id=person.account_id)


@contextmanager
def _covered() -> Iterator[None]:
    """Refuse what a balance does not cover in words for who asked for it."""
    try:
        yield
    except PeeweeException as error:
        if sqlstate_of(error) != _NOT_COVERED:
            raise
        raise Conflict("the balance, without what is held of it, does not cover that") from error

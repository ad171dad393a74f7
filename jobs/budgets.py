"""Budgets: set, changed and lifted by who may buy credits for the account (B-17)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from peewee import IntegrityError

from models.accounts import ApiKey, Person
from models.budgets import ACCOUNT, DAY, KEY, USER, Budget
from models.credits import Credit
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Detail, DuplicateResource, Invalid, NotFound
from models.kernel.ids import new_id, parse_id, wire_id
from models.kernel.money import Nano
from models.organizations import Membership

MOST: Final = 100
"""Budgets of one account: each hold looks at those it falls under."""

_COUNT: Final = """
update account set budgets = (select count(*) from budget where account_id = account.id)
where id = %s
"""
_BEGIN: Final = """
update budget set held_nano = budget_held(budget) where id = %s returning held_nano
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A budget as its owner reads it."""

    id: UUID
    scope: str
    subject: str | None
    period: str
    amount: Nano
    spent: Nano
    held: Nano
    is_hard: bool
    alert_at: list[int]
    started: Any
    created_at: Any

    @classmethod
    def of(cls, row: Budget) -> Self:
        """Read a row."""
        return cls(
            id=row.id,
            scope=row.scope,
            subject=wire_id(row.scope, row.subject_id) if row.subject_id else None,
            period=row.period,
            amount=Nano(row.amount_nano),
            spent=Nano(row.spent_nano),
            held=Nano(row.held_nano),
            is_hard=row.is_hard,
            alert_at=row.alert_at,
            started=row.started,
            created_at=row.created_at,
        )


def budgets_of(account_id: UUID) -> list[Told]:
    """Return an account's budgets, in the order they were set."""
    rows = Budget.select().where(Budget.account_id == account_id).order_by(Budget.id)
    return [Told.of(row) for row in rows]


def set_budget(account_id: UUID, wish: Mapping[str, Any], clock: Clock) -> Told:
    """Set a budget; it counts what is spent from now on, and what jobs that run hold already.

    Raises `Invalid` for a subject that is none of the account's, `DuplicateResource` when there is
    one for it and the period already, and `Conflict` past the hundredth.
    """
    scope, subject = wish["scope"], _subject(account_id, wish)
    row = Budget(
        id=new_id(), account_id=account_id, scope=scope, subject_id=subject,
        period=wish["period"], amount_nano=wish["amount"].amount, is_hard=wish["is_hard"],
        alert_at=sorted(set(wish["alert_at"])), created_at=clock.now(),
    )  # fmt: skip
    try:
        with database.unit():
            database.rows("select from account where id = %s for update", (account_id,))
            if Budget.select().where(Budget.account_id == account_id).count() >= MOST:
                raise DuplicateResource(f"{MOST} budgets are the most: lift one first")
            credit = Credit.of(account_id)
            row.started = credit.day if row.period == DAY else credit.period
            row.save(force_insert=True)
            database.rows(_COUNT, (account_id,))
            ((row.held_nano,),) = database.rows(_BEGIN, (row.id,))
    except IntegrityError as error:
        raise DuplicateResource("there is a budget for that already: lift it first") from error
    return Told.of(row)


def lift_budget(account_id: UUID, budget_id: UUID) -> None:
    """Lift a budget; raise `NotFound` for another's."""
    mine = (Budget.id == budget_id) & (Budget.account_id == account_id)
    with database.unit():
        database.rows("select from account where id = %s for update", (account_id,))
        if not Budget.delete().where(mine).execute():
            raise NotFound("there is no such budget")
        database.rows(_COUNT, (account_id,))


def _subject(account_id: UUID, wish: Mapping[str, Any]) -> UUID | None:
    """Return the id of the person or the key a budget is for."""
    scope, named = wish["scope"], wish["subject"]
    if (scope == ACCOUNT) != (named is None):
        words = "Leave it out." if scope == ACCOUNT else f"Needs the id of a {scope}."
        raise Invalid(details=[Detail("subject", words)])
    if named is None:
        return None
    try:
        subject = parse_id(scope, named)
    except ValueError as error:
        raise Invalid(details=[Detail("subject", f"Not an id of a {scope}.")]) from error
    known = {USER: _has_person, KEY: _has_key}[scope]
    if not known(account_id, subject):
        raise Invalid(details=[Detail("subject", f"No {scope} of this account.")])
    return subject


def _has_person(account_id: UUID, person_id: UUID) -> bool:
    own = Person.select().where(Person.id == person_id, Person.account_id == account_id)
    member = Membership.select().where(
        Membership.user == person_id, Membership.account_id == account_id
    )
    return bool(own.exists() or member.exists())


def _has_key(account_id: UUID, key_id: UUID) -> bool:
    mine = (ApiKey.id == key_id) & (ApiKey.account_id == account_id)
    return bool(ApiKey.select().where(mine).exists())

"""Budgets set while jobs run: what those may still cost falls under them too (B-17)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from peewee import PeeweeException

from jobs.budgets import lift_budget, set_budget
from models.budgets import Budget
from models.credits import short_of
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import wire_id
from models.kernel.money import Nano
from tests import factories
from tests.making import person
from tests.rehearsal import rehearsed

pytestmark = pytest.mark.usefixtures("database")

CENT = 10_000_000


def of(subject: UUID, scope: str = "account", period: str = "month") -> dict[str, object]:
    """A wish for a hard budget of 20 cents."""
    named = None if scope == "account" else wire_id(scope, subject)
    return {
        "scope": scope, "subject": named, "period": period, "amount": Nano(20 * CENT),
        "is_hard": True, "alert_at": [100],
    }  # fmt: skip


def hold(database: Pool, who: UUID, amount: int, subject: UUID | None = None) -> UUID:
    job_id = uuid4()
    values = (job_id, who, amount, subject, subject)
    database.rows("select money_hold(%s, %s, %s, 0, %s, %s)", values)
    return job_id


def refused(database: Pool, who: UUID, amount: int, subject: UUID) -> str:
    """Say why so much is not held; fail when it is."""
    with pytest.raises(PeeweeException) as caught, database.unit():
        hold(database, who, amount, subject)
    return str(short_of(caught.value))


@pytest.mark.parametrize("scope", ["account", "user", "key"])
def test_a_budget_begins_with_what_is_held_of_it(database: Pool, scope: str) -> None:
    ada = person(tier="premium")
    who = ada.account_id
    subject = factories.api_key(ada).id if scope == "key" else ada.id
    running = [hold(database, who, 8 * CENT, subject) for _ in range(2)]
    others = hold(database, who, 8 * CENT, uuid4()) if scope != "account" else None

    told = set_budget(who, of(subject, scope), SystemClock())

    assert told.held == Nano(16 * CENT)
    assert "a budget" in refused(database, who, 5 * CENT, subject)
    hold(database, who, 4 * CENT, subject)
    for job_id in (running[0], others):
        if job_id is not None:
            database.rows("select money_settle(%s, %s)", (job_id, 8 * CENT))
    assert "a budget" in refused(database, who, CENT, subject)
    row = Budget.get()
    assert (row.spent_nano, row.held_nano) == (8 * CENT, 12 * CENT)


def test_so_does_one_that_was_lifted_and_set_again(database: Pool) -> None:
    ada = person(tier="premium")
    first = set_budget(ada.account_id, of(ada.id), SystemClock())
    hold(database, ada.account_id, 15 * CENT, ada.id)
    lift_budget(ada.account_id, first.id)

    set_budget(ada.account_id, of(ada.id), SystemClock())

    assert "a budget" in refused(database, ada.account_id, 6 * CENT, ada.id)


@pytest.mark.parametrize("period", ["day", "month"])
def test_what_was_held_before_its_day_or_month_is_not_of_it(database: Pool, period: str) -> None:
    ada = person(tier="premium")
    midnight = datetime(2027, 12, 1, tzinfo=UTC)
    with rehearsed(database, midnight - timedelta(minutes=9)):
        late = hold(database, ada.account_id, 15 * CENT, ada.id)
    with rehearsed(database, midnight + timedelta(minutes=9)):
        told = set_budget(ada.account_id, of(ada.id, period=period), SystemClock())
        database.rows("select money_settle(%s, %s)", (late, 15 * CENT))
        hold(database, ada.account_id, 20 * CENT, ada.id)

    assert told.held == Nano(0)

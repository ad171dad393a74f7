"""Months of accounts are opened by the schedule: all of them, once, and by themselves."""

import pytest

from jobs.months import open_months
from jobs.schedules.pulse import Interrupted, NotDone, Pulse
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from tests.making import account, person
from tests.rows import money

DOLLAR = 1_000_000_000
OPENED = "select count(*) from credit_period"


@pytest.fixture
def pulse() -> Pulse:
    return Pulse(SystemClock(), 60)


def test_every_account_is_opened_once(database: Pool, pulse: Pulse) -> None:
    people = [person(tier=tier) for tier in ("free", "free", "premium", "free", "premium")]

    assert open_months(pulse, at_once=2) == "opened 5 months of 5 accounts"
    assert open_months(pulse, at_once=2) == "opened 0 months of 0 accounts"

    assert database.rows(OPENED) == [(5,)]
    assert [money(each.account_id)[0] for each in people[1:3]] == [DOLLAR, 10 * DOLLAR]


def test_who_was_purged_gets_no_credits(database: Pool, pulse: Pulse) -> None:
    person(status="deleted", purged_at=SystemClock().now())
    person(status="deleted")

    assert open_months(pulse) == "opened 1 months of 1 accounts"


def test_books_that_refuse_stop_no_other_account(database: Pool, pulse: Pulse) -> None:
    bad, good = person(), person()
    database.rows(
        "insert into credit_period (account_id, period, tier, granted_nano, repaid_nano, opened_at)"
        " values (%s, billing_month(), 'free', 0, 0, now())",
        (bad.account_id,),
    )

    with pytest.raises(NotDone, match="the months of 1 accounts could not be opened"):
        open_months(pulse)

    assert money(good.account_id)[0] == DOLLAR


def test_a_run_that_is_interrupted_leaves_whole_months(database: Pool) -> None:
    for _ in range(3):
        account()
    pulse = Pulse(SystemClock(), 60)
    pulse.interrupt()

    with pytest.raises(Interrupted):
        open_months(pulse)

    assert database.rows(OPENED) == [(0,)]

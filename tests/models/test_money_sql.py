"""Credits: held before, settled or released once, and every movement twice in the ledger."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from peewee import PeeweeException

from models import engine
from models.engine import Ending
from models.kernel.database import Pool
from models.kernel.money import Nano
from tests.rows import WINDOW, account, claimed, grant, money, used


def hold(database: Pool, who: UUID, amount: int) -> UUID:
    job_id = uuid4()
    database.rows("select money_hold(%s, %s, %s)", (job_id, who, amount))
    return job_id


def settle(database: Pool, job_id: UUID, cost: int) -> int:
    ((charged,),) = database.rows("select money_settle(%s, %s)", (job_id, cost))
    return int(charged)


def wallet(database: Pool, who: UUID) -> int:
    ((total,),) = database.rows(
        "select coalesce(sum(amount_nano), 0) from ledger_entry where account = %s",
        (f"wallet:{who}",),
    )
    return int(total)


def test_settling_charges_the_cost_and_gives_back_the_rest(database):
    who = account(100)
    job_id = hold(database, who, 60)
    assert money(who) == (100, 60)

    assert settle(database, job_id, 25) == 25
    assert money(who) == (75, 0)
    assert wallet(database, who) == 75


def test_settling_at_nothing_releases(database):
    who = account(100)
    job_id = hold(database, who, 60)

    assert settle(database, job_id, 0) == 0
    assert money(who) == (100, 0)
    assert database.rows("select state, settled_nano from credit_hold") == [("released", 0)]


def test_a_hold_is_settled_once(database):
    who = account(100)
    job_id = hold(database, who, 60)
    settle(database, job_id, 25)

    assert settle(database, job_id, 0) == 0
    with pytest.raises(PeeweeException, match="no open hold"):
        settle(database, job_id, 25)
    assert money(who) == (75, 0)


def test_a_cost_without_a_hold_is_refused(database):
    with pytest.raises(PeeweeException, match="no open hold"):
        settle(database, uuid4(), 1)
    assert settle(database, uuid4(), 0) == 0


@pytest.mark.parametrize(
    ("balance", "overdraft", "cost", "charged"),
    [
        pytest.param(100, 0, 80, 80, id="within the balance"),
        pytest.param(100, 0, 130, 100, id="capped at the balance"),
        pytest.param(100, 20, 130, 120, id="capped at the overdraft"),
    ],
)
def test_a_cost_above_the_hold_is_charged_as_far_as_means_go(
    database, balance, overdraft, cost, charged
):
    who = account(balance)
    job_id = hold(database, who, 60)
    database.rows("update account set overdraft_nano = %s where id = %s", (overdraft, who))

    assert settle(database, job_id, cost) == charged
    assert money(who) == (balance - charged, 0)


def test_a_cost_above_the_hold_takes_nothing_that_is_held_for_another(database):
    who = account(100)
    mine, other = hold(database, who, 40), hold(database, who, 50)

    assert settle(database, mine, 90) == 50
    assert settle(database, other, 50) == 50
    assert money(who) == (0, 0)


def test_many_holds_at_once_never_pass_the_balance(database):
    who = account(100)

    def try_to_hold(_: int) -> bool:
        try:
            hold(database, who, 9)
        except PeeweeException:
            return False
        return True

    with ThreadPoolExecutor(8) as crowd:
        granted = sum(crowd.map(try_to_hold, range(40)))

    assert granted == 11
    assert money(who) == (100, 99)


def test_a_grant_is_given_once_however_often_it_is_asked_for(database):
    who = account()

    def ask(_: int) -> bool:
        ((given,),) = database.rows(
            "select money_grant(%s, 50, 'grants', 'monthly:2026-11')", (who,)
        )
        return bool(given)

    with ThreadPoolExecutor(4) as crowd:
        assert sum(crowd.map(ask, range(8))) == 1
    assert money(who) == (50, 0)
    assert wallet(database, who) == 50


def test_whatever_happens_the_ledger_sums_to_zero(database):
    who = account(1_000)
    for cost in (0, 10, 70):
        settle(database, hold(database, who, 60), cost)
    grant(who, 5)

    assert database.rows("select sum(amount_nano) from ledger_entry") == [(0,)]
    per_movement = "select sum(amount_nano) from ledger_entry group by transaction_id"
    assert {total for (total,) in database.rows(per_movement)} == {0}
    assert wallet(database, who) == money(who)[0]


def test_no_statement_can_overdraw_an_account(database, pools):
    who = account(100)

    with pytest.raises(PeeweeException, match="spent_within_means"):
        pools[1].rows("update account set balance_nano = -1 where id = %s", (who,))


def test_what_a_vendors_fault_costs_is_the_houses_and_in_its_books(database):
    """A lost attempt and one that was served, of one job (B-01, M-36)."""
    who = account(100)
    lost = {**used(0), "vendor_nano": 9, "is_borne": True}
    served = {**used(20), "step": 1}

    engine.finish(
        claimed(who, hold=50), Ending("succeeded", {}, cost=Nano(20), usage=[lost, served]), WINDOW
    )

    assert money(who) == (80, 0)
    booked = "select account, amount_nano from ledger_entry where idem like 'loss:%%' order by 1"
    assert database.rows(booked) == [("retry_loss", -9), ("vendor_cost", 9)]

"""What other ledgers got wrong and published, each as a case of ours (issue numbers are theirs)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from peewee import PeeweeException

from models.kernel.database import Pool, database
from tests import factories
from tests.models.test_periods import CENT, DOLLAR, hold, reader, settle, sound
from tests.rows import accepted, grant, money

pytestmark = pytest.mark.usefixtures("database")


def tried(pool: Pool, who: UUID, amount: int) -> UUID | None:
    """Take a hold as a thread of its own does; None when it is refused."""
    with database.borrowed():
        try:
            return hold(pool, who, amount)
        except PeeweeException:
            return None


@pytest.mark.parametrize("limit", ["balance", "month", "budget"])
def test_litellm_23714_a_budget_is_not_passed_by_calls_that_check_before_any_counts(
    database: Pool, limit: str
) -> None:
    """Two hundred at 99 % of a limit; each would fit alone, four fit together."""
    who = reader("enterprise")
    grant(who, 100 * CENT if limit == "balance" else 90 * DOLLAR)
    if limit == "month":
        database.rows("update account set cost_limit_nano = %s", (100 * CENT,))
    if limit == "budget":
        started = datetime.now(UTC).date().replace(day=1)
        factories.budget(who, amount_nano=100 * CENT, started=started)
        database.rows("update account set budgets = 1")
    settle(database, hold(database, who, 99 * CENT), 99 * CENT)

    with ThreadPoolExecutor(8) as pool:
        held = list(pool.map(lambda _: tried(database, who, CENT // 4), range(200)))

    assert len([job for job in held if job]) == 4
    sound(database)


def test_litellm_40002_five_at_once_do_not_spend_more_than_the_cap(database: Pool) -> None:
    who = reader("enterprise")
    grant(who, 45 * CENT // 100)
    with ThreadPoolExecutor(5) as pool:
        held = [*pool.map(lambda _: tried(database, who, 12 * CENT // 100), range(5))]

    for job in held:
        if job:
            settle(database, job, 12 * CENT // 100)

    assert money(who)[0] >= 0
    assert sum(job is not None for job in held) == 3


def test_litellm_36926_a_reservation_that_is_given_back_leaves_nothing_reserved(
    database: Pool,
) -> None:
    who = reader()
    for _ in range(50):
        settle(database, hold(database, who, 99 * CENT), 0)

    assert money(who) == (DOLLAR, 0)


def test_lago_3618_what_is_settled_by_two_at_once_is_charged_once(database: Pool) -> None:
    who = reader()
    job = hold(database, who, 10 * CENT)

    def once(_: int) -> int:
        with database.borrowed():
            try:
                return int(database.rows("select money_settle(%s, %s)", (job, 7 * CENT))[0][0])
            except PeeweeException:
                return 0

    with ThreadPoolExecutor(8) as pool:
        charged = list(pool.map(once, range(8)))

    assert sum(charged) == 7 * CENT
    assert money(who) == (93 * CENT, 0)
    sound(database)


def test_openmeter_4846_the_balance_is_that_of_the_ledger_after_every_step(
    database: Pool,
) -> None:
    """Balances derived from snapshots drifted; ours is in the row that every step locks."""
    who = reader()
    for cost in (0, 1, 3 * CENT, 20 * CENT):
        settle(database, hold(database, who, 20 * CENT), cost)
        grant(who, 1)
        sound(database)


def test_new_api_4429_a_worker_that_panics_leaks_no_hold(database: Pool) -> None:
    who = reader()
    job = accepted(who, hold=30 * CENT)
    database.rows("update job set state = 'failed', finished_at = now() where id = %s", (job.id,))
    database.rows("update credit_hold set created_at = now() - interval '2 minutes'")

    for (orphan,) in database.rows("select * from holds_to_release(10)"):
        settle(database, orphan, 0)

    assert money(who) == (DOLLAR, 0)


def test_new_api_2656_a_job_that_failed_costs_nothing(database: Pool) -> None:
    who = reader()
    job = accepted(who, hold=30 * CENT)

    database.rows("select * from job_cancel(%s, 4)", (job.id,))

    assert money(who) == (DOLLAR, 0)
    assert database.rows("select count(*) from ledger_entry where account = 'revenue'") == [(0,)]


def test_otari_128_the_end_of_a_period_forgets_what_was_spent_and_not_what_is_held(
    database: Pool,
) -> None:
    who = reader()
    job = hold(database, who, 60 * CENT)
    following = (datetime.now(UTC).replace(day=1) + timedelta(days=40)).replace(day=2)
    seconds = (following - datetime.now(UTC)).total_seconds()
    with database.unit():
        database.rows("select set_config('ilm.rehearsal', %s, true)", (f"{seconds} seconds",))
        database.rows("select period_open(%s)", (who,))
        assert money(who) == (DOLLAR + 60 * CENT, 60 * CENT)
        settle(database, job, 60 * CENT)
        assert money(who) == (DOLLAR, 0)
    sound(database)


def test_elizaos_11460_who_aborts_while_it_ends_is_given_back_once(database: Pool) -> None:
    who = reader()
    job = hold(database, who, 10 * CENT)
    settle(database, job, 4 * CENT)

    settle(database, job, 0)

    assert money(who) == (96 * CENT, 0)

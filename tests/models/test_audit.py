"""The audit: silent about whatever the engine does, and loud about what it would never do."""

import pytest

from models import engine
from models.engine import Ending
from models.kernel.money import Nano
from tests.chaos.audit import audit
from tests.rows import WINDOW, accepted, account, claimed, used

LINE = used(20)
LOST = {**used(0), "vendor_nano": 9, "is_borne": True}

CHARGED_AGAIN = """
insert into ledger_entry (transaction_id, account, amount_nano, idem)
select gen_random_uuid(), leg.account, leg.amount, 'job:' || job_id
from credit_hold, (values ('x', -20), ('y', 20)) as leg (account, amount) where state = 'settled'
"""

UNEARNED = """
insert into statement (account_id, period, body, charged_nano)
select account_id, period, '{}', 7 from credit_period
"""


@pytest.fixture
def owner(database, pools):
    """A ledger in which everything has happened: settled, released, held, waiting."""
    payer = account(1_000)
    done = claimed(payer, hold=50)
    engine.finish(done, Ending("succeeded", {}, cost=Nano(20), usage=[LINE]), WINDOW)
    engine.finish(claimed(payer, hold=50), Ending("failed", error_code="X", usage=[LOST]), WINDOW)
    engine.cancel(accepted(payer, hold=50), WINDOW)
    engine.retry(claimed(payer, hold=50), 60, "X", "x", WINDOW)
    for _ in range(WINDOW + 1):
        accepted(payer, hold=10)
    return pools[1]


def broken(owner) -> set[str]:
    return {finding.invariant[:2] for finding in audit(owner) if finding.breaches}


def test_nothing_the_engine_does_breaks_an_invariant(owner):
    assert broken(owner) == set()


@pytest.mark.parametrize(
    ("deed", "invariants"),
    [
        ("update ledger_entry set amount_nano = 7 where account = 'revenue'", {"B1", "B3"}),
        ("update account set balance_nano = balance_nano + 1", {"B2"}),
        ("update account set held_nano = held_nano + 1", {"B2"}),
        ("update job set state = 'failed' where state = 'queued'", {"B3", "J1", "J2", "J3"}),
        ("update credit_hold set settled_nano = 21 where state = 'settled'", {"B3", "B5"}),
        ("update credit_hold set state = 'settled' where state = 'released'", {"B3", "B7"}),
        ("delete from usage_line", {"B5", "B7", "B9"}),
        ("delete from credit_hold where state = 'settled'", {"B2", "B3"}),
        ("delete from ledger_entry where account in ('retry_loss', 'vendor_cost')", {"B5"}),
        ("update account set lifetime_nano = lifetime_nano + 1", {"B9"}),
        (UNEARNED, {"B9"}),
        ("delete from event", {"J2"}),
        ("update lane set waiting = waiting + 1", {"J3"}),
        ("update job set lease_until = now() where state = 'succeeded'", {"J1"}),
        (CHARGED_AGAIN, {"B3", "B4"}),
    ],
)
def test_what_the_engine_would_never_do_is_found(owner, deed, invariants):
    owner.script(deed)

    assert invariants <= broken(owner)


@pytest.mark.parametrize(("age", "found"), [(91, set()), (89, {"J2"})])
def test_an_event_is_missed_unless_it_is_older_than_all_that_are_kept(owner, age, found):
    """Jobs ended so many days ago without an event; the oldest event is of 90 days ago."""
    owner.script(
        "update event set created_at = now() - interval '90 days';"
        f"update job set finished_at = now() - interval '{age} days' where finished_at is not null;"
        "delete from event where type = 'job.cancelled'"
    )

    assert broken(owner) & {"J2"} == found

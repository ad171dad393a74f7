"""The engine while jobs run: heartbeats, cancels, whose turn it is, and all of it at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from peewee import ProgrammingError

from models import engine
from models.engine import Beat, Ending
from models.kernel.money import Estimate, Nano
from tests.rows import (
    LEASE,
    WINDOW,
    accepted,
    account,
    claimed,
    draft,
    events,
    lane,
    money,
    row,
    used,
)

pytestmark = pytest.mark.usefixtures("database")

DONE = Ending("succeeded", {"text": "hello"})


def test_a_heartbeat_renews_the_lease_and_carries_progress_out(database):
    job = claimed()
    ((over,),) = database.rows("update job set lease_until = now() returning lease_until")

    (pulse,) = engine.heartbeat([Beat(job.id, job.attempt, 3, 7, LEASE)])

    assert not pulse.cancelled
    assert not pulse.overdue
    fresh = row(job.id)
    assert (fresh.completed, fresh.total) == (3, 7)
    assert fresh.lease_until - over > timedelta(seconds=LEASE - 1)


def test_a_heartbeat_brings_cancels_and_deadlines_back(database):
    cancelled, overdue = claimed(), claimed()
    engine.cancel(cancelled, WINDOW)
    database.rows("update job set deadline_at = now() where id = %s", (overdue.id,))

    beats = [Beat(job.id, job.attempt, 0, 0, LEASE) for job in (cancelled, overdue)]
    pulses = {pulse.id: pulse for pulse in engine.heartbeat(beats)}

    assert (pulses[cancelled.id].cancelled, pulses[cancelled.id].overdue) == (True, False)
    assert (pulses[overdue.id].cancelled, pulses[overdue.id].overdue) == (False, True)


@pytest.mark.parametrize("wishes", [{}, {"most_waiting": 100}], ids=["in the broker", "waiting"])
def test_cancelling_a_queued_job_ends_it_here_and_now(wishes):
    payer = account(100)
    if wishes:
        for _ in range(WINDOW):
            accepted(payer)
    before = lane(payer) if wishes else (0, 0)
    job = accepted(payer, hold=50, **wishes)

    state, attempt, _ = engine.cancel(job, WINDOW)

    assert (state, attempt, row(job.id).state) == ("cancelled", 0, "cancelled")
    assert money(payer) == (100, 0)
    assert lane(payer) == before
    assert events(payer) == ["job.cancelled"]


def test_cancelling_a_running_job_only_tells_it():
    job = claimed()

    assert engine.cancel(job, WINDOW)[:2] == ("running", 1)
    assert row(job.id).cancel_requested_at is not None
    assert row(job.id).state == "running"


def test_cancelling_what_is_over_changes_nothing():
    who = account()
    job = claimed(who)
    engine.finish(job, DONE, WINDOW)

    assert engine.cancel(job, WINDOW)[0] == "succeeded"
    assert events(who) == ["job.succeeded"]


def test_the_next_place_goes_to_the_higher_priority_and_then_to_the_older():
    who = account()
    running = [claimed(who) for _ in range(WINDOW)]
    older, newer, urgent = (accepted(who, priority=priority) for priority in (5, 5, 9))

    turns = [engine.finish(job, DONE, WINDOW)[1][0].id for job in running[:3]]

    assert turns == [urgent.id, older.id, newer.id]


def test_places_given_together_are_in_that_order_too_however_rows_are_joined(database):
    who = account()
    for _ in range(WINDOW):
        claimed(who)
    low, older, newer, urgent = (accepted(who, priority=priority) for priority in (1, 5, 5, 9))

    with database.unit():
        database.rows("discard plans")
        database.rows("set local enable_nestloop = off")
        database.rows("set local enable_mergejoin = off")
        ready = engine.release(who, "default", 2 * WINDOW)

    assert [each.id for each in ready] == [urgent.id, older.id, newer.id, low.id]


def test_one_accounts_backlog_takes_no_place_of_anothers():
    busy, quiet = account(), account()
    for _ in range(10 * WINDOW):
        accepted(busy)

    assert engine.accept(draft(quiet)).ready
    assert lane(busy)[0] == WINDOW


@pytest.mark.parametrize("table", ["ledger_entry", "usage_line", "event"])
@pytest.mark.parametrize("deed", ["delete from {}", "update {} set created_at = now()"])
def test_the_application_cannot_change_what_is_append_only(database, table, deed):
    with pytest.raises(ProgrammingError, match="permission denied"):
        database.rows(deed.format(table))


def test_finishing_and_accepting_at_once_keeps_the_lane_true(database):
    who = account(10_000)

    def live(_: int) -> None:
        made = engine.accept(draft(who, hold=Estimate(Nano(10))))
        job = engine.claim(made.id, "worker", LEASE)
        if job is not None:
            ending = Ending("succeeded", {}, cost=Nano(10), usage=[used(10)])
            _, ready = engine.finish(job, ending, WINDOW)
            for each in ready:
                after = engine.claim(each.id, "worker", LEASE)
                if after is not None:  # its own thread was faster
                    engine.finish(after, Ending("failed", error_code="X"), WINDOW)

    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(live, range(80)))

    ((queued, waiting),) = database.rows(
        "select count(*) filter (where dispatched_at is not null),"
        " count(*) filter (where dispatched_at is null) from job"
        " where state in ('queued', 'running')"
    )
    assert lane(who) == (queued, waiting)
    ((charged,),) = database.rows("select coalesce(sum(settled_nano), 0) from credit_hold")
    assert money(who)[0] == 10_000 - charged

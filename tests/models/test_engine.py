"""The engine: each step is whole or nothing, and only the attempt that holds the row may act."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from models import engine
from models.engine import Beat, Ending
from models.kernel.denials import PaymentRequired
from models.kernel.errors import IdempotencyMismatch, RateLimitExceeded
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


def test_an_accepted_job_has_a_row_a_place_and_its_hold():
    payer = account(100)
    made = engine.accept(draft(payer, hold=Estimate(Nano(30))))

    assert made.is_new
    assert [ready.id for ready in made.ready] == [made.id]
    assert row(made.id).state == "queued"
    assert lane(payer) == (1, 0)
    assert money(payer) == (100, 30)


def test_what_the_balance_does_not_cover_leaves_nothing_behind(database):
    poor = account(10)

    with pytest.raises(PaymentRequired):
        engine.accept(draft(poor, hold=Estimate(Nano(11)), idempotency_key="k", fingerprint=b"f"))

    assert money(poor) == (10, 0)
    assert database.rows("select count(*) from job") == [(0,)]
    assert database.rows("select count(*) from idempotency_key") == [(0,)]


def test_jobs_beyond_the_window_wait_in_their_rows():
    busy = account()
    made = [engine.accept(draft(busy)) for _ in range(WINDOW + 2)]

    assert [len(each.ready) for each in made] == [1] * WINDOW + [0, 0]
    assert lane(busy) == (WINDOW, 2)
    assert engine.claim(made[-1].id, "worker", LEASE) is None


def test_a_full_waiting_room_refuses_and_says_when_to_come_back():
    busy = account()
    for _ in range(WINDOW + 1):
        accepted(busy, most_waiting=1)

    with pytest.raises(RateLimitExceeded) as refusal:
        accepted(busy, most_waiting=1)

    assert refusal.value.retry_after
    assert lane(busy) == (WINDOW, 1)


def test_the_same_key_returns_the_first_job_and_holds_once():
    payer = account(100)
    same = {"hold": Estimate(Nano(30)), "idempotency_key": "k", "fingerprint": b"f"}
    first, second = (engine.accept(draft(payer, **same)) for _ in range(2))

    assert (second.id, second.is_new, second.ready) == (first.id, False, ())
    assert money(payer) == (100, 30)


def test_the_same_key_for_another_request_is_a_mismatch():
    who = account()
    engine.accept(draft(who, idempotency_key="k", fingerprint=b"f"))

    with pytest.raises(IdempotencyMismatch):
        engine.accept(draft(who, idempotency_key="k", fingerprint=b"g"))


def test_a_key_is_forgotten_after_a_day(database):
    who = account()
    first = engine.accept(draft(who, idempotency_key="k", fingerprint=b"f"))
    database.rows("update idempotency_key set created_at = now() - interval '25 hours'")

    assert engine.accept(draft(who, idempotency_key="k", fingerprint=b"g")).id != first.id


def test_many_at_once_with_one_key_make_one_job():
    who = account()

    def submit(_: int) -> object:
        return engine.accept(draft(who, idempotency_key="k", fingerprint=b"f")).id

    with ThreadPoolExecutor(6) as crowd:
        ids = set(crowd.map(submit, range(12)))

    assert len(ids) == 1
    assert lane(who) == (1, 0)


def test_a_claim_raises_the_attempt_and_takes_the_lease_once():
    job = accepted()
    first, second = (engine.claim(job.id, name, LEASE) for name in ("a", "b"))

    assert first is not None
    assert (first.state, first.attempt, first.worker) == ("running", 1, "a")
    assert second is None
    fresh = row(job.id)
    assert fresh.lease_until - fresh.started_at == timedelta(seconds=LEASE)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("run_at = now() + interval '1 hour'", id="not due"),
        pytest.param("deadline_at = now()", id="overdue"),
        pytest.param("dispatched_at = null", id="without a place"),
        pytest.param("state = 'cancelled'", id="over"),
    ],
)
def test_a_job_that_is_not_to_run_now_is_not_claimed(database, change):
    job = accepted()
    database.rows(f"update job set {change} where id = %s", (job.id,))

    assert engine.claim(job.id, "worker", LEASE) is None


def test_a_paused_queue_gives_no_job_away(database):
    job = accepted()
    database.rows("insert into queue_control (queue, paused) values ('default', true)")
    assert engine.claim(job.id, "worker", LEASE) is None

    database.rows("update queue_control set paused = false")
    assert engine.claim(job.id, "worker", LEASE) is not None


def test_a_finish_settles_writes_usage_tells_and_lets_the_next_in(database):
    payer = account(100)
    job = claimed(payer, hold=50)
    waiting = [accepted(payer) for _ in range(WINDOW)][-1]

    done, ready = engine.finish(
        job, Ending("succeeded", {}, cost=Nano(20), usage=[used(20)]), WINDOW
    )

    assert done
    assert [next_.id for next_ in ready] == [waiting.id]
    assert money(payer) == (80, 0)
    assert events(payer) == ["job.succeeded"]
    assert database.rows("select job_id, cost_nano from usage_line") == [(job.id, 20)]
    assert (job.state, row(job.id).state) == ("succeeded", "succeeded")
    assert row(job.id).lease_until is None


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_that_fails_costs_nothing(state):
    payer = account(100)
    job = claimed(payer, hold=50)

    engine.finish(job, Ending(state, error_code="X"), WINDOW)

    assert money(payer) == (100, 0)
    assert events(payer) == [f"job.{state}"]


def test_an_older_attempt_changes_nothing(database):
    payer = account(100)
    zombie = claimed(payer, hold=50)
    database.rows("select job_expire(%s, 1, 5, 4)", (zombie.id,))
    database.rows("update job set lease_until = now() - interval '1 second'")
    database.rows("select job_expire(%s, 1, 5, 4)", (zombie.id,))
    current = engine.claim(zombie.id, "another", LEASE)
    assert current is not None

    ending = Ending("succeeded", {}, cost=Nano(20), usage=[used(20)])
    assert engine.finish(zombie, ending, WINDOW) == (False, [])
    assert engine.retry(zombie, 0, "X", "x", WINDOW) == ("lost", [])
    assert not engine.give_back(zombie)
    assert engine.heartbeat([Beat(zombie.id, zombie.attempt, 1, 1, LEASE)]) == []
    assert (row(zombie.id).state, row(zombie.id).attempt) == ("running", 2)
    assert money(payer) == (100, 50)
    assert events(payer) == []

    assert engine.finish(current, ending, WINDOW)[0]
    assert engine.finish(current, ending, WINDOW) == (False, [])
    assert money(payer) == (80, 0)


def test_a_failed_attempt_waits_outside_the_broker_and_keeps_its_hold():
    payer = account(100)
    job = claimed(payer, hold=50)

    assert engine.retry(job, 60, "SERVICE_UNAVAILABLE", "away", WINDOW) == ("queued", [])

    fresh = row(job.id)
    assert (fresh.state, fresh.failures, fresh.dispatched_at) == ("queued", 1, None)
    assert fresh.run_at - fresh.created_at > timedelta(seconds=59)
    assert lane(payer) == (0, 1)
    assert money(payer) == (100, 50)


@pytest.mark.parametrize(
    ("delay", "wishes"),
    [
        pytest.param(0, {"max_attempts": 1}, id="attempts used up"),
        pytest.param(100, {"deadline_seconds": 90}, id="deadline before the next try"),
    ],
)
def test_a_failure_without_a_next_try_ends_the_job(delay, wishes):
    payer = account(100)
    job = claimed(payer, hold=50, **wishes)

    state, _ = engine.retry(job, delay, "SERVICE_UNAVAILABLE", "away", WINDOW)

    assert (state, row(job.id).state, row(job.id).failures) == ("failed", "failed", 1)
    assert row(job.id).error_code == "SERVICE_UNAVAILABLE"
    assert money(payer) == (100, 0)
    assert lane(payer) == (0, 0)
    assert events(payer) == ["job.failed"]


def test_a_failure_of_a_job_that_was_cancelled_meanwhile_ends_it_as_cancelled():
    payer = account(100)
    job = claimed(payer, hold=50)
    engine.cancel(job, WINDOW)

    state, _ = engine.retry(job, 60, "SERVICE_UNAVAILABLE", "away", WINDOW)

    assert (state, row(job.id).state) == ("cancelled", "cancelled")
    assert money(payer) == (100, 0)
    assert events(payer) == ["job.cancelled"]


def test_a_job_given_back_is_queued_at_once_and_counts_as_nothing():
    job = claimed()

    assert engine.give_back(job)

    fresh = row(job.id)
    assert (fresh.state, fresh.failures, fresh.lost) == ("queued", 0, 0)
    again = engine.claim(job.id, "another", LEASE)
    assert again is not None
    assert again.attempt == 2

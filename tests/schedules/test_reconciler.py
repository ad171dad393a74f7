"""The reconciler: whatever was lost is found again, once, by however many look for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from models import engine
from models.catalogue.queues import queues
from schedules.reconciler import MOST_LOST, Round
from tests.rows import LEASE, accepted, account, claimed, events, lane, money, row
from tests.streams import stream_of

SECOND = timedelta(seconds=1)
NOTHING = Round(expired=0, overdue=0, released=0, resent=0, holds=0)


@pytest.fixture
def window(settings):
    return queues()["default"].window(settings)


def ago(database, column: str, seconds: float = 1) -> None:
    database.rows(f"update job set {column} = now() - make_interval(secs => {seconds})")


def test_a_lease_that_ran_out_gives_the_job_to_another_worker(database, reconciler, postman):
    payer = account(100)
    job = claimed(payer, hold=50)
    ago(database, "lease_until")

    assert reconciler.round().expired == 1

    fresh = row(job.id)
    assert (fresh.state, fresh.lost, fresh.failures) == ("queued", 1, 0)
    assert postman.posted == [job.id]
    assert lane(payer) == (1, 0)
    assert money(payer) == (100, 50)
    again = engine.claim(job.id, "another", LEASE)
    assert again is not None
    assert again.attempt == 2


def test_a_lease_that_holds_is_left_alone(reconciler, postman):
    claimed()

    assert reconciler.round() == NOTHING
    assert postman.posted == []


def test_a_cancelled_job_whose_worker_died_is_over(database, reconciler, cache):
    payer = account(100)
    job = claimed(payer, hold=50)
    engine.cancel(job, 4)
    ago(database, "lease_until")

    reconciler.round()

    assert row(job.id).state == "cancelled"
    assert money(payer) == (100, 0)
    assert lane(payer) == (0, 0)
    assert events(payer) == ["job.cancelled"]
    assert stream_of(cache, job.id)[-1]["job"]["status"] == "cancelled"


def test_a_job_that_takes_its_workers_down_is_given_up_as_poison(database, reconciler):
    payer = account(100)
    job = accepted(payer, hold=50)
    for life in range(MOST_LOST):
        assert row(job.id).state == "queued", life
        engine.claim(job.id, "victim", LEASE)
        ago(database, "lease_until")
        reconciler.round()

    ended = row(job.id)
    assert (ended.state, ended.error_code, ended.lost) == ("failed", "JOB_POISONOUS", MOST_LOST)
    assert money(payer) == (100, 0)
    assert events(payer) == ["job.failed"]


def test_a_job_nobody_took_up_before_its_deadline_fails(database, reconciler, cache):
    payer = account(100)
    job = accepted(payer, hold=50)
    ago(database, "deadline_at")

    assert reconciler.round().overdue == 1

    assert (row(job.id).state, row(job.id).error_code) == ("failed", "DEADLINE_EXCEEDED")
    assert money(payer) == (100, 0)
    assert lane(payer) == (0, 0)
    assert stream_of(cache, job.id)[-1]["type"] == "end"


def test_a_retry_goes_out_when_its_wait_is_over_and_not_before(database, reconciler, postman):
    who = account()
    job = claimed(who)
    engine.retry(job, 60, "SERVICE_UNAVAILABLE", "away", 4)

    assert reconciler.round() == NOTHING
    assert lane(who) == (0, 1)

    ago(database, "run_at")
    assert reconciler.round().released == 1
    assert postman.posted == [job.id]
    assert lane(who) == (1, 0)


def test_jobs_that_wait_for_a_place_get_it_when_a_release_was_lost(
    database, reconciler, postman, window
):
    who = account()
    jobs = [accepted(who, window=1) for _ in range(3)]

    assert reconciler.round().released == 2
    assert postman.posted == [job.id for job in jobs[1:]]
    assert lane(who) == (3, 0)


def test_no_account_gets_more_places_than_its_window(database, reconciler, postman, window):
    who = account()
    for _ in range(window + 5):
        accepted(who, window=1)

    reconciler.round()

    assert lane(who) == (window, 5)


def test_a_message_nobody_took_up_is_sent_again_after_pauses_that_double(
    database, reconciler, postman
):
    job = accepted()
    assert reconciler.round() == NOTHING

    for pause in (20, 40, 80, 80, 80):
        ago(database, "resend_at")
        ((before,),) = database.rows("select clock_timestamp()")
        assert reconciler.round().resent == 1
        ((again, after),) = database.rows("select resend_at, clock_timestamp() from job")
        assert before - SECOND <= again - timedelta(seconds=pause) <= after + SECOND

    assert postman.posted == [job.id] * 5


def test_a_job_that_was_just_accepted_is_due_again_after_ten_seconds(database):
    accepted()

    ((wait,),) = database.rows("select extract(epoch from resend_at - created_at)::float from job")
    assert wait == pytest.approx(10, abs=0.1)


def test_nothing_is_sent_again_of_a_queue_that_is_paused(database, reconciler, postman):
    accepted()
    ago(database, "resend_at")
    database.rows("insert into queue_control (queue, paused) values ('default', true)")
    assert reconciler.round() == NOTHING

    database.rows("update queue_control set paused = false")
    assert reconciler.round().resent == 1


@pytest.mark.parametrize(
    "orphan",
    [
        pytest.param("delete from job", id="of no job"),
        pytest.param("update job set state = 'failed', finished_at = now()", id="of a job over"),
    ],
)
def test_a_hold_nobody_will_settle_is_released_after_a_minute(database, reconciler, orphan):
    payer = account(100)
    accepted(payer, hold=50)
    database.rows(orphan)
    assert reconciler.round().holds == 0

    database.rows("update credit_hold set created_at = now() - interval '2 minutes'")
    assert reconciler.round().holds == 1
    assert money(payer) == (100, 0)


def test_the_hold_of_a_job_that_goes_on_is_kept_however_old(database, reconciler):
    payer = account(100)
    accepted(payer, hold=50)
    database.rows("update credit_hold set created_at = now() - interval '1 day'")

    assert reconciler.round().holds == 0
    assert money(payer) == (100, 50)


def test_idempotency_keys_are_forgotten_after_a_day(database, reconciler):
    who = account()
    for key in ("old", "young"):
        accepted(who, idempotency_key=key, fingerprint=b"f")
    database.rows(
        "update idempotency_key set created_at = now() - interval '25 hours' where key = 'old'"
    )

    reconciler.round()

    assert database.rows("select key from idempotency_key") == [("young",)]


def test_any_number_at_once_repair_each_thing_once(database, reconciler, postman):
    payer = account(1_000)
    running = [claimed(payer, hold=10, window=100) for _ in range(20)]
    engine.cancel(running[0], 100)
    ago(database, "lease_until")

    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(lambda _: reconciler.round(), range(8)))

    assert sorted(postman.posted) == sorted(job.id for job in running[1:])
    assert {row(job.id).lost for job in running} == {1}
    assert money(payer) == (1_000, 190)
    assert events(payer) == ["job.cancelled"]

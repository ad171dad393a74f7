"""The heart: keeps leases alive, and brings back what has to stop."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from jobs.run import LeaseLost, Outcome
from jobs.streams import CANCEL_CHANNEL
from jobs.system import Echo
from models import engine
from models.kernel import database as databases
from models.kernel.clock import SystemClock
from models.kernel.errors import Cancelled, DeadlineExceeded
from tests.fakes.clock import FakeClock
from tests.rows import LEASE, WINDOW, accepted, claimed, row
from tests.streams import eventually, kinds_of
from workers.runs import ActiveRun

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def run(producers, heart):
    """A run of a claimed job, in the heart's care."""
    job = claimed()
    made = ActiveRun(job, producers.producer(job), SystemClock(), LEASE)
    heart.add(made)
    return made


def is_stopped(run, reason: type[Exception]) -> bool:
    try:
        run.check()
    except reason:
        return True
    return False


def lapse(database, run) -> None:
    database.rows("update job set lease_until = now() where id = %s", (run.job_id,))


def lease_left(database, run) -> timedelta:
    ((left,),) = database.rows("select lease_until - now() from job where id = %s", (run.job_id,))
    return left


def listening(cache) -> set[str]:
    """Return the connections on which somebody listens."""
    return {each["id"] for each in cache.client_list(_type="pubsub") if int(each["sub"])}


def test_a_beat_renews_every_lease_and_carries_progress(database, heart, run):
    lapse(database, run)
    run.progress(3, 7)

    heart.beat()

    assert lease_left(database, run) > timedelta(seconds=LEASE / 2)
    assert (row(run.job_id).completed, row(run.job_id).total) == (3, 7)
    run.check()


def test_a_run_whose_row_another_attempt_holds_is_stopped(database, heart, run):
    database.rows("update job set attempt = 2 where id = %s", (run.job_id,))

    heart.beat()

    assert is_stopped(run, LeaseLost)


def test_a_cancel_in_the_row_stops_the_run(heart, run):
    engine.cancel(run.row, WINDOW)

    heart.beat()

    assert is_stopped(run, Cancelled)


def test_a_deadline_that_has_passed_stops_the_run(database, heart, run):
    database.rows("update job set deadline_at = now()")

    heart.beat()

    assert is_stopped(run, DeadlineExceeded)


def test_the_bell_stops_a_run_without_waiting_for_a_beat(cache, streams, heart, run):
    stopped = Event()
    run.on_stop(stopped.set)
    heart._interval = 600
    heart.start()
    eventually(lambda: cache.pubsub_numsub(CANCEL_CHANNEL)[0][1])

    streams.ring_cancel(run.job_id)

    assert stopped.wait(60)
    assert is_stopped(run, Cancelled)


def test_the_bell_is_heard_again_after_its_connection_was_cut(cache, streams, heart, run):
    heart._interval = 600
    heart.start()
    eventually(lambda: cache.pubsub_numsub(CANCEL_CHANNEL)[0][1])
    before = listening(cache)
    cache.client_kill_filter(_type="pubsub")
    eventually(lambda: listening(cache) - before)

    streams.ring_cancel(run.job_id)

    assert eventually(lambda: is_stopped(run, Cancelled))


def test_a_stream_that_was_lost_is_written_again_by_the_next_beat(cache, heart, run):
    run.producer.begin()
    run.delta("hello ")
    run.delta("world")
    cache.flushall()

    heart.beat()

    assert kinds_of(cache, run.job_id)[-1] == "snapshot"


@pytest.fixture
def no_database(settings):
    """A pool whose server is away."""
    away = replace(settings, database_url="postgresql://x@127.0.0.1:1/x")
    return databases.open_pool(away)


@pytest.fixture
def no_connection(settings, monkeypatch):
    """A pool whose one connection somebody else has."""
    pool = databases.open_pool(replace(settings, database_connections=1))
    monkeypatch.setattr(pool, "_wait_timeout", 0.05)
    with pool.borrowed():
        yield pool
    pool.close_all()


@pytest.mark.parametrize("fault", ["no_database", "no_connection"])
def test_the_heart_goes_on_beating_after_the_database_was_away(
    database, request, monkeypatch, heart, run, fault
):
    other = request.getfixturevalue(fault)
    lapse(database, run)
    missed = Event()
    beat = heart.beat

    def watched() -> None:
        try:
            beat()
        except BaseException:
            missed.set()
            raise

    monkeypatch.setattr(heart, "beat", watched)
    databases.database.initialize(other)
    heart.start()
    assert missed.wait(60)
    databases.database.initialize(database)

    assert eventually(lambda: lease_left(database, run) > timedelta(seconds=LEASE / 2))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_heart_that_has_stopped_says_so(monkeypatch, heart, run):
    heart.start()
    assert heart.is_beating

    monkeypatch.setattr(heart, "beat", lambda: 1 / 0)

    assert eventually(lambda: not heart.is_beating)


def test_a_run_knows_by_itself_when_its_lease_has_run_out(producers):
    clock = FakeClock()
    job = claimed()
    run = ActiveRun(job, producers.producer(job), clock, LEASE)
    run.check()

    clock.move(LEASE + 1)

    assert is_stopped(run, LeaseLost)


def test_a_lease_is_counted_from_before_it_was_asked_for(producers, heart, monkeypatch):
    """The database counts it from within the statement, however late its answer comes."""
    clock, renew = FakeClock(), engine.heartbeat
    job = claimed()
    run = ActiveRun(job, producers.producer(job), clock, LEASE)
    heart.add(run)

    def answered_late(beats):
        pulses = renew(beats)
        clock.move(20)
        return pulses

    monkeypatch.setattr(engine, "heartbeat", answered_late)
    heart.beat()
    clock.move(LEASE - 19)

    assert is_stopped(run, LeaseLost)


def test_so_is_one_that_came_with_a_claim(desk, monkeypatch):
    clock, claim = FakeClock(), engine.claim

    def answered_late(*asked):
        row = claim(*asked)
        clock.move(LEASE + 1)
        return row

    def checked(_job, run) -> Outcome:
        run.check()
        return Outcome({})

    monkeypatch.setattr(engine, "claim", answered_late)
    monkeypatch.setattr(desk, "_clock", clock)
    job = accepted()
    desk.carry_out(job.id.hex, Echo, checked)

    assert row(job.id).state == "running"


def test_the_first_reason_to_stop_counts_and_late_listeners_hear_it(run):
    run.cancel()
    run.give_back()
    heard = Event()
    run.on_stop(heard.set)

    assert heard.is_set()
    assert is_stopped(run, Cancelled)


def test_waiting_ends_as_soon_as_the_run_is_stopped(heart, run):
    engine.cancel(run.row, WINDOW)
    heart.start()

    with pytest.raises(Cancelled):
        run.wait(600)

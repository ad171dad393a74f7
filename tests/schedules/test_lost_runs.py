"""Runs that lose their process, their database or their time: taken up again, or given up."""

from datetime import timedelta

import pytest
from peewee import OperationalError

from jobs.schedules.pulse import Pulse
from models import schedules as runs
from models.kernel.database import Pool
from models.schedules import MOST_LOST, REST_SECONDS, ScheduledRun
from tests.fakes.clock import FakeClock
from tests.schedules.benches import Bench, Scheduler, done, lose_all, went

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.usefixtures("database")


def test_a_run_that_lost_its_process_is_taken_up_by_another_and_says_so(
    scheduler: Scheduler, database: Pool
) -> None:
    slow = Bench()
    first, second = scheduler(slow), scheduler(lambda _: "by the second")
    first.round()
    slow.begun.wait()
    assert went(second) == 0
    lose_all(database)
    assert ScheduledRun.listed("chats").get().status == "left"

    assert went(second) == 1
    slow.goes_on.set()
    done(first)

    run = ScheduledRun.get()
    assert (run.outcome, run.words, run.attempts) == ("succeeded", "by the second", 2)


def test_who_has_lost_a_run_learns_of_it_at_the_next_beat(
    scheduler: Scheduler, database: Pool
) -> None:
    slow = Bench()
    first, second = scheduler(slow), scheduler(Bench())
    first.round()
    lose_all(database)
    second.round()

    first.beat()
    done(first)

    assert ScheduledRun.listed("chats").get().status == "running"


def test_a_lease_is_kept_up_while_its_run_goes_on(scheduler: Scheduler, database: Pool) -> None:
    slow = Bench()
    rounds = scheduler(slow)
    rounds.round()
    lose_all(database)

    rounds.beat()

    assert runs.left_over() == []


def test_a_run_that_takes_its_processes_down_is_given_up(
    scheduler: Scheduler, database: Pool
) -> None:
    for _life in range(MOST_LOST):
        assert scheduler(Bench()).round() == 1
        lose_all(database)

    assert scheduler(Bench()).round() == 0

    run = ScheduledRun.get()
    assert (run.outcome, run.words) == ("lost", "its process was lost 5 times")


def test_a_run_that_takes_longer_than_it_may_is_ended(scheduler: Scheduler) -> None:
    clock, slow = FakeClock(), Bench()
    rounds = scheduler(slow, clock=clock)
    rounds.round()
    slow.begun.wait()

    clock.move(timedelta(days=1).total_seconds())
    done(rounds)

    run = ScheduledRun.get()
    assert (run.outcome, run.words) == ("failed", "it took longer than it may")


def test_a_scheduler_that_stops_gives_its_runs_back_at_once(scheduler: Scheduler) -> None:
    slow = Bench()
    first = scheduler(slow)
    first.round()
    slow.begun.wait()

    first.stop()

    assert ScheduledRun.listed("chats").get().status == "waiting"
    assert went(scheduler(lambda _: "")) == 1
    assert ScheduledRun.get().attempts == 1


def test_a_run_that_lost_the_database_on_its_way_rests_and_goes_on(
    scheduler: Scheduler, database: Pool
) -> None:
    """All schedulers lose it at once: they do not use up a run's lives in a blink."""
    tries: list[int] = []

    def work(_: Pulse) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return "well"

    rounds = scheduler(work)

    ((before,),) = database.rows("select clock_timestamp()")
    assert went(rounds) == 1
    ((until, after),) = database.rows("select lease_until, clock_timestamp() from scheduled_run")
    rest = timedelta(seconds=REST_SECONDS)
    assert before - SECOND <= until - rest <= after + SECOND
    database.rows("update scheduled_run set lease_until = lease_until + interval '1 hour'")
    assert went(rounds) == 0
    lose_all(database)

    assert [went(rounds), went(rounds)] == [1, 0]
    run = ScheduledRun.get()
    assert (run.outcome, run.attempts) == ("succeeded", 2)


def test_a_scheduler_keeps_no_connection_that_a_work_opened(
    scheduler: Scheduler, database: Pool
) -> None:
    """It would be dead by the next work of its thread, had PostgreSQL been started anew."""
    rounds = scheduler(lambda _: f"saw {ScheduledRun.select().count()} runs")
    before = database.figures.in_use

    assert went(rounds) == 1

    assert database.figures.in_use == before
    assert ScheduledRun.get().words == "saw 1 runs"

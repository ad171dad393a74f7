"""Runs of schedules: each slot once, by whoever comes first; what was lost is taken up again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jobs.schedules.pulse import NotDone, Pulse, Skipped
from models import schedules as runs
from models.kernel.clock import SystemClock
from models.kernel.errors import Unavailable
from models.kernel.ids import new_id
from models.schedules import ScheduledRun
from schedules.rounds import THREADS, Rounds
from tests.schedules.benches import Bench, Scheduler, done, went
from tests.schedules.conftest import NOON, Believe
from tests.watch_factories import scheduled_run

pytestmark = pytest.mark.usefixtures("database")


def test_a_slot_is_run_once_and_the_next_one_when_it_comes(
    scheduler: Scheduler, believe: Believe
) -> None:
    believe(NOON)
    rounds = scheduler(lambda _: "well")

    assert [went(rounds), went(rounds)] == [1, 0]
    believe(NOON + timedelta(hours=1))
    assert [went(rounds), went(rounds)] == [1, 0]

    told = ScheduledRun.select().order_by(ScheduledRun.slot)
    assert [(run.slot, run.outcome, run.words, run.attempts) for run in told] == [
        (NOON.replace(minute=5), "succeeded", "well", 1),
        (NOON.replace(hour=13, minute=5), "succeeded", "well", 1),
    ]


def test_however_many_come_at_once_one_of_them_runs_it(scheduler: Scheduler) -> None:
    begun: list[str] = []
    crowd = [scheduler(lambda _: begun.append("x") or "") for _ in range(8)]

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda each: each.round(), crowd)) == 1
    for rounds in crowd:
        done(rounds)

    assert begun == ["x"]


def test_of_slots_that_were_missed_one_run_catches_up(
    scheduler: Scheduler, believe: Believe
) -> None:
    rounds = scheduler(lambda _: "")
    believe(NOON)
    went(rounds)
    believe(NOON + timedelta(days=3))

    assert [went(rounds), went(rounds)] == [1, 0]


def test_a_clock_that_goes_back_runs_nothing_again(scheduler: Scheduler, believe: Believe) -> None:
    rounds = scheduler(lambda _: "")
    believe(NOON)
    went(rounds)
    believe(NOON - timedelta(hours=2))

    assert went(rounds) == 0


def test_nobody_begins_a_slot_that_has_not_come(believe: Believe) -> None:
    believe(NOON)

    assert runs.begin("chats", NOON + timedelta(minutes=1), "a scheduler", 60) is None
    assert runs.begin("chats", NOON, "a scheduler", 60) is not None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotDone("half of it"), ("failed", "half of it")),
        (Unavailable("nobody answers"), ("failed", "nobody answers")),
        (KeyError("a secret"), ("failed", "KeyError")),
        (Skipped("nothing is set up"), ("skipped", "nothing is set up")),
    ],
    ids=["not done", "ours", "another's", "skipped"],
)
def test_what_went_wrong_is_written_down_and_the_next_slot_tries_again(
    scheduler: Scheduler, believe: Believe, error: Exception, told: tuple[str, str]
) -> None:
    def work(_: Pulse) -> str:
        raise error

    believe(NOON)
    rounds = scheduler(work)
    went(rounds)

    run = ScheduledRun.get()
    assert (run.outcome, run.words) == told
    believe(NOON + timedelta(hours=1))
    assert went(rounds) == 1


def test_a_scheduler_takes_no_more_than_it_has_threads_for(believe: Believe) -> None:
    believe(NOON)
    slow = Bench()
    names = ("months", "chats", "leavers", "logins", "alerts", "runs")
    rounds = Rounds(dict.fromkeys(names, slow), "a scheduler", SystemClock())
    try:
        assert [rounds.round(), rounds.round()] == [THREADS, 0]
        slow.goes_on.set()
        done(rounds)
        assert went(rounds) == len(names) - THREADS
    finally:
        rounds.stop()


def test_a_run_that_goes_on_past_its_next_slot_delays_that(
    scheduler: Scheduler, believe: Believe
) -> None:
    believe(NOON)
    slow = Bench()
    first, second = scheduler(slow), scheduler(lambda _: "")
    first.round()
    believe(NOON + timedelta(hours=2))
    first.beat()

    assert went(second) == 0
    slow.goes_on.set()
    done(first)
    assert went(second) == 1


def test_runs_are_forgotten_but_the_last_one_and_the_last_good_one() -> None:
    def old(days: int, outcome: str) -> ScheduledRun:
        moment = SystemClock().now() - timedelta(days=days)
        return scheduled_run(slot=moment, finished_at=moment, outcome=outcome)

    for days, outcome in ((99, "succeeded"), (98, "succeeded"), (97, "failed"), (96, "failed")):
        old(days, outcome)

    assert runs.forget_runs(days=90, most=1) == 1
    assert runs.forget_runs(days=90, most=9) == 1
    assert sorted(run.outcome for run in ScheduledRun.select()) == ["failed", "succeeded"]


def test_a_run_by_hand_is_taken_up_and_the_calendar_goes_on(
    scheduler: Scheduler, believe: Believe
) -> None:
    believe(NOON)
    rounds = scheduler(lambda _: "well")
    went(rounds)
    slot = runs.ask("chats", new_id())

    assert runs.ask("chats", new_id()) is None
    assert [went(rounds), went(rounds)] == [1, 0]

    run = ScheduledRun.get(ScheduledRun.slot == slot)
    assert (run.source, run.outcome, run.attempts) == ("by hand", "succeeded", 1)
    believe(NOON + timedelta(hours=1))
    assert went(rounds) == 1

"""The end of a run when the database is away, cuts the answer off, or refuses what it is given."""

from dataclasses import dataclass
from typing import Any, ClassVar

from peewee import OperationalError

from jobs.job import Job
from jobs.run import Effect, Outcome, Usage
from models import engine
from models.kernel.errors import (
    Unavailable,
)
from models.kernel.money import Nano
from tests.rows import accepted, account, money, row
from tests.streams import kinds_of

EFFECT = Effect("insert into queue_control (queue, paused) values ('effect', false)")
EFFECTS = "select count(*) from queue_control"


@dataclass(frozen=True, slots=True)
class Errand(Job):
    """A job whose function is the test's."""

    name: ClassVar[str] = "test.errand"
    queue: ClassVar[str] = "default"

    text: str = ""


def raising(error: Exception) -> Any:
    def function(_job: Errand, _run: object) -> Outcome:
        raise error

    return function


def errand(payer=None, **wishes):
    return accepted(payer, type=Errand.name, input={"text": "hello"}, **wishes)


def cost(amount: int) -> Usage:
    return Usage("test", "x", "x", 1, 1, Nano(amount))


def test_an_effect_that_fails_takes_the_finish_with_it_and_the_job_is_tried_again(desk, database):
    payer = account(100)
    job = errand(payer, hold=50)
    broken = Effect("insert into queue_control (queue) values (null)")

    desk.carry_out(
        job.id.hex,
        Errand,
        lambda _job, _run: Outcome({}, usage=[cost(20)], effects=[EFFECT, broken]),
    )

    waiting = row(job.id)
    assert (waiting.state, waiting.failures) == ("queued", 1)
    assert waiting.error_code == "INTERNAL_ERROR"
    assert database.rows(EFFECTS) == [(0,)]
    assert money(payer) == (100, 50)


def test_a_result_that_cannot_be_kept_is_a_failure_and_not_a_lost_worker(desk):
    job = errand()

    desk.carry_out(job.id.hex, Errand, lambda _job, _run: Outcome({"text": "a\0b"}))

    assert (row(job.id).state, row(job.id).failures) == ("queued", 1)


def test_a_finish_is_tried_again_while_the_database_is_away(desk, monkeypatch):
    job = errand()
    finish, faults = engine.finish, [OperationalError("gone"), OperationalError("gone")]

    def flaky(*arguments):
        if faults:
            raise faults.pop()
        return finish(*arguments)

    monkeypatch.setattr(engine, "finish", flaky)
    desk.carry_out(job.id.hex, Errand, lambda _job, _run: Outcome({}))

    assert faults == []
    assert row(job.id).state == "succeeded"


def test_putting_a_job_back_is_tried_again_while_the_database_is_away(desk, monkeypatch):
    job = errand()
    retry, faults = engine.retry, [OperationalError("gone")]

    def flaky(*arguments):
        if faults:
            raise faults.pop()
        return retry(*arguments)

    monkeypatch.setattr(engine, "retry", flaky)
    desk.carry_out(job.id.hex, Errand, raising(Unavailable("later")))

    assert (row(job.id).state, row(job.id).failures) == ("queued", 1)


def test_a_finish_whose_answer_was_lost_is_recognised_as_ours(desk, cache, monkeypatch):
    payer = account(100)
    job = errand(payer, hold=50)
    finish, faults = engine.finish, [OperationalError("gone")]

    def committed_and_cut(*arguments):
        answer = finish(*arguments)
        if faults:
            raise faults.pop()
        return answer

    monkeypatch.setattr(engine, "finish", committed_and_cut)
    desk.carry_out(job.id.hex, Errand, lambda _job, _run: Outcome({"x": 1}, usage=[cost(20)]))

    assert money(payer) == (80, 0)
    assert kinds_of(cache, job.id)[-1] == "end"

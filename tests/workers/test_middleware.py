"""From a message to the end of a job: whatever a function does becomes a state of the row."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from peewee import OperationalError

from jobs.job import Job
from jobs.run import Effect, FinalFailure, GivenBack, LeaseLost, Outcome, Usage
from jobs.streams import stream_key
from models import engine
from models.engine import Ending
from models.kernel.errors import (
    Cancelled,
    DocumentCorrupt,
    IlmError,
    NotFound,
    Unavailable,
    UpstreamTimeout,
)
from models.kernel.money import Nano
from tests.rows import LEASE, accepted, account, events, money, row
from tests.streams import kinds_of, stream_of

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


def test_a_job_that_is_done_is_settled_told_and_its_stream_ended(desk, cache, database):
    payer = account(100)
    job = errand(payer, hold=50)
    seen = []

    def function(value: Errand, run) -> Outcome:
        seen.append((value, run.attempt, row(job.id).worker))
        run.progress(1, 2)
        run.delta("hel")
        return Outcome({"text": "hello"}, usage=[cost(20)], effects=[EFFECT])

    desk.carry_out(job.id.hex, Errand, function)

    assert seen == [(Errand("hello"), 1, "tester")]
    ended = row(job.id)
    assert (ended.state, ended.result) == ("succeeded", {"text": "hello"})
    assert (ended.completed, ended.total) == (1, 2)
    assert money(payer) == (80, 0)
    assert events(payer) == ["job.succeeded"]
    assert database.rows(EFFECTS) == [(1,)]
    assert kinds_of(cache, job.id) == ["status", "progress", "delta", "end"]
    assert stream_of(cache, job.id)[-1]["job"]["status"] == "succeeded"


def test_of_a_job_that_is_forgotten_while_it_runs_no_word_is_kept(desk, cache, database):
    job = errand()

    def function(_value: Errand, run) -> Outcome:
        run.delta("sec")
        row(job.id).forget()
        cache.delete(stream_key(job.id))
        return Outcome({"text": "secret"})

    desk.carry_out(job.id.hex, Errand, function)

    assert row(job.id).state == "succeeded"
    assert stream_of(cache, job.id) == []


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        pytest.param(NotFound("no such thing"), "failed", "NOT_FOUND", id="refused"),
        pytest.param(Cancelled("enough"), "cancelled", "CANCELLED", id="cancelled"),
        pytest.param(
            FinalFailure(DocumentCorrupt("torn"), [EFFECT]), "failed", "DOCUMENT_CORRUPT",
            id="refused, with what that changes",
        ),
    ],
)  # fmt: skip
def test_a_refusal_ends_the_job_and_costs_nothing(desk, cache, database, error, state, code):
    payer = account(100)
    job = errand(payer, hold=50)

    desk.carry_out(job.id.hex, Errand, raising(error))

    ended = row(job.id)
    assert (ended.state, ended.error_code) == (state, code)
    assert money(payer) == (100, 0)
    assert kinds_of(cache, job.id)[-1] == "end"
    assert database.rows(EFFECTS) == [(int(isinstance(error, FinalFailure)),)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(Unavailable("later"), "SERVICE_UNAVAILABLE", id="unavailable"),
        pytest.param(UpstreamTimeout(retry_after=30), "UPSTREAM_TIMEOUT", id="with a wait"),
        pytest.param(ZeroDivisionError("a secret"), "INTERNAL_ERROR", id="a bug"),
    ],
)
def test_a_fault_puts_the_job_back_for_later(desk, cache, error, code):
    job = errand()

    desk.carry_out(job.id.hex, Errand, raising(error))

    waiting = row(job.id)
    assert (waiting.state, waiting.failures, waiting.error_code) == ("queued", 1, code)
    assert "secret" not in waiting.error_message
    least = (error.retry_after or 0) if isinstance(error, IlmError) else 0
    assert (waiting.run_at - waiting.created_at).total_seconds() >= least
    assert stream_of(cache, job.id)[-1]["status"] == "queued"


def test_a_database_that_goes_away_is_no_failure_of_the_job(desk, postman):
    job = errand(max_attempts=1)

    desk.carry_out(job.id.hex, Errand, raising(OperationalError("the connection is closed")))

    waiting = row(job.id)
    assert (waiting.state, waiting.failures, waiting.lost) == ("queued", 0, 0)
    assert [letter.id for letter in postman.letters] == [job.id]


def test_a_statement_the_database_ends_is_a_failure_of_the_job(desk, database):
    job = errand()

    def too_slow(_job, run):
        with database.unit():
            database.rows("set local statement_timeout = 1")
            database.rows("select pg_sleep(1)")

    desk.carry_out(job.id.hex, Errand, too_slow)

    waiting = row(job.id)
    assert (waiting.state, waiting.failures) == ("queued", 1)


def test_the_last_attempts_fault_fails_the_job_and_says_so(desk, cache):
    payer = account(100)
    job = errand(payer, hold=50, max_attempts=1)

    desk.carry_out(job.id.hex, Errand, raising(Unavailable("later")))

    assert row(job.id).state == "failed"
    assert money(payer) == (100, 0)
    assert stream_of(cache, job.id)[-1]["job"]["status"] == "failed"


def test_a_fault_after_a_cancel_ends_the_job_as_cancelled_at_once(desk, cache):
    job = errand()

    def function(_job: Errand, _run: object) -> Outcome:
        engine.cancel(job, 4)
        raise Unavailable("later", retry_after=600)

    desk.carry_out(job.id.hex, Errand, function)

    assert row(job.id).state == "cancelled"
    assert stream_of(cache, job.id)[-1]["job"]["status"] == "cancelled"


def test_a_job_cancelled_before_it_was_claimed_again_does_not_run_to_its_end(desk):
    job = errand()

    def cancelled_and_given_back(_job: Errand, _run: object) -> Outcome:
        engine.cancel(job, 4)
        raise GivenBack

    desk.carry_out(job.id.hex, Errand, cancelled_and_given_back)
    assert row(job.id).state == "queued"

    def function(_job: Errand, run) -> Outcome:
        run.check()
        return Outcome({})

    desk.carry_out(job.id.hex, Errand, function)
    assert row(job.id).state == "cancelled"


def test_a_job_given_back_is_posted_again_and_counts_as_nothing(desk, postman):
    job = errand()

    desk.carry_out(job.id.hex, Errand, raising(GivenBack()))

    back = row(job.id)
    assert (back.state, back.failures, back.lost) == ("queued", 0, 0)
    assert postman.posted == [job.id]


def test_a_lost_lease_changes_nothing(desk, cache):
    job = errand()

    desk.carry_out(job.id.hex, Errand, raising(LeaseLost()))

    assert row(job.id).state == "running"
    assert "end" not in kinds_of(cache, job.id)


def test_a_zombies_finish_is_refused_with_all_its_effects(desk, cache, database):
    payer = account(100)
    job = errand(payer, hold=50)

    def function(_job: Errand, _run: object) -> Outcome:
        database.rows("update job set attempt = 2 where id = %s", (job.id,))
        return Outcome({}, usage=[cost(20)], effects=[EFFECT])

    desk.carry_out(job.id.hex, Errand, function)

    assert (row(job.id).state, row(job.id).attempt) == ("running", 2)
    assert money(payer) == (100, 50)
    assert database.rows(EFFECTS) == [(0,)]
    assert events(payer) == []
    assert "end" not in kinds_of(cache, job.id)


def test_a_fenced_write_of_a_zombie_is_refused(desk, database):
    job = errand()
    lost = []

    def function(_job: Errand, run) -> Outcome:
        run.write(EFFECT.sql)
        database.rows("delete from queue_control")
        database.rows("update job set attempt = 2 where id = %s", (job.id,))
        try:
            run.write(EFFECT.sql)
        except LeaseLost:
            lost.append(True)
            raise
        return Outcome({})

    desk.carry_out(job.id.hex, Errand, function)

    assert lost == [True]
    assert database.rows(EFFECTS) == [(0,)]


@pytest.mark.parametrize("state", ["succeeded", "running"])
def test_a_message_delivered_again_is_dropped(desk, state):
    job = errand()
    mine = engine.claim(job.id, "another", LEASE)
    assert mine is not None
    if state == "succeeded":
        engine.finish(mine, Ending("succeeded", {}), 4)

    desk.carry_out(job.id.hex, Errand, raising(AssertionError("it ran")))

    assert (row(job.id).state, row(job.id).attempt) == (state, 1)


def test_a_worker_that_stops_claims_nothing(desk):
    job = errand()
    desk.is_stopping = True

    desk.carry_out(job.id.hex, Errand, raising(AssertionError("it ran")))

    assert row(job.id).state == "queued"


def test_a_second_attempt_says_restart(desk, cache):
    job = errand()
    desk.carry_out(job.id.hex, Errand, raising(GivenBack()))
    desk.carry_out(job.id.hex, Errand, lambda _job, _run: Outcome({}))

    assert kinds_of(cache, job.id) == ["status", "status", "restart", "status", "end"]
    assert [event["seq"] for event in stream_of(cache, job.id)] == sorted(
        event["seq"] for event in stream_of(cache, job.id)
    )


def test_nobody_stays_in_the_heart_after_its_run(desk, heart):
    for error in (LeaseLost(), GivenBack(), ZeroDivisionError()):
        desk.carry_out(errand().id.hex, Errand, raising(error))

    assert heart.runs() == []

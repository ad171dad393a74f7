"""Running a batch: each line answered once and billed once, whatever stops it on the way."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from jobs.batches.lines import Bench
from jobs.batches.results import ERRORS, OUTPUT, pages
from jobs.batches.run import run_batch
from jobs.llms.provider import Delta, Finish, OnStop, Piece, Request, Tokens
from jobs.producers import Producers
from jobs.run import FinalFailure, GivenBack, LeaseLost
from models import engine
from models.batches import Batch
from models.engine import Ending
from models.kernel.clock import SystemClock
from models.kernel.database import Pool, database
from models.kernel.errors import Cancelled, UpstreamError
from models.llms import llm_named
from tests.jobs.batches.conftest import LEASE, FakeVendors, Opener, claimed, fresh, job_of, line
from tests.processes import until
from tests.rows import money, returned
from workers.runs import ActiveRun

Begin = Callable[[Batch], ActiveRun]


@pytest.fixture
def begin(producers: Producers) -> Begin:
    """Claim a batch and begin a run of it."""

    def begun(batch: Batch) -> ActiveRun:
        row = claimed(batch)
        return ActiveRun(row, producers.producer(row), SystemClock(), LEASE)

    return begun


def finished(batch: Batch, bench: Bench, run: ActiveRun) -> Batch:
    """Run a batch to its end, and end its job as the desk does."""
    outcome = run_batch(job_of(batch), bench, run)
    with database.unit():
        engine.finish(run.row, Ending("succeeded", outcome.result), 4)
        for effect in outcome.effects:
            database.rows(effect.sql, effect.parameters)
    return fresh(batch)


def read(batch: Batch, part: str) -> list[dict[str, Any]]:
    return [json.loads(text) for page in pages(batch, part) for text in page.splitlines()]


def usage(database: Pool) -> list[tuple[Any, ...]]:
    return database.rows(
        "select line.number, used.cost_nano from usage_line used"
        " join batch_line line on line.id = used.job_id where not used.is_borne order by 1"
    )


def one_costs() -> int:
    llm = llm_named("gpt-4o-mini")
    assert llm is not None
    price = llm.prices[-1]
    return round((10 * price.input + 3 * price.output) * 14 / 10 / 1_000)


def test_every_line_is_answered_billed_and_counted(
    opener: Opener, bench: Bench, begin: Begin, vendors: FakeVendors, database: Pool
) -> None:
    before = money(opener.sender.account_id)[0]
    batch = opener.open(*(line(n) for n in range(30)))

    done = finished(batch, bench, begin(batch))

    assert (done.status, done.total, done.answered, done.failed) == ("completed", 30, 30, 0)
    assert [each["custom_id"] for each in read(done, OUTPUT)] == [f"n{n}" for n in range(30)]
    assert sorted(vendors.asked) == sorted(f"number {n}" for n in range(30))
    assert usage(database) == [(n + 1, one_costs()) for n in range(30)]
    assert money(opener.sender.account_id) == (before - 30 * one_costs(), 0)
    assert done.cost.amount == 30 * one_costs()


def test_a_line_answered_by_an_attempt_that_was_lost_is_not_asked_again(
    opener: Opener, bench: Bench, begin: Begin, vendors: FakeVendors, database: Pool
) -> None:
    batch = opener.open(*(line(n) for n in range(20)))
    first = begin(batch)

    def dies_at_the_tenth(request: Request, on_stop: OnStop) -> Iterator[Piece]:
        if len(vendors.asked) >= 10:
            first.stop(LeaseLost())
            first.check()
        yield Delta("The sea.")
        yield Finish("stop", Tokens(input=10, output=3))

    vendors.answer = dies_at_the_tenth
    with pytest.raises(LeaseLost):
        run_batch(job_of(batch), bench, first)
    answered = {text for (text,) in database.rows(
        "select 'number ' || (number - 1) from batch_line where state = 'answered'"
    )}  # fmt: skip
    assert 0 < len(answered) < 20

    assert engine.give_back(first.row)
    vendors.asked.clear()
    vendors.answer = FakeVendors.answer
    done = finished(batch, bench, begin(batch))

    assert (done.answered, len(usage(database))) == (20, 20)
    assert not answered & set(vendors.asked)
    assert money(opener.sender.account_id)[1] == 0


def test_a_zombie_writes_nothing_about_lines(
    opener: Opener, bench: Bench, begin: Begin, vendors: FakeVendors, database: Pool
) -> None:
    batch = opener.open(line(0))
    zombie = begin(batch)

    def outlived(request: Request, on_stop: OnStop) -> Iterator[Piece]:
        database.rows("update job set attempt = attempt + 1")
        yield Delta("Too late.")
        yield Finish("stop", Tokens(input=10, output=3))

    vendors.answer = outlived
    with pytest.raises(LeaseLost):
        run_batch(job_of(batch), bench, zombie)

    assert database.rows("select state, written from batch_line") == [("waiting", None)]
    assert usage(database) == []
    assert fresh(batch).answered == 0


def test_a_line_that_keeps_failing_is_tried_three_times_and_costs_nothing(
    opener: Opener, bench: Bench, begin: Begin, vendors: FakeVendors, database: Pool
) -> None:
    def broken(request: Request, on_stop: OnStop) -> Iterator[Piece]:
        database.rows("update batch_line set not_before = now() - interval '1 hour'")
        raise UpstreamError("the vendor is down")
        yield

    vendors.answer = broken
    batch = opener.open(line(0, model="gpt-4o"))
    run = begin(batch)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(returned, finished, batch, bench, run)
        until(lambda: _hurried(database, done.done), "it is not tried to the end")
        ended = done.result()

    assert (ended.status, ended.answered, ended.failed) == ("completed", 0, 1)
    (failure,) = read(ended, ERRORS)
    assert failure["response"]["status_code"] == 502
    assert database.rows("select tries from batch_line") == [(2,)]
    assert money(opener.sender.account_id)[1] == 0
    assert usage(database) == []


def _hurried(database: Pool, is_done: Callable[[], bool]) -> bool:
    """Let no line wait for its turn."""
    database.rows("update batch_line set not_before = now() where not_before > now()")
    return is_done()


def test_an_error_of_ours_fails_its_line_and_no_other(
    opener: Opener, bench: Bench, begin: Begin, vendors: FakeVendors, database: Pool
) -> None:
    def odd(request: Request, on_stop: OnStop) -> Iterator[Piece]:
        if request.messages[-1]["content"] == "number 1":
            raise ZeroDivisionError
        yield Delta("The sea.")
        yield Finish("stop", Tokens(input=10, output=3))

    vendors.answer = odd
    batch = opener.open(*(line(n) for n in range(3)))
    run = begin(batch)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(returned, finished, batch, bench, run)
        until(lambda: _hurried(database, done.done), "it is not tried to the end")
        ended = done.result()

    assert (ended.answered, ended.failed) == (2, 1)
    assert [each["custom_id"] for each in read(ended, ERRORS)] == ["n1"]


@pytest.mark.parametrize(
    ("stop", "status"),
    [
        pytest.param(ActiveRun.cancel, "cancelled", id="cancelled"),
        pytest.param(ActiveRun.overdue, "expired", id="overdue"),
    ],
)
def test_what_ends_a_batch_early_stops_the_calls_and_keeps_the_answers(
    opener: Opener,
    bench: Bench,
    begin: Begin,
    vendors: FakeVendors,
    database: Pool,
    stop: Callable[[ActiveRun], None],
    status: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.batches.run.LAND_SECONDS", 60.0)
    hung, is_over = Event(), Event()

    def answers_two(request: Request, on_stop: OnStop) -> Iterator[Piece]:
        if request.messages[-1]["content"] in {"number 0", "number 1"}:
            yield Delta("The sea.")
            yield Finish("stop", Tokens(input=10, output=3))
            return
        on_stop(is_over.set)
        yield Delta("The ")
        if len(vendors.asked) >= 6:
            hung.set()
        assert is_over.wait(60)
        raise UpstreamError("hung up")

    vendors.answer = answers_two
    batch = opener.open(*(line(n) for n in range(20)))
    run = begin(batch)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(returned, run_batch, job_of(batch), bench, run)
        assert hung.wait(60)
        until(lambda: fresh(batch).answered == 2, "two are not answered")
        if status == "expired":
            database.rows("update job set deadline_at = now()")
        stop(run)
        assert is_over.is_set()
        failure = done.exception(60)

    assert isinstance(failure, FinalFailure)
    state = "cancelled" if status == "cancelled" else "failed"
    with database.unit():
        engine.finish(run.row, Ending(state, error_code=failure.cause.code), 4)
        for effect in failure.effects:
            database.rows(effect.sql, effect.parameters)
    ended = fresh(batch)
    assert (ended.status, ended.answered) == (status, 2)
    assert ended.cancelled == (4 if status == "cancelled" else 0)
    assert [each["custom_id"] for each in read(ended, OUTPUT)] == ["n0", "n1"]
    codes = [each["error"]["code"] for each in read(ended, ERRORS)]
    assert codes == [f"batch_{status}"] * 18
    assert database.rows("select count(*) from credit_hold where state = 'held'") == [(0,)]
    assert len(vendors.asked) == 6


def test_a_batch_that_is_given_back_goes_on_at_another_worker(
    opener: Opener, bench: Bench, begin: Begin, vendors: FakeVendors
) -> None:
    batch = opener.open(*(line(n) for n in range(3)))
    run = begin(batch)
    run.give_back()
    with pytest.raises(GivenBack):
        run_batch(job_of(batch), bench, run)
    assert engine.give_back(run.row)

    assert finished(batch, bench, begin(batch)).answered == 3


def test_a_batch_cancelled_before_it_began_holds_nothing_and_says_so(
    opener: Opener, bench: Bench, begin: Begin, database: Pool
) -> None:
    batch = opener.open(line(0))
    database.rows("select * from job_cancel(%s, 4)", (batch.job_id,))

    assert fresh(batch).status == "cancelled"
    assert read(fresh(batch), OUTPUT) == read(fresh(batch), ERRORS) == []


def test_files_that_were_written_are_those_that_were_read_before(
    opener: Opener, bench: Bench, begin: Begin
) -> None:
    batch = opener.open(line(0), line(1, model="gpt-0"))
    done = finished(batch, bench, begin(batch))
    for file_id, kind in ((done.output_file_id, OUTPUT), (done.error_file_id, ERRORS)):
        ((key, size),) = database.rows("select key, size from file where id = %s", (file_id,))
        content = bench.blobs.read(key)

        assert content.decode() == "".join(pages(done, kind))
        assert size == len(content)


def test_a_run_is_stopped_at_the_next_line_once_it_is_cancelled(
    opener: Opener, bench: Bench, begin: Begin, vendors: FakeVendors
) -> None:
    batch = opener.open(line(0))
    run = begin(batch)
    run.cancel()

    with pytest.raises(FinalFailure) as stopped:
        run_batch(job_of(batch), bench, run)

    assert isinstance(stopped.value.cause, Cancelled)
    assert vendors.asked == []

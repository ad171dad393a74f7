"""The lines of batches: each held, ended and counted once, and by nobody but who has the batch."""

import json
from uuid import UUID

import pytest

from models.batches import (
    ANSWERED,
    FAILED,
    Batch,
    BatchLine,
    Holder,
    LineEnd,
    begin_line,
    end_line,
    put_back_line,
)
from models.files import File
from models.jobs import JobRow
from models.kernel.database import Pool
from models.kernel.errors import NotFound
from models.kernel.ids import derived_id, new_id
from models.kernel.money import Estimate, Nano
from tests import factories, rows
from tests.rows import accepted, account, events, money, used

USED = {**used(25), "vendor": "openai", "llm": "gpt-4o-mini", "price_id": "p"}
DONE = LineEnd(state=ANSWERED, written="{}", cost=Nano(25), usage=[USED])
LOST = LineEnd(state=FAILED, written="{}")


def batch_of(who: UUID, lines: int, *, claim: bool = True) -> tuple[Batch, Holder]:
    """Write a batch whose job is running, or queued, with lines that wait."""
    job: JobRow = (rows.claimed if claim else accepted)(who, type="batch.run", queue="batch")
    output = File.create(account_id=who, mode="live", purpose="batch_output", name="out",
                         created_at=job.created_at)  # fmt: skip
    made: Batch = Batch.create(
        account_id=who, mode="live", job_id=job.id, shape="openai", input_key="k", tier="free",
        endpoint="/v1/chat/completions", output_file_id=output.id, total=lines,
        status="in_progress", created_at=job.created_at, expires_at=job.created_at,
    )  # fmt: skip
    for number in range(1, lines + 1):
        BatchLine.create(
            id=derived_id(made.id, str(number)), batch_id=made.id, number=number, wire="chat",
            custom_id=f"n{number}", asked=json.dumps({}), not_before=job.created_at,
        )  # fmt: skip
    return made, Holder(job.id, job.attempt)


def line(batch: Batch, number: int = 1) -> UUID:
    return derived_id(batch.id, str(number))


def fresh(batch: Batch) -> Batch:
    again: Batch = Batch.get_by_id(batch.id)
    return again


def counts(batch: Batch) -> tuple[int, int, int, int]:
    now = fresh(batch)
    return now.answered, now.failed, now.cancelled, now.cost_nano


def test_a_line_is_held_for_once_and_settled_once(database: Pool) -> None:
    who = account(100)
    batch, mine = batch_of(who, 2)

    assert [begin_line(mine, line(batch), Estimate(Nano(60))) for _ in range(3)] == ["held"] * 3
    assert money(who) == (100, 60)
    assert end_line(mine, line(batch), DONE)
    assert end_line(mine, line(batch), DONE)
    assert begin_line(mine, line(batch), Estimate(Nano(60))) == "over"

    assert money(who) == (75, 0)
    assert counts(batch) == (1, 0, 0, 25)
    assert database.rows("select count(*), sum(cost_nano) from usage_line") == [(1, 25)]


def test_a_line_the_balance_does_not_cover_is_told_so_and_holds_nothing(database: Pool) -> None:
    who = account(100)
    batch, mine = batch_of(who, 2)

    assert begin_line(mine, line(batch), Estimate(Nano(60))) == "held"
    assert [begin_line(mine, line(batch, 2), Estimate(Nano(60))) for _ in range(2)] == ["poor"] * 2
    assert money(who) == (100, 60)
    assert events(who).count("credits.exhausted") == 1


def test_a_line_that_a_budget_refuses_says_nothing_of_the_means(database: Pool) -> None:
    who = account(100)
    batch, mine = batch_of(who, 2)
    begin_line(mine, line(batch), Estimate(Nano(10)))
    factories.budget(who, amount_nano=5)
    database.rows("update account set budgets = 1")

    assert begin_line(mine, line(batch, 2), Estimate(Nano(10))) == "poor"
    assert events(who).count("credits.exhausted") == 0


def test_a_line_that_costs_nothing_needs_no_hold(database: Pool) -> None:
    batch, mine = batch_of(account(), 1)

    assert begin_line(mine, line(batch), Estimate(Nano(0))) == "held"
    assert end_line(mine, line(batch), LOST)
    assert counts(batch) == (0, 1, 0, 0)


@pytest.mark.parametrize(
    "stolen",
    [
        pytest.param("update job set attempt = attempt + 1", id="a later attempt"),
        pytest.param("update job set state = 'queued', lease_until = null", id="given back"),
    ],
)
def test_who_does_not_have_the_batch_writes_nothing(database: Pool, stolen: str) -> None:
    who = account(100)
    batch, mine = batch_of(who, 2)
    begin_line(mine, line(batch), Estimate(Nano(60)))
    database.rows(stolen)

    assert begin_line(mine, line(batch, 2), Estimate(Nano(10))) == "lost"
    assert not end_line(mine, line(batch), DONE)
    assert not put_back_line(mine, line(batch), 1.0)
    assert (money(who), counts(batch)) == ((100, 60), (0, 0, 0, 0))


def test_a_line_put_back_waits_its_time_behind_the_others_and_keeps_its_hold(
    database: Pool,
) -> None:
    who = account(100)
    batch, mine = batch_of(who, 3)
    begin_line(mine, line(batch), Estimate(Nano(60)))

    assert put_back_line(mine, line(batch), 60.0)
    assert BatchLine.due(batch.id, [], 9) == [line(batch, 2), line(batch, 3)]
    assert BatchLine.due(batch.id, [line(batch, 2)], 9) == [line(batch, 3)]
    assert put_back_line(mine, line(batch), 0.0)
    assert BatchLine.due(batch.id, [], 9) == [line(batch, 2), line(batch, 3), line(batch)]
    assert money(who) == (100, 60)
    assert BatchLine.get_by_id(line(batch)).tries == 2


_FINISH = "select * from job_finish(%s, 1, {}, null, {}, 'x', 0, 0, 0, null, null, 4)"
ENDS = {
    "completed": _FINISH.format("'succeeded'", "null"),
    "failed": _FINISH.format("'failed'", "'X'"),
    "cancelled": _FINISH.format("'cancelled'", "'X'"),
}


@pytest.mark.parametrize("status", ENDS)
def test_the_end_of_the_job_is_the_end_of_the_batch_and_frees_its_holds(
    database: Pool, status: str
) -> None:
    who = account(100)
    batch, mine = batch_of(who, 2)
    begin_line(mine, line(batch), Estimate(Nano(60)))

    database.rows(ENDS[status], (mine.job_id,))

    now = fresh(batch)
    assert (now.status, now.is_over, now.waiting) == (status, True, 2)
    assert now.ended_at is not None
    assert money(who) == (100, 0)


def test_a_batch_whose_deadline_passed_has_expired(database: Pool) -> None:
    batch, mine = batch_of(account(), 1)
    database.rows("update job set deadline_at = now() - interval '1 second'")

    database.rows(ENDS["failed"], (mine.job_id,))

    assert fresh(batch).status == "expired"


def test_a_batch_cancelled_in_its_queue_is_over_at_once(database: Pool) -> None:
    batch, holder = batch_of(account(), 1, claim=False)

    database.rows("select * from job_cancel(%s, 4)", (holder.job_id,))

    assert fresh(batch).status == "cancelled"


def test_holds_of_lines_that_are_being_asked_are_no_orphans(database: Pool) -> None:
    who = account(100)
    batch, mine = batch_of(who, 1)
    begin_line(mine, line(batch), Estimate(Nano(60)))
    database.rows("update credit_hold set created_at = now() - interval '1 hour'")

    assert database.rows("select * from holds_to_release(10)") == []


def test_nobody_finds_anothers_batch_or_file(database: Pool) -> None:
    batch, _ = batch_of(account(), 1)

    assert Batch.owned_by(batch.account_id, "live", batch.id, "openai") == batch
    for who, mode, shape in (
        (new_id(), "live", "openai"),
        (batch.account_id, "test", "openai"),
        (batch.account_id, "live", "anthropic"),
    ):
        with pytest.raises(NotFound):
            Batch.owned_by(who, mode, batch.id, shape)
    with pytest.raises(NotFound):
        File.owned_by(new_id(), "live", batch.output_file_id)

"""Lines that are written while their day is added up or forgotten: see `models/sql/usage.sql`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from uuid import UUID

import pytest

from jobs.usage_rollup import forget_detail
from models.kernel.database import Pool, open_pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from tests.jobs.usage_lines import OLD, add_up, line, on, today, told
from tests.processes import until
from tests.rows import account

pytestmark = pytest.mark.usefixtures("database")

SETTINGS = Settings(usage_days=90)
ROLL = "select usage_roll(%s, %s)"
WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
MARKS = "select count(*) from usage_dirty where account_id = %s and day = %s"


@pytest.fixture
def other(database: Pool, settings: Settings) -> Iterator[Pool]:
    """Somebody else's connection."""
    with closing(open_pool(settings)) as pool:
        yield pool
        pool.close_all()


def test_a_line_that_is_not_committed_is_counted_next_time(other: Pool) -> None:
    who = account()
    line(who, OLD)
    with other.unit():
        _write(other, who)
        add_up()
        assert on(who, OLD) == (1, 3, 1, 5)
    assert on(who, OLD) == (2, 4, 2, 10)

    add_up()

    assert on(who, OLD) == (2, 4, 2, 10)


@pytest.mark.parametrize("is_marked", [True, False], ids=["marked before", "not marked before"])
def test_a_line_written_while_its_day_is_added_up_is_not_lost(
    database: Pool, other: Pool, pools: tuple[Pool, Pool], *, is_marked: bool
) -> None:
    who = account()
    line(who, OLD)
    if not is_marked:
        add_up()
    with ThreadPoolExecutor(1) as thread:
        with database.unit():
            database.rows(ROLL, (who, OLD))
            writing = thread.submit(_written, other, who)
            if is_marked:
                until(lambda: pools[1].rows(WAITING) != [(0,)], "nobody waits for the mark")
                assert not writing.done()
            else:
                until(writing.done, "it waits, although nobody holds a mark")
        writing.result()
    assert database.rows(MARKS, (who, OLD)) == [(1,)]
    assert on(who, OLD) == (2, 4, 2, 10)

    add_up()

    assert database.rows(MARKS, (who, OLD)) == [(0,)]
    assert on(who, OLD) == (2, 4, 2, 10)


def test_a_line_written_while_its_detail_is_deleted_is_not_lost(
    database: Pool, other: Pool
) -> None:
    who = account()
    line(who, OLD)
    add_up()
    with database.unit():
        assert forget_detail(SETTINGS) == 1
        _write(other, who)

    assert on(who, OLD) == (2, 4, 2, 10)
    add_up()
    assert forget_detail(SETTINGS) == 1
    assert on(who, OLD) == (2, 4, 2, 10)


def test_whoever_reads_sees_a_day_before_or_after_it_is_added_up(
    database: Pool, other: Pool
) -> None:
    who = account()
    line(who, OLD)
    line(who, OLD - timedelta(days=1))
    with other.unit():
        other.rows(ROLL, (who, OLD))
        other.rows("select usage_through(%s)", (today() - timedelta(days=2),))
        assert on(who, OLD) == (1, 3, 1, 5)
    assert database.rows(MARKS, (who, OLD)) == [(0,)]
    assert told(who, OLD - timedelta(days=1), OLD + timedelta(days=1)) == (2, 6, 2, 10)


def _write(pool: Pool, who: UUID) -> None:
    """Write a line of an old day over another connection."""
    pool.rows(
        "insert into usage_line (job_id, step, account_id, mode, operation, llm, price_id, vendor,"
        " tokens_in, tokens_out, cost_nano, day)"
        " values (%s, 0, %s, 'live', 'completion', 'x', 'free', 'v', 1, 1, 5, %s)",
        (new_id(), who, OLD),
    )


def _written(pool: Pool, who: UUID) -> None:
    with closing(pool):
        _write(pool, who)

"""Counting the requests of keys: many in one statement, none lost to a database that is away."""

from datetime import date, timedelta

import pytest
from peewee import OperationalError

from jobs.key_usage import KeyMeter
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.key_usage import KeyUsage, Totals
from tests import factories
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.usefixtures("database")

TODAY = date(2026, 11, 20)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def meter(clock: FakeClock) -> KeyMeter:
    """A meter whose thread never starts: the test flushes."""
    made = KeyMeter(clock)
    made.stop()
    return made


def test_counts_of_several_processes_and_days_add_up(meter: KeyMeter, clock: FakeClock) -> None:
    key, other = factories.api_key(), factories.api_key()
    second = KeyMeter(clock)
    second.stop()
    for each in (meter, meter, second):
        each.count(key.id)
    clock.move(86_400)
    meter.count(key.id)
    second.count(other.id)

    for each in (meter, second, meter):
        each.flush()

    days = {(row.day, row.requests) for row in KeyUsage.by_day(key.id, TODAY)}
    assert days == {(TODAY, 3), (TODAY + timedelta(days=1), 1)}
    totals = KeyUsage.totals([key.id, other.id, new_id()], TODAY + timedelta(days=1))
    assert totals == {key.id: Totals(4, 4), other.id: Totals(1, 1)}


def test_a_week_is_today_and_the_six_days_before() -> None:
    key = factories.api_key()
    for back in (0, 6, 7, 300):
        factories.key_usage(key, day=TODAY - timedelta(days=back), requests=10)

    assert KeyUsage.totals([key.id], TODAY) == {key.id: Totals(40, 20)}


def test_nothing_is_written_before_a_flush_and_then_one_statement(
    meter: KeyMeter, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [factories.api_key() for _ in range(20)]
    statements: list[str] = []
    rows = Pool.rows

    def counted(self: Pool, sql: str, parameters: object = ()) -> object:
        statements.append(sql)
        return rows(self, sql, parameters)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(Pool, "rows", counted)
    for key in keys * 50:
        meter.count(key.id)
    assert statements == []

    meter.flush()
    meter.flush()

    assert len(statements) == 1
    assert sum(row.requests for row in KeyUsage.select()) == 1_000


def test_a_key_that_is_gone_takes_no_other_count_with_it(meter: KeyMeter) -> None:
    key = factories.api_key()
    meter.count(new_id())
    meter.count(key.id)

    meter.flush()

    assert [row.key_id for row in KeyUsage.select()] == [key.id]


def test_a_database_that_is_away_gets_the_counts_when_it_is_back(
    meter: KeyMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = factories.api_key()
    meter.count(key.id)

    def away(_seen: object) -> None:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(KeyUsage, "add", away)
        meter.flush()
    meter.count(key.id)
    meter.flush()

    assert [row.requests for row in KeyUsage.select()] == [2]


def test_what_is_counted_last_is_written_when_the_process_stops(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.key_usage.STOP_SECONDS", 60.0)
    key = factories.api_key()
    meter = KeyMeter(clock)
    meter.count(key.id)

    meter.stop()

    assert [row.requests for row in KeyUsage.select()] == [1]

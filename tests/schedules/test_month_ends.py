"""Ends of months: one grant an account and period, none early, whatever becomes of schedulers (B8).

Five schedulers whose own clocks and zones differ; the database's clock is moved for all of them.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg2
import pytest

from jobs.months import open_months
from jobs.schedules.calendar import schedules
from models.kernel.database import Pool
from models.kernel.embedded.processes import is_gone
from models.kernel.settings import Settings
from models.schedules import ScheduledRun
from schedules.rounds import Rounds
from tests.chaos.audit import audit
from tests.making import person
from tests.processes import Processes, until
from tests.schedules.conftest import Believe
from tests.schedules.skewed import SkewedClock

SKEWS = (-600.0, -240.0, 0.0, 240.0, 600.0)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago")
ENDS = [
    pytest.param(datetime(2028, 3, 1, tzinfo=UTC), id="leap day"),
    pytest.param(datetime(2027, 11, 1, tzinfo=UTC), id="end of summer time"),
]
MONTHS = schedules()["months"]
GONE_SECONDS = 60
LEASE_SECONDS = "30"
"""Not lost by who is alive on a machine that has much to do; those of the dead are over at once."""

_DISCONNECT = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'ilm' and pid <> pg_backend_pid()
"""
_OPEN = "select count(*) from credit_period where period = %s"
_RUN = "select worker, attempts, outcome from scheduled_run where name = 'months' and slot = %s"
_BEREAVED = "update scheduled_run set lease_until = clock_timestamp() where worker = %s"
_WAITS = """
select 1 from pg_stat_activity, scheduled_run
where wait_event_type = 'Lock' and query like 'select period_open%%'
  and query_start > started_at and lease_until > now()
  and name = 'months' and slot = %s and worker <> %s
"""
_GRANTS = """
select split_part(idem, ':', 2)::uuid, split_part(idem, ':', 3)::date, count(*)
from ledger_entry where idem like 'grant:%%' and account like 'wallet:%%' group by 1, 2
"""


@pytest.fixture
def accounts(database: Pool) -> list[UUID]:
    """Accounts of every tier, in the order of their ids."""
    tiers = ("free", "premium", "enterprise")
    return sorted(person(tier=tiers[n % 3]).account_id for n in range(30))


@pytest.fixture
def crowd() -> Iterator[list[Rounds]]:
    """Five schedulers of this process, whose clocks differ, and who open months alone."""
    made = [
        Rounds({"months": open_months}, f"scheduler {ahead}", SkewedClock(ahead)) for ahead in SKEWS
    ]
    yield made
    for rounds in made:
        rounds.stop()


def go_round(crowd: list[Rounds]) -> None:
    """Let all go round at once, and wait for what they have begun."""
    with ThreadPoolExecutor(len(crowd)) as threads:
        list(threads.map(lambda each: each.round(), crowd))
    for rounds in crowd:
        until(lambda each=rounds: each.is_idle, "a run does not end")  # type: ignore[misc]


def sound(pool: Pool) -> None:
    assert [str(found) for found in audit(pool) if found.breaches] == []


def granted(database: Pool) -> dict[date, set[UUID]]:
    """Return who got the credits of which month; nobody got any twice."""
    told: dict[date, set[UUID]] = {}
    for account, period, count in database.rows(_GRANTS, ()):
        assert count == 1
        told.setdefault(period, set()).add(UUID(str(account)))
    return told


def paid(database: Pool) -> set[UUID]:
    """Return the accounts whose tier has credits."""
    rows = database.rows("select id::text from account where tier <> 'enterprise'")
    return {UUID(account) for (account,) in rows}


@pytest.mark.parametrize("end", ENDS)
def test_every_slot_around_the_end_of_a_month_has_one_run_and_nobody_is_early(
    database: Pool, believe: Believe, accounts: list[UUID], crowd: list[Rounds], end: datetime
) -> None:
    moments = [end + timedelta(minutes=minutes, seconds=1) for minutes in range(-28, 28, 7)]
    for moment in moments:
        believe(moment)
        go_round(crowd)
        is_over = moment >= end
        assert database.rows(_OPEN, (end.date(),)) == [(is_over * len(accounts),)]

    runs = list(ScheduledRun.select().order_by(ScheduledRun.slot))
    assert [run.slot for run in runs] == sorted({MONTHS.latest(moment) for moment in moments})
    assert {(run.outcome, run.attempts) for run in runs} == {("succeeded", 1)}
    before = (end - timedelta(days=1)).date().replace(day=1)
    assert granted(database) == dict.fromkeys((before, end.date()), paid(database))
    sound(database)


def test_months_that_no_scheduler_ran_are_caught_up_by_one_run(
    database: Pool, believe: Believe, accounts: list[UUID], crowd: list[Rounds]
) -> None:
    believe(datetime(2027, 12, 31, 23, 59, tzinfo=UTC))
    go_round(crowd)
    believe(datetime(2028, 3, 5, 9, 31, tzinfo=UTC))
    go_round(crowd)

    months = [date(2027, 12, 1), *(date(2028, month, 1) for month in (1, 2, 3))]
    assert granted(database) == dict.fromkeys(months, paid(database))
    assert sorted(run.words for run in ScheduledRun.select()) == [
        "opened 30 months of 30 accounts", "opened 90 months of 30 accounts",
    ]  # fmt: skip
    sound(database)


@pytest.mark.parametrize("end", ENDS)
def test_a_month_ends_once_though_two_schedulers_are_killed_in_the_middle(
    settings: Settings,
    database: Pool,
    pools: tuple[Pool, Pool],
    believe: Believe,
    accounts: list[UUID],
    tmp_path: Path,
    end: datetime,
) -> None:
    believe(end - timedelta(minutes=5))
    with Processes(settings, tmp_path, ILM_LEASE_SECONDS=LEASE_SECONDS) as processes:
        for ahead, zone in zip(SKEWS, ZONES, strict=True):
            processes.skewed_scheduler(ahead, TZ=zone)
        over = ScheduledRun.select().where(ScheduledRun.outcome == "succeeded")
        until(lambda: over.where(ScheduledRun.name == "months").exists(), "no month was opened")
        assert database.rows(_OPEN, (end.date(),)) == [(0,)]

        with held(settings, accounts[len(accounts) // 2]):
            believe(end + timedelta(seconds=1))
            pools[1].rows(_DISCONNECT)
            first = kill_who_runs(pools[1], end)
            kill_who_runs(pools[1], end, but=first)
            opened = database.rows(_OPEN, (end.date(),))[0][0]
            assert 0 < opened < len(accounts), "nobody was killed in the middle"
        until(lambda: run_of(database, end)[2], "nobody ends the run")

    months = ScheduledRun.select().where(ScheduledRun.name == "months")
    assert run_of(database, end)[1] >= 3
    assert {run.outcome for run in months} == {"succeeded"}
    before = (end - timedelta(days=1)).date().replace(day=1)
    assert granted(database) == dict.fromkeys((before, end.date()), paid(database))
    early = "select count(*) from credit_period where period = %s and opened_at < %s"
    assert database.rows(early, (end.date(), end)) == [(0,)]
    sound(database)


@contextmanager
def held(settings: Settings, account: UUID) -> Iterator[None]:
    """Keep everybody else from an account."""
    connection = psycopg2.connect(settings.database_url)
    with closing(connection), connection, connection.cursor() as cursor:
        cursor.execute("select from account where id = %s for update", (str(account),))
        yield


def run_of(database: Pool, slot: datetime) -> tuple[str | None, int, str | None]:
    """Return who runs a slot of the months, the how manieth, and how it ended."""
    rows = database.rows(_RUN, (slot,))
    return rows[0] if rows else (None, 0, None)


def kill_who_runs(database: Pool, slot: datetime, but: str = "") -> str:
    """Wait until somebody new is in the middle of a run, and kill them; return who it was.

    Their lease is over, as if its time were.
    """
    until(lambda: database.rows(_WAITS, (slot, but)), "nobody has come to the held account")
    worker = run_of(database, slot)[0]
    assert worker is not None
    pid = int(worker.split(":")[1])
    os.kill(pid, signal.SIGKILL)
    assert is_gone(pid, GONE_SECONDS)
    database.rows(_BEREAVED, (worker,))
    return worker

"""The database: borrowed connections, bounded waits, a role that may not do everything."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from threading import Barrier

import psycopg2
import pytest
from peewee import DoesNotExist, InterfaceError, OperationalError, ProgrammingError

from models.accounts import Person
from models.books import Page
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.kernel.database import TRUSTED_SECONDS, Pool, is_alive, open_pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from models.migrate import migrate
from tests import factories, making
from tests.servers import free_port


class Gone(Exception):
    """Raised in the midst of a unit of work."""


def fail_midway(pool: Pool) -> None:
    with pool.unit():
        factories.account()
        raise Gone


@pytest.fixture
def pool(settings: Settings):
    made = open_pool(replace(settings, database_connections=2))
    yield made
    made.close_all()


def test_a_connection_is_given_back_after_every_statement(pool: Pool) -> None:
    pool.rows("select 1")

    assert pool.is_closed()


def test_a_thread_that_keeps_its_connection_has_the_same_next_time(pool: Pool) -> None:
    pool.is_kept = True
    first = pool.rows("select pg_backend_pid()")

    assert not pool.is_closed()
    assert pool.rows("select pg_backend_pid()") == first


def test_more_threads_than_connections_wait_for_their_turn(pool: Pool) -> None:
    start = Barrier(8)

    def ask(number: int) -> int:
        start.wait()
        ((answer,),) = pool.rows("select %s::int from pg_sleep(0.01)", (number,))
        return answer

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(ask, range(8))) == list(range(8))


def test_a_unit_of_work_is_all_or_nothing(database: Pool) -> None:
    with pytest.raises(Gone):
        fail_midway(database)

    assert database.rows("select count(*) from account") == [(0,)]


def test_an_inner_unit_may_fail_alone(database: Pool) -> None:
    with database.unit():
        factories.account()
        with pytest.raises(Gone):
            fail_midway(database)

    assert database.rows("select count(*) from account") == [(1,)]


def test_a_statement_ends_after_its_time(pool: Pool) -> None:
    with pool.borrowed():
        pool.rows("set statement_timeout = 50")
        with pytest.raises(OperationalError, match="statement timeout"):
            pool.rows("select pg_sleep(5)")

    assert pool.rows("show statement_timeout") == [("5s",)]


def test_a_connection_that_broke_is_replaced(pool: Pool, pools: tuple[Pool, Pool]) -> None:
    pool.is_kept = True
    ((pid,),) = pool.rows("select pg_backend_pid()")
    pools[1].rows("select pg_terminate_backend(%s, 5000)", (pid,))

    with pytest.raises((OperationalError, InterfaceError)):
        pool.rows("select 1")

    assert pool.rows("select pg_backend_pid() <> %s", (pid,)) == [(True,)]


@pytest.mark.parametrize(("ago", "fails"), [(-3_600.0, True), (TRUSTED_SECONDS + 1, False)])
def test_a_connection_that_broke_while_it_rested_is_found_out(
    pool: Pool, pools: tuple[Pool, Pool], ago: float, fails: bool
) -> None:
    """One that was used just now is trusted: that costs one statement, and no more.

    Just now is an hour from now here, so that no rest between two lines makes it long ago.
    """
    ((pid,),) = pool.rows("select pg_backend_pid()")
    pools[1].rows("select pg_terminate_backend(%s, 5000)", (pid,))
    ((_, _, kept),) = pool._connections
    kept.used_at = SystemClock().elapsed() - ago

    with pytest.raises((OperationalError, InterfaceError)) if fails else nullcontext():
        pool.rows("select 1")

    assert pool.rows("select pg_backend_pid() <> %s", (pid,)) == [(True,)]
    assert pool.figures.in_use == 0


def test_times_are_utc(pool: Pool) -> None:
    assert pool.rows("show timezone") == [("UTC",)]


@pytest.mark.parametrize("table", ["ledger_entry", "usage_line", "event"])
@pytest.mark.parametrize("verb", ["update {} set mode = mode", "delete from {}", "truncate {}"])
def test_a_running_process_cannot_change_what_is_append_only(
    database: Pool, table: str, verb: str
) -> None:
    statement = verb.format(table)
    if table == "ledger_entry":
        statement = statement.replace("mode = mode", "idem = idem")

    with pytest.raises(ProgrammingError, match="permission denied"):
        database.rows(statement)


def test_a_row_is_found_by_its_key_and_by_what_it_holds(database: Pool) -> None:
    ada = making.person(email="ada@example.org")
    making.person(email="eve@example.org")

    assert Person.get_by_id(ada.id).email == "ada@example.org"
    assert Person.get_by_id(ada.id) == Person.get(Person.id == ada.id)
    assert Person.found(email="ada@example.org", role="user") == ada
    assert Person.found(account=ada.account_id, role="admin") is None
    with pytest.raises(DoesNotExist):
        Person.get_by_id(new_id())


def test_a_row_is_found_by_what_it_does_not_hold(database: Pool) -> None:
    job = factories.job()

    assert JobRow.found(id=job.id, error_code=None) == job
    assert JobRow.found(id=job.id, created_at=None) is None


def test_a_row_whose_key_is_of_several_parts_is_found_by_all_of_them(database: Pool) -> None:
    page = factories.page()

    assert Page.get_by_id((page.book_id, page.number)) == page
    with pytest.raises(DoesNotExist):
        Page.get_by_id((page.book_id, page.number + 1))


def test_a_running_process_cannot_change_the_schema(database: Pool) -> None:
    with pytest.raises(ProgrammingError):
        database.rows("create table mine (id int)")
    with pytest.raises(ProgrammingError):
        database.rows("drop table book")


def test_migrating_again_applies_nothing_and_many_may_at_once(settings: Settings) -> None:
    with ThreadPoolExecutor(3) as threads:
        applied = list(threads.map(migrate, [settings] * 3))

    assert applied == [[], [], []]


def test_a_database_that_is_not_there_is_not_alive(settings: Settings) -> None:
    nowhere = open_pool(replace(settings, database_url=f"postgresql://x@127.0.0.1:{free_port()}/x"))

    assert not is_alive(nowhere)
    assert is_alive(open_pool(settings))


def test_the_address_may_ask_for_more(settings: Settings) -> None:
    separator = "&" if "?" in settings.database_url else "?"
    url = f"{settings.database_url}{separator}application_name=mine"
    with pytest.raises(TypeError, match="application_name"):
        open_pool(replace(settings, database_url=url))
    strict = open_pool(
        replace(settings, database_url=f"{settings.database_url}{separator}sslmode=require")
    )

    with pytest.raises((OperationalError, psycopg2.OperationalError), match="SSL"):
        strict.rows("select 1")


def test_an_address_of_another_kind_of_database_is_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL"):
        open_pool(replace(settings, database_url="mysql://127.0.0.1/x"))

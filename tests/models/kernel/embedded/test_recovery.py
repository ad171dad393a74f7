"""The embedded stack after violence: killed servers, killed supervisors, stale files."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from models.kernel.embedded.home import Home
from models.kernel.embedded.postgres import Postgres
from models.kernel.embedded.privilege import servant
from models.kernel.embedded.processes import descendants, is_gone, send
from models.kernel.embedded.supervisor import PAUSES
from models.kernel.embedded.valkey import Valkey
from tests.models.kernel.embedded.conftest import Start
from tests.models.kernel.embedded.stacks import SECONDS, Stack, are_gone, ask, eventually

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_server_answers_at_its_address_again(start: Start, name: str) -> None:
    stack = start().up()
    killed = stack.server(name)

    send(killed, signal.SIGKILL)

    assert is_gone(killed, SECONDS)
    eventually(lambda: stack.server(name) != killed)
    eventually(lambda: stack.answers(name))


def test_no_server_that_died_is_left_alone_for_five_seconds() -> None:
    assert PAUSES.most < 5


def test_committed_rows_survive_a_killed_postgresql(start: Start) -> None:
    stack = start().up()
    ask(stack.database_url, "create table kept as select generate_series(1, 1000) as n")

    send(stack.server("postgres"), signal.SIGKILL)

    eventually(lambda: stack.answers("postgres"))
    assert ask(stack.database_url, "select count(*) from kept") == [(1000,)]


def test_a_postmaster_pid_that_names_somebody_else_is_no_obstacle(start: Start, home: Path) -> None:
    start("true").process.wait(SECONDS)
    stranger = subprocess.Popen(servant().command(["sleep", "1000"], dying=signal.SIGKILL))
    try:
        pid_file = home / "postgres" / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{home / 'postgres'}\n1\n")

        assert start().up().answers("postgres")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_nothing_outlives_a_killed_supervisor_and_the_next_one_finds_all_rows(
    start: Start,
) -> None:
    first = start().up()
    ask(first.database_url, "create table kept as select 42 as answer")
    family = first.family()

    send(first.pid, signal.SIGKILL)

    assert are_gone(family)
    second = start().up()
    assert ask(second.database_url, "select answer from kept") == [(42,)]
    assert second.database_url == first.database_url


def test_servers_left_behind_are_ended_before_new_ones_start(start: Start, home: Path) -> None:
    start("true").process.wait(SECONDS)
    left = [server(Home(home), servant()).start() for server in (Postgres, Valkey)]
    try:
        eventually(Postgres(Home(home), servant()).is_ready)
        orphans = [pid for server in left for pid in (server.pid, *descendants(server.pid))]

        stack = start().up()

        assert stack.answers("postgres")
        assert stack.answers("valkey")
        assert are_gone(orphans)
    finally:
        for server in left:
            server.kill()
            server.wait()


def killed_in_initdb(stack: Stack, home: Path) -> bool:
    """Kill a stack while it makes its data folder; say whether it was not too late for that."""
    eventually((home / "postgres.new" / "PG_VERSION").exists)
    family = stack.family()
    for pid in family:
        send(pid, signal.SIGKILL)
    assert are_gone(family)
    return not (home / "postgres").exists()


def test_an_initdb_that_was_killed_is_done_again(start: Start, home: Path) -> None:
    first = start()
    eventually((home / "postgres.new" / "PG_VERSION").exists, 30)
    family = first.family()
    for pid in family:
        send(pid, signal.SIGKILL)
    assert are_gone(family)
    assert not (home / "postgres").exists()

    assert start().up().answers("postgres")
    assert not (home / "postgres.new").exists()
    assert not (home / "postgres.password").exists()


def test_another_password_than_the_data_have_is_refused_in_words(start: Start, home: Path) -> None:
    start("true").process.wait(SECONDS)
    (home / "embedded.json").unlink()

    assert "is not that of" in start().refusal()


def test_a_damaged_database_is_refused_with_the_words_of_its_log(start: Start, home: Path) -> None:
    start("true").process.wait(SECONDS)
    shutil.rmtree(home / "postgres" / "global")

    assert "global/pg_control" in start().refusal()

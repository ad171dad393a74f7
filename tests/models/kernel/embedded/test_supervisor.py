"""The embedded stack as an operator meets it: real servers, real signals."""

import signal
import stat
import sys
from pathlib import Path

import psycopg2
import pytest

from models.kernel.embedded.home import Home
from models.kernel.embedded.processes import is_gone
from models.kernel.embedded.signals import Signals
from models.kernel.embedded.supervisor import Supervisor
from models.kernel.settings import environment
from tests.models.kernel.embedded.conftest import Start
from tests.models.kernel.embedded.stacks import SECONDS, are_gone, ask

pytestmark = pytest.mark.stack

COUNTS_SIGNALS = """
import signal
both = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, both)
print("up", flush=True)
heard = 1 if signal.sigwait(both) else 0
while signal.sigtimedwait(both, 0.5):
    heard += 1
raise SystemExit(heard)
"""


def test_a_command_runs_on_both_servers_and_its_exit_code_is_returned(start: Start) -> None:
    stack = start("sh", "-c", 'echo "$DATABASE_URL $REDIS_URL"; exit 7').up()

    assert stack.process.wait(SECONDS) == 7
    assert stack.database_url.startswith("postgresql://ilm:")
    assert stack.redis_url.startswith("redis://:")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_a_signal_stops_all_that_was_started(start: Start, number: signal.Signals) -> None:
    stack = start().up()
    assert stack.answers("postgres")
    assert stack.answers("valkey")
    family = stack.family()

    assert stack.stop(number) == 128 + number

    assert are_gone(family)
    assert not list((stack.home / "run").iterdir())


def test_without_a_command_the_servers_run_until_a_signal(start: Start) -> None:
    stack = start(idle=True)
    stack.logs("servers.ready")

    assert stack.stop() == 0


def test_the_command_hears_a_signal_once_even_if_it_comes_twice(start: Start) -> None:
    stack = start(sys.executable, "-c", COUNTS_SIGNALS).up()

    for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
        stack.process.send_signal(number)

    assert stack.process.wait(SECONDS) == 1


def test_a_second_start_on_the_same_home_is_refused_with_the_pid_of_the_first(
    start: Start,
) -> None:
    first = start().up()

    assert f"in use by process {first.pid};" in start().refusal()
    assert first.answers("postgres")


def test_a_second_command_may_join_the_servers_that_run(start: Start) -> None:
    first = start().up()

    second = start(options=["--join"]).up()

    assert (second.database_url, second.redis_url) == (first.database_url, first.redis_url)
    second.stop()
    assert first.answers("valkey")


def test_data_survive_a_stop_on_the_same_addresses(start: Start) -> None:
    first = start().up()
    ask(first.database_url, "create table kept as select 42 as answer")
    first.stop()

    second = start().up()

    assert ask(second.database_url, "select answer from kept") == [(42,)]
    assert second.redis_url == first.redis_url


def test_a_relative_home_is_one_folder_below_where_it_was_started(start: Start, home: Path) -> None:
    stack = start("sh", "-c", 'cd /; echo "$ILM_HOME $TMPDIR"', ILM_HOME=home.name).up()

    assert stack.database_url == str(home)
    assert stack.redis_url == str(home / "tmp")
    assert (home / "postgres" / "PG_VERSION").exists()


def test_servers_named_by_the_settings_are_not_started(start: Start, home: Path) -> None:
    urls = {"DATABASE_URL": "postgresql://elsewhere/ilm", "REDIS_URL": "redis://elsewhere"}

    stack = start(**urls).up()

    assert (stack.database_url, stack.redis_url) == tuple(urls.values())
    assert len(stack.family()) == 2
    assert not (home / "postgres").exists()


def test_only_the_server_that_is_not_named_is_started(start: Start, home: Path) -> None:
    stack = start(DATABASE_URL="postgresql://elsewhere/ilm").up()

    assert stack.database_url == "postgresql://elsewhere/ilm"
    assert stack.answers("valkey")
    assert not (home / "postgres").exists()


def test_the_servers_ask_for_a_password_that_only_the_owner_can_read(
    start: Start, home: Path
) -> None:
    stack = start().up()
    port = stack.database_url.rpartition(":")[2]

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        ask(f"postgresql://ilm:guess@127.0.0.1:{port}", "select 1")
    assert stat.S_IMODE((home / "embedded.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "valkey" / "valkey.conf").stat().st_mode) == 0o600


def test_postgresql_is_durable_utf8_and_in_utc(start: Start) -> None:
    stack = start().up()

    shown = ask(
        stack.database_url,
        "select current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('server_encoding'), current_setting('timezone'),"
        " current_setting('unix_socket_directories'), current_setting('jit')",
    )

    assert shown == [("on", "on", "UTF8", "UTC", "", "off")]


def test_a_command_that_will_not_stop_is_killed_with_all_it_has_started(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.kernel.embedded.supervisor.COMMAND_SECONDS", 0.2)
    deaf = "trap '' TERM; setsid sleep 1000 & echo $! > child; kill -TERM $PPID; wait; wait"

    with Signals() as signals:
        code = Supervisor(Home(home), [], signals).run(
            ["sh", "-c", f"cd {home}; {deaf}"], environment()
        )

    assert code == 128 + signal.SIGKILL
    assert is_gone(int((home / "child").read_text()), SECONDS)


def test_a_command_that_cannot_be_run_stops_everything(start: Start) -> None:
    stack = start("/no/such/program")
    stack.process.communicate(timeout=SECONDS)

    assert stack.process.returncode == 127
    assert is_gone(stack.pid, 0)

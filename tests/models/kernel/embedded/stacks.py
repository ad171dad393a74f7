"""A running embedded stack, and the questions tests ask about it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Final, TypeVar

import psycopg2
import redis

from models.kernel.embedded.processes import descendants, is_gone, kill_family
from models.kernel.settings import environment

ROOT: Final = Path(__file__).resolve().parents[4]
SECONDS: Final = 90.0
"""How long a test waits for what has to come."""
STAY: Final = ("sh", "-c", 'echo "$DATABASE_URL $REDIS_URL"; exec sleep 1000')
"""A command that says where the servers are and stays."""

T = TypeVar("T")


class Stack:
    """One run of `python -m models.kernel.embedded`."""

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        self.process = process
        self.pid = process.pid
        self.home = home
        self.database_url = ""
        self.redis_url = ""

    def up(self) -> "Stack":
        """Wait for the command's first line: the two addresses."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.database_url, _, self.redis_url = line.rstrip("\n").partition(" ")
        return self

    def logs(self, event: str) -> None:
        """Wait until the supervisor logs this event."""
        assert self.process.stderr
        assert any(event in line for line in self.process.stderr)

    def family(self) -> list[int]:
        """Return every process of this stack."""
        return [self.pid, *descendants(self.pid)]

    def server(self, name: str) -> int:
        """Return the pid of a server, by its pid file."""
        return int((self.home / "run" / f"{name}.pid").read_text())

    def answers(self, name: str) -> bool:
        """Say whether a server answers at the address the command was given."""
        try:
            if name == "postgres":
                return ask(self.database_url, "select 1") == [(1,)]
            with redis.Redis.from_url(self.redis_url) as client:
                return bool(client.ping())
        except (psycopg2.OperationalError, redis.RedisError):
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the supervisor; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def refusal(self) -> str:
        """Return the words of a start that was refused."""
        _, words = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 1
        return words

    def end(self) -> None:
        """Kill whatever a test has left."""
        if self.process.poll() is None:
            family = self.family()
            kill_family(self.pid)
            assert are_gone(family)
        self.process.communicate()


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    """Run one statement in a connection of its own; return its rows."""
    with closing(psycopg2.connect(url, connect_timeout=30)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []


def eventually(question: Callable[[], T], seconds: float = SECONDS) -> T:
    """Ask until the answer is true; fail after so many seconds."""
    pause = Event()
    for _ in range(int(seconds / 0.02)):
        if answer := question():
            return answer
        pause.wait(0.02)
    raise AssertionError(f"not within {seconds} s")


def are_gone(pids: Iterable[int]) -> bool:
    """Say whether these processes end in time."""
    return all(is_gone(pid, SECONDS) for pid in pids)


def bare_environment() -> dict[str, str]:
    """Return this environment without settings of Ilm, and with its packages."""
    ours = ("ILM_", "DATABASE_", "REDIS_", "BROKER_")
    kept = {name: value for name, value in environment().items() if not name.startswith(ours)}
    packages = [path for path in sys.path if path.endswith("site-packages")]
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), *packages])}

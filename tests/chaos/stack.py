"""The stack under chaos: own servers, every process twice where that is cheap, own records."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg2

from models.kernel.database import Pool, open_pool
from models.kernel.embedded.processes import descendants, is_gone, python_first, send
from models.kernel.settings import Settings, load
from models.migrate import migrate
from tests.servers import ROOT, Servers, free_port, isolated

LEASE_SECONDS: Final = 3
STOP_SECONDS: Final = 100
ENDING_SECONDS: Final = 10.0
"""How long a process that was told to end, or was killed, may take to be gone."""
RECORD: Final = Path(__file__).with_name("record.sql")

_PROCFILE: Final = """\
web: {web}
web2: env ILM_PORT={second_port} {web}
worker: {worker} default
worker2: {worker} default
worker-llm: {worker} llm
worker-pages: {worker} pages
scheduler: {scheduler}
scheduler2: {scheduler}
"""
WEBS: Final = ("web", "web2")
WORKERS: Final = ("worker", "worker2", "worker-llm", "worker-pages")
SCHEDULERS: Final = ("scheduler", "scheduler2")


class Stack:
    """Every process of ours under the restarter, on servers that are there already."""

    def __init__(self, servers: Servers, broker_url: str = "", **variables: str) -> None:
        """Choose ports and settings, with further variables; start nothing yet."""
        self.home = servers.home
        self._servers = servers
        ports = free_port(), free_port()
        self.addresses = [f"http://127.0.0.1:{port}" for port in ports]
        self._environment = {
            **python_first(isolated()),
            "ILM_HOME": str(servers.home),
            "ILM_PORT": str(ports[0]),
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "BROKER_URL": broker_url,
            "ILM_LEASE_SECONDS": str(LEASE_SECONDS),
            "ILM_RECONCILE_SECONDS": "1",
            "ILM_DEFAULT_THREADS": "4",
            "ILM_LLM_THREADS": "6",
            "ILM_PAGES_THREADS": "1",
            "ILM_WEB_THREADS": "4",
            "ILM_DATABASE_CONNECTIONS": "10",
            **variables,
        }
        ours = {n: v for n, v in self._environment.items() if n.startswith("ILM_")}
        urls = {n: self._environment[n] for n in ("DATABASE_URL", "REDIS_URL", "BROKER_URL")}
        self.settings: Settings = load({**ours, **urls})
        self._second_port = ports[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where every process writes."""
        return self.home / "chaos.log"

    def start(self) -> None:
        """Migrate, begin to record, and start the processes."""
        migrate(self.settings)
        with owner(self.settings) as pool:
            pool.script(RECORD.read_text(encoding="utf-8"))
        procfile = self.home / "Procfile"
        procfile.write_text(
            _PROCFILE.format(
                web="python -m gunicorn -c api/gunicorn_conf.py api.app:build()",
                second_port=self._second_port,
                worker="python -m tests.chaos.worker",
                scheduler="python -m schedules.clock",
            ).replace("api.app:build()", "'api.app:build()'")
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "models.kernel.restarter", str(procfile)],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> list[int]:
        """Stop all processes in order; return those that were left, which are then killed."""
        if self._process is None:
            return []
        family = descendants(self._process.pid)
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        left = [pid for pid in family if not is_gone(pid, ENDING_SECONDS)]
        for pid in left:
            send(pid, signal.SIGKILL)
        return left

    def pid(self, name: str) -> int | None:
        """Return the pid of a process or server of ours that runs now."""
        try:
            pid = int((self.home / "run" / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None
        parents = [self._servers.pid, self._process.pid if self._process else None]
        return pid if any(parent and pid in descendants(parent) for parent in parents) else None


@contextmanager
def owner(settings: Settings) -> Iterator[Pool]:
    """Open a pool as the owner of the database."""
    pool = open_pool(settings, owner=True)
    try:
        yield pool
    finally:
        pool.close_all()


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    """Run one statement in a connection of its own; no rows when PostgreSQL is away."""
    try:
        connection = psycopg2.connect(url, connect_timeout=3)
    except psycopg2.OperationalError:
        return []
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
    except psycopg2.Error:
        return []
    finally:
        connection.close()

"""Ilm's own processes, started for a test on given servers and stopped with it."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Final, Self

import requests

from models.kernel.settings import Settings
from tests.servers import ROOT, free_port, isolated

READY_SECONDS: Final = 120.0
STOP_SECONDS: Final = 40.0
PAUSE: Final = 0.05
APP: Final = "api.app:build()"


class Processes:
    """Web processes, workers and schedulers; what is left is stopped at the end of the block."""

    def __init__(self, settings: Settings, logs: Path, **variables: str) -> None:
        """Take the servers' addresses from settings, and further variables for every process."""
        self._logs = logs
        self._running: list[subprocess.Popen[bytes]] = []
        self._variables = {
            **isolated(),
            "ILM_HOME": str(settings.home),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "BROKER_URL": settings.broker_url,
            "ILM_RATE_LIMITS": "off",
            **variables,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def web(self, app: str = APP, **variables: str) -> "Web":
        """Start a web process on a port of its own, and wait until it is healthy."""
        port = free_port()
        command = ["-m", "gunicorn", "-c", "api/gunicorn_conf.py", app]
        process = self._start(f"web-{port}", command, ILM_PORT=str(port), **variables)
        web = Web(f"http://127.0.0.1:{port}", process)
        until(web.is_healthy, f"web on {port} is not healthy")
        return web

    def worker(self, kind: str, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a worker."""
        return self._start(f"worker-{kind}", ["-m", "workers", kind], **variables)

    def scheduler(self, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a scheduler."""
        return self._start("scheduler", ["-m", "schedules.clock"], **variables)

    def skewed_scheduler(self, ahead: float, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a scheduler whose own clock is so many seconds ahead, or behind."""
        command = ["-m", "tests.schedules.skewed", str(ahead)]
        return self._start(f"scheduler{ahead}", command, **variables)

    def _start(self, name: str, command: list[str], **variables: str) -> "subprocess.Popen[bytes]":
        with (self._logs / f"{name}-{len(self._running)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**self._variables, **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        return process


class Web:
    """One web process, and a client of it."""

    def __init__(self, address: str, process: "subprocess.Popen[bytes]") -> None:
        """Take where it answers."""
        self.address = address
        self.process = process

    def is_healthy(self) -> bool:
        """Say whether it answers."""
        assert self.process.poll() is None, "the web process ended"
        try:
            return requests.get(f"{self.address}/health", timeout=10).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def call(self, method: str, path: str, token: str = "", **parts: Any) -> requests.Response:
        """Send a request, with a token if there is one."""
        headers = {**parts.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return requests.request(
            method, f"{self.address}{path}", headers=headers, timeout=60, **parts
        )

    def newcomer(self, email: str) -> str:
        """Register somebody; return their access token."""
        credentials = {"email": email, "password": "a long sentence"}
        self.call("POST", "/v1/auth/register", json=credentials).raise_for_status()
        answer = self.call("POST", "/v1/auth/login", json=credentials)
        answer.raise_for_status()
        return str(answer.json()["access_token"])


def until(is_so: Callable[[], object], words: str, seconds: float = READY_SECONDS) -> None:
    """Wait until something is so; fail with words when it does not come to be."""
    pause = Event()
    for _ in range(int(seconds / PAUSE)):
        if is_so():
            return
        pause.wait(PAUSE)
    raise AssertionError(words)

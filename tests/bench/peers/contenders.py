"""Other queues beside ours, on the same servers and in turns with it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from models.kernel.database import open_pool
from tests.bench.rig import Rig

FOLDER: Final = Path(__file__).parent
WARM: Final = 100
STOP_SECONDS: Final = 20
DATABASE: Final = "peer"


class Peer:
    """One other queue: a worker that runs, and a producer for each round."""

    def __init__(self, python: str, program: str, url: str, threads: int) -> None:
        """Start its worker."""
        self._command = [python, str(FOLDER / program), url]
        self._threads = str(threads)
        self.worker = subprocess.Popen(
            [*self._command, "work", self._threads],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, jobs: int) -> float:
        """Return the rate of one round."""
        put = [*self._command, "put", str(jobs), self._threads]
        said = subprocess.run(put, check=True, capture_output=True, text=True, timeout=300)
        return float(said.stdout)

    def stop(self) -> None:
        """Stop its worker."""
        self.worker.terminate()
        try:
            self.worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.worker.kill()
            self.worker.wait()


@contextmanager
def peers(stack: Rig, threads: int, python: str = sys.executable) -> Iterator[dict[str, Peer]]:
    """Start the workers of every peer that an interpreter has, and stop them in the end."""
    with ExitStack() as held:
        running: dict[str, Peer] = {}
        if _has(python, "procrastinate"):
            url = _database(stack)
            program = str(FOLDER / "procrastinate_pg.py")
            subprocess.run([python, program, url, "prepare"], check=True, capture_output=True)
            running["Procrastinate"] = Peer(python, "procrastinate_pg.py", url, threads)
            held.callback(running["Procrastinate"].stop)
        if _has(python, "celery"):
            url = stack.settings.redis_url
            running["Celery"] = Peer(python, "celery_redis.py", url, threads)
            held.callback(running["Celery"].stop)
        for peer in running.values():
            peer.run(WARM)
        yield running


def _has(python: str, module: str) -> bool:
    asked = f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({module!r}))"
    return subprocess.run([python, "-c", asked], check=False).returncode == 0


def _database(stack: Rig) -> str:
    """Make a database for the peer beside ours, and return its address."""
    owner = open_pool(stack.settings, owner=True)
    owner.rows(f"create database {DATABASE}")
    owner.close_all()
    return urlsplit(stack.settings.database_url)._replace(path=f"/{DATABASE}").geturl()

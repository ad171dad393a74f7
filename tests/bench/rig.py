"""What a bench stands on: a stack of its own, whose processes' time is kept apart by what they are.

Every bench prints lines of the same form and asserts nothing: a figure is read beside its peer,
its limit and the load of the machine, never alone.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from jobs.queue import Sender
from models.kernel import database as databases
from models.kernel.database import Pool
from models.kernel.embedded.processes import descendants
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from models.migrate import migrate
from tests.processes import Processes, Web
from tests.servers import Rabbit, Servers, rabbit_is_installed

NEVER_LIMITED: Final = {"ILM_RATE_LIMITS": "off", "ILM_LOG_LEVEL": "info"}
BROKERS: Final = ("redis", "rabbit") if rabbit_is_installed() else ("redis",)


@dataclass(frozen=True, slots=True)
class Rig:
    """Servers, the processes on them, and the pool of the bench's own process."""

    settings: Settings
    servers: Servers
    processes: Processes
    pool: Pool
    rabbit: Rabbit | None = None

    def accounts(self, count: int) -> list[Sender]:
        """Make accounts that may submit jobs."""
        senders = [Sender(new_id(), "live") for _ in range(count)]
        for sender in senders:
            self.pool.rows("insert into account (id) values (%s)", (sender.account_id,))
        return senders

    def key(self, web: Web, email: str) -> str:
        """Register somebody and return an API key of theirs."""
        token = web.newcomer(email)
        answer = web.call("POST", "/v1/api-keys", token, json={"name": "bench", "mode": "live"})
        answer.raise_for_status()
        return str(answer.json()["key"])

    def left(self) -> int:
        """Return how many jobs are not over; the lanes know, and are few."""
        ((count,),) = self.pool.rows("select coalesce(sum(in_flight + waiting), 0) from lane")
        return int(count)


@contextmanager
def rig(broker: str = "redis", *, threads: int = 8, **variables: str) -> Iterator[Rig]:
    """Start a stack in a folder of its own, and stop all of it in the end."""
    with ExitStack() as held:
        home = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ilm-bench-")))
        home.chmod(0o755)
        servers = held.enter_context(Servers(home / "home"))
        rabbit = held.enter_context(Rabbit(_made(home / "rabbit"))) if broker == "rabbit" else None
        settings = Settings(
            home=servers.home,
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            broker_url=rabbit.url if rabbit else "",
        )
        migrate(settings)
        pool = databases.connect(settings, threads=threads)
        held.callback(pool.close_all)
        logs = _made(home / "logs")
        processes = held.enter_context(Processes(settings, logs, **NEVER_LIMITED, **variables))
        yield Rig(settings, servers, processes, pool, rabbit)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


class Meter:
    """CPU seconds of named groups of processes, from one moment to another."""

    def __init__(self, stack: Rig, **groups: int) -> None:
        """Take the pid of each group's first process; servers and this process come by itself."""
        self._stack = stack
        self._groups = groups
        self._before: dict[str, float] = {}

    def start(self) -> None:
        """Count from now."""
        self._before = self._seconds()

    def spent(self) -> dict[str, float]:
        """Return the seconds each group has used since."""
        return {
            name: seconds - self._before.get(name, 0.0) for name, seconds in self._seconds().items()
        }

    def _seconds(self) -> dict[str, float]:
        sums = {name: _family_seconds(pid) for name, pid in self._groups.items()}
        sums["bench"] = sum(psutil.Process(os.getpid()).cpu_times()[:2])
        servers = self._stack.servers.pid
        for pid in descendants(servers) if servers else ():
            name = _name(pid)
            if name in {"postgres", "valkey"}:
                sums[name] = sums.get(name, 0.0) + _own_seconds(pid)
        if self._stack.rabbit and self._stack.rabbit._process:
            sums["rabbit"] = _family_seconds(self._stack.rabbit._process.pid)
        return sums


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name().partition("-")[0].partition(":")[0]
    except psutil.NoSuchProcess:
        return ""


def _own_seconds(pid: int) -> float:
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0


def _family_seconds(pid: int) -> float:
    return sum(_own_seconds(member) for member in (pid, *descendants(pid)))


def share_of_memory(pid: int) -> int:
    """Return the bytes a process and its children hold, each shared page counted in part."""
    members = [pid, *descendants(pid)]
    return sum(psutil.Process(member).memory_full_info().pss for member in members)


def percentile(figures: Sequence[float], share: float) -> float:
    """Return the value below which that share of the figures lies."""
    ordered = sorted(figures)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def spread(figures: Sequence[float]) -> str:
    """Write least / median / most of a few rounds."""
    return f"{min(figures):.0f} / {statistics.median(figures):.0f} / {max(figures):.0f}"


def say(*words: object) -> None:
    """Print a line of the table at once, with the machine's load at its end."""
    line = " ".join(str(word) for word in words)
    sys.stdout.write(f"{line:<100} load {os.getloadavg()[0]:.1f}\n")
    sys.stdout.flush()

"""The supervisor: starts the servers, runs one command on them, stops everything after it."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from models.kernel.clock import SystemClock
from models.kernel.embedded.home import CannotStart, Home
from models.kernel.embedded.kept import Kept, Pauses
from models.kernel.embedded.privilege import OURSELVES
from models.kernel.embedded.processes import kill_family, kill_group, send_group
from models.kernel.embedded.server import Server
from models.kernel.embedded.signals import Signals
from models.kernel.logs import get_logger

READY_SECONDS: Final = 60.0
COMMAND_SECONDS: Final = 95.0
"""Longer than the restarter's three rounds of 30 s."""

PAUSES: Final = Pauses(first=0.1, most=2.0)

_POLL_SECONDS: Final = 0.02
_IDLE_SECONDS: Final = 1.0
_LOG_TAIL: Final = 2_000

log = get_logger(__name__)


class Supervisor:
    """The servers of one home, and the command that needs them."""

    def __init__(self, home: Home, servers: Sequence[Server], signals: Signals) -> None:
        """Start nothing yet."""
        self._signals = signals
        self._clock = SystemClock()
        self._servers = [
            (server, Kept(server.name, server.start, pauses=PAUSES, run=home.run))
            for server in servers
        ]

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Start the servers, run the command, stop everything; return the command's exit code.

        The command finds the servers' addresses in its environment. Without a command, run until
        a signal. Raise `CannotStart` if a server does not come up.
        """
        try:
            stopped_by = self._start_servers()
            if stopped_by is not None:
                return 128 + stopped_by
            if not command:
                return self._attend(None)
            urls = {server.variable: server.url for server, _ in self._servers}
            return self._run(command, {**environment, **urls})
        finally:
            for server, kept in reversed(self._servers):
                kept.end(*server.farewell)

    def _start_servers(self) -> signal.Signals | None:
        """Start all servers and wait for them; a wish to stop ends the wait and is returned."""
        for server, kept in self._servers:
            server.prepare()
            kept.begin()
        deadline = self._clock.elapsed() + READY_SECONDS
        waiting = self._servers
        while waiting := [(server, kept) for server, kept in waiting if not server.is_ready()]:
            wish = self._signals.wish(_POLL_SECONDS)
            if wish is not None:
                return wish
            for server, kept in waiting:
                if not kept.is_running or self._clock.elapsed() > deadline:
                    raise CannotStart(f"{server.name} did not start: {_tail(server)}")
        log.info("servers.ready", servers=[server.name for server, _ in self._servers])
        return None

    def _run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run the command as the leader of a process group, which nobody survives."""
        process = subprocess.Popen(
            OURSELVES.command(command, dying=signal.SIGTERM), env=environment, process_group=0
        )
        try:
            return self._attend(process)
        finally:
            if process.poll() is None:
                kill_family(process.pid)
                process.wait()
            kill_group(process.pid)

    def _attend(self, command: subprocess.Popen[bytes] | None) -> int:
        """Keep the servers running until the command ends; pass signals on to its group."""
        deadline: float | None = None
        while command is None or command.poll() is None:
            wish = self._signals.wish(self._rest())
            if wish is not None:
                if command is None:
                    return 0
                send_group(command.pid, wish)
                deadline = deadline or self._clock.elapsed() + COMMAND_SECONDS
            if command and deadline is not None and self._clock.elapsed() > deadline:
                log.warning("command.killed", after_s=COMMAND_SECONDS)
                kill_family(command.pid)
            for _, kept in self._servers:
                kept.revive()
        return command.returncode if command.returncode >= 0 else 128 - command.returncode

    def _rest(self) -> float:
        """Return the seconds until a server or the command needs attention, at the latest."""
        rests = (kept.rest for _, kept in self._servers)
        return min((rest for rest in rests if rest is not None), default=_IDLE_SECONDS)


def _tail(server: Server) -> str:
    """Return the end of a server's log."""
    text = server.log.read_text(errors="replace") if server.log.exists() else ""
    return text[-_LOG_TAIL:].strip() or "its log is empty"

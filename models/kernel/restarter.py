"""The restarter: runs the processes of a Procfile and starts again any that dies, within 5 s.

`python -m models.kernel.restarter [--only web,worker] [PROCFILE]` prints every line of theirs with
its process's name before it, and `ready: http://127.0.0.1:<port>` once the web process is healthy.
SIGINT or SIGTERM stops them in order: web, then workers, then the rest; a second one kills at once.
"""

import shlex
import signal
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, Final

from models.kernel.clock import SystemClock
from models.kernel.embedded.home import CannotStart, Home
from models.kernel.embedded.kept import Kept, Pauses
from models.kernel.embedded.privilege import OURSELVES
from models.kernel.embedded.processes import python_first
from models.kernel.embedded.signals import Signals
from models.kernel.logs import log_to_stderr
from models.kernel.settings import BadSettings, Settings, environment, load

STOP_SECONDS: Final = 30.0
PAUSES: Final = Pauses(first=0.5, most=4.0)
WEB: Final = "web"
EVERYWHERE: Final = frozenset({"", "::", "0.0.0.0"})  # noqa: S104 - compared with, not bound to

_HEALTH_SECONDS: Final = 2.0
_PROBE_PAUSE: Final = 0.1
_IDLE_SECONDS: Final = 1.0
_LINE_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a Procfile."""

    name: str
    words: tuple[str, ...]

    @property
    def round(self) -> int:
        """When it is stopped: doors first, then who works for them, then who reminds."""
        if self.name == WEB:
            return 0
        return 1 if self.name.startswith("worker") else 2


def parse(text: str) -> list[Entry]:
    """Read `name: command` lines; no shell runs them. Raise `CannotStart` for an odd one."""
    entries = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, command = line.partition(":")
        if not colon or not name.strip() or not command.strip():
            raise CannotStart(f"Procfile: expected `name: command` instead of {line!r}")
        entries.append(Entry(name.strip(), tuple(shlex.split(command))))
    return entries


def chosen(entries: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """Return the entries of these names, all without any; raise `CannotStart` for one unknown."""
    known = {entry.name for entry in entries}
    for name in names:
        if name not in known:
            raise CannotStart(f"the Procfile has no {name}; it has {', '.join(sorted(known))}")
    return [entry for entry in entries if entry.name in names or not names]


class Output:
    """Standard output, a whole line at a time, as long as somebody reads it."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Write to this stream."""
        self._stream = stream
        self._lock = Lock()
        self._is_read = True

    def line(self, text: bytes) -> None:
        """Write one line."""
        with self._lock:
            if not self._is_read:
                return
            try:
                self._stream.write(text.rstrip(b"\n") + b"\n")
                self._stream.flush()
            except BrokenPipeError:
                self._is_read = False

    def lines_of(self, name: str, source: IO[bytes]) -> None:
        """Write all lines of a process after its name, until it closes its output."""
        with source:
            for line in iter(lambda: source.readline(_LINE_BYTES), b""):
                self.line(name.encode() + b" | " + line)


class Restarter:
    """The processes of a Procfile."""

    def __init__(
        self, entries: Sequence[Entry], run: Path, signals: Signals, output: Output
    ) -> None:
        """Start nothing yet."""
        self._signals = signals
        self._output = output
        self._clock = SystemClock()
        self._environment = python_first(environment())
        self._width = max(len(entry.name) for entry in entries)
        self._kept = [(entry, self._keep(entry, run)) for entry in entries]

    def _keep(self, entry: Entry, run: Path) -> Kept:
        return Kept(entry.name, lambda: self._start(entry), pauses=PAUSES, run=run)

    def _start(self, entry: Entry) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own, so that no Ctrl-C reaches it but ours."""
        process = subprocess.Popen(
            OURSELVES.command(entry.words, dying=signal.SIGTERM),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        name = entry.name.ljust(self._width)
        Thread(
            target=self._output.lines_of, args=(name, process.stdout), name=entry.name, daemon=True
        ).start()
        return process

    def run(self) -> None:
        """Keep the processes running until a signal, then stop them in order."""
        try:
            for _, kept in self._kept:
                kept.begin()
            while self._signals.wish(self._rest()) is None:
                for _, kept in self._kept:
                    kept.revive()
            self._stop()
        finally:
            for _, kept in self._kept:
                kept.end()

    def _rest(self) -> float:
        rests = (kept.rest for _, kept in self._kept)
        return min((rest for rest in rests if rest is not None), default=_IDLE_SECONDS)

    def _stop(self) -> None:
        for number in sorted({entry.round for entry, _ in self._kept}):
            group = [kept for entry, kept in self._kept if entry.round == number]
            for kept in group:
                kept.send(signal.SIGTERM)
            if not self._are_over(group):
                return
            for kept in group:
                kept.end()

    def _are_over(self, group: Sequence[Kept]) -> bool:
        """Wait for a round to end or its time to be over; say no if we are told to hurry."""
        deadline = self._clock.elapsed() + STOP_SECONDS
        while any(kept.is_running for kept in group):
            left = deadline - self._clock.elapsed()
            if left <= 0:
                return True
            if self._signals.wish(min(left, _IDLE_SECONDS)) is not None:
                return False
        return True


def announce(settings: Settings, output: Output, stopping: Event) -> None:
    """Say where the web process answers, once it is healthy."""
    while not is_healthy(settings):
        if stopping.wait(_PROBE_PAUSE):
            return
    output.line(f"ready: http://127.0.0.1:{settings.port}".encode())


def is_healthy(settings: Settings) -> bool:
    """Say whether `/health` answers 200."""
    host = "127.0.0.1" if settings.bind in EVERYWHERE else settings.bind
    connection = HTTPConnection(host, settings.port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def main(arguments: Sequence[str]) -> int:
    """Run the restarter; a refusal is one sentence on stderr and exit code 1."""
    parser = ArgumentParser(prog="python -m models.kernel.restarter", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAMES", help="a subset, comma-separated")
    parser.add_argument("procfile", nargs="?", default="Procfile", type=Path)
    options = parser.parse_args(arguments)
    try:
        settings = load()
        names = [name for name in options.only.split(",") if name]
        entries = chosen(parse(options.procfile.read_text()), names)
        _run(settings, entries)
    except (BadSettings, CannotStart, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(settings: Settings, entries: Sequence[Entry]) -> None:
    if not entries:
        raise CannotStart("the Procfile names no process")
    log_to_stderr(settings.log_level)
    output, stopping = Output(sys.stdout.buffer), Event()
    with Signals() as signals:
        restarter = Restarter(entries, Home(settings.home).run, signals, output)
        if any(entry.name == WEB for entry in entries):
            Thread(target=announce, args=(settings, output, stopping), daemon=True).start()
        try:
            restarter.run()
        finally:
            stopping.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

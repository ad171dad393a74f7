"""A child process seen from its parent: started, spoken to, waited for with a deadline, ended."""

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from jobs.pages.renderer import Check
from models.kernel.clock import Clock
from models.kernel.errors import Unavailable

PROGRAM: Final = "workers.adapters.pages.child"
ROOT: Final = Path(__file__).resolve().parents[3]
LONGEST_LINE: Final = 32 << 20

MALLOC: Final = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=4294967296"
"""Keep freed memory: handing 60 MB back to the kernel after each page halves the speed of colour.

glibc alone reads this; elsewhere it does nothing.
"""

_PIECE: Final = 1 << 18
_CHECKED_EVERY: Final = 0.2


class ChildLost(Exception):
    """The child ended, or said what it may not say, before it had answered."""


class ChildLate(Exception):
    """The child did not answer in time."""


class Child:
    """One child program in a process group of its own, ended for good by `end`.

    It lives no longer than the thread that started it.
    """

    def __init__(self, task: str, clock: Clock) -> None:
        """Start the program; raise `Unavailable` when that cannot be done."""
        self._clock = clock
        self._buffer = bytearray()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-B", "-m", PROGRAM, task, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": str(ROOT), "GLIBC_TUNABLES": MALLOC, "LC_ALL": "C.UTF-8"},
                cwd="/",
                process_group=0,
                bufsize=0,
            )
        except OSError as error:
            raise Unavailable("the page renderer could not be started") from error
        self._stdin = cast("IO[bytes]", self._process.stdin)  # there is one: PIPE was asked for
        self._stdout = cast("IO[bytes]", self._process.stdout)
        self._poll = select.poll()
        self._poll.register(self._stdout.fileno(), select.POLLIN)

    @property
    def pid(self) -> int:
        """The number of the process, which is also its group's."""
        return self._process.pid

    def send(self, message: dict[str, Any]) -> None:
        """Send a line. A child that is gone is noticed when its answer is awaited."""
        try:
            self._stdin.write(json.dumps(message).encode() + b"\n")
        except BrokenPipeError:
            return

    def receive(self, seconds: float, check: Check) -> dict[str, Any]:
        """Wait for a line; raise `ChildLate`, `ChildLost`, or what `check` raises."""
        check()
        deadline = self._clock.elapsed() + seconds
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            self._buffer += self._piece(deadline, check)
            if len(self._buffer) > LONGEST_LINE:
                raise ChildLost("an answer without an end")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message = json.loads(line)
        except ValueError as error:
            raise ChildLost("an answer that is no JSON") from error
        if not isinstance(message, dict):
            raise ChildLost("an answer that is no object")
        return message

    def end(self) -> None:
        """Kill the whole group, at once, and collect it. May be called twice."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stdin.close()
        self._stdout.close()

    def _piece(self, deadline: float, check: Check) -> bytes:
        """Return the next bytes the child has written, as soon as there are any."""
        while not self._poll.poll(_CHECKED_EVERY * 1_000):
            check()
            if self._clock.elapsed() > deadline and not self._poll.poll(0):
                raise ChildLate
        piece = os.read(self._stdout.fileno(), _PIECE)
        if not piece:
            raise ChildLost("it ended")
        return piece

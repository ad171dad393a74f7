"""Backups: the operator's own command is run, and what came of it is written down (J-06).

What a backup is made of is not ours to say: `docs/operating.md` names what has to be in one.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Final

from jobs.schedules.pulse import NotDone, Pulse, Skipped
from models.kernel.logs import get_logger
from models.kernel.settings import environment

POLL_SECONDS: Final = 0.5
GRACE_SECONDS: Final = 10.0
LAST_WORDS: Final = 2_000

log = get_logger(__name__)


def back_up(command: str, pulse: Pulse) -> str:
    """Run a command, without a shell and with this process's environment, to its end.

    Raises `Skipped` when there is none, `NotDone` when it cannot be run or does not end with 0, and
    what the pulse raises; then the command and all it has started are ended before.
    """
    if not command:
        raise Skipped("ILM_BACKUP_COMMAND is not set")
    with TemporaryFile() as said:
        with _running(command, said) as process:
            code = _ended(process, pulse)
        if code != 0:
            log.error("backup.failed", code=code, said=_last_of(said))
            raise NotDone(f"the command ended with {code}; the log has its last words")
    return "the command ended with 0"


@contextmanager
def _running(command: str, said: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command for a block; at its end nothing of it is left."""
    try:
        process = subprocess.Popen(
            shlex.split(command),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    except OSError as error:
        raise NotDone(f"the command cannot be run: {error.strerror}") from error
    try:
        yield process
    finally:
        _end(process)


def _ended(process: "subprocess.Popen[bytes]", pulse: Pulse) -> int:
    """Wait for a process as long as the run may go on; return how it ended."""
    while True:
        pulse.check()
        with suppress(subprocess.TimeoutExpired):
            return process.wait(POLL_SECONDS)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process with all it has started, at once if it does not by itself."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)


def _last_of(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - LAST_WORDS))
    return said.read().decode(errors="replace")

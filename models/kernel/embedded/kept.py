"""A process that is kept running: started again, after a pause, whenever it dies."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from models.kernel.clock import Clock, SystemClock
from models.kernel.embedded.processes import end, kill_family, kill_group, send
from models.kernel.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds before a new start: doubling from `first` to `most`, anew once it was healthy."""

    first: float
    most: float
    healthy: float = 10.0


class Kept:
    """One process, leader of its own process group, and the file that names its pid."""

    def __init__(
        self,
        name: str,
        start: Callable[[], Popen[bytes]],
        *,
        pauses: Pauses,
        run: Path,
        clock: Clock | None = None,
    ) -> None:
        """Start nothing yet."""
        self.name = name
        self._start = start
        self._pauses = pauses
        self._pid_file = run / f"{name}.pid"
        self._clock = clock or SystemClock()
        self._process: Popen[bytes] | None = None
        self._born = 0.0
        self._due: float | None = None
        self._pause = pauses.first

    @property
    def is_running(self) -> bool:
        """Say whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def rest(self) -> float | None:
        """Return the seconds until it is to be started again, if it is waiting for that."""
        return None if self._due is None else max(0.0, self._due - self._clock.elapsed())

    def begin(self) -> None:
        """Start the process; an operating system that cannot is asked again later."""
        self._born = self._clock.elapsed()
        self._due = None
        try:
            self._process = self._start()
        except OSError as error:
            self._put_off(reason=str(error))
            return
        self._note(self._process.pid)
        log.info("process.started", process=self.name, pid=self._process.pid)

    def _note(self, pid: int) -> None:
        """Write the pid file; who reads it meanwhile finds the old one or the new one, whole."""
        draft = self._pid_file.with_suffix(".new")
        draft.write_text(f"{pid}\n")
        draft.replace(self._pid_file)

    def revive(self) -> None:
        """Start the process again if it is dead and its pause is over."""
        if self._due is None and self._process is not None and not self.is_running:
            kill_group(self._process.pid)
            self._put_off(reason=f"exit code {self._process.returncode}")
        if self._due is not None and self._clock.elapsed() >= self._due:
            self.begin()

    def _put_off(self, *, reason: str) -> None:
        now = self._clock.elapsed()
        if now - self._born >= self._pauses.healthy:
            self._pause = self._pauses.first
        log.warning("process.died", process=self.name, reason=reason, restart_in=self._pause)
        self._due = now + self._pause
        self._pause = min(2 * self._pause, self._pauses.most)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself, and not to its children."""
        if self._process is not None and self.is_running:
            send(self._process.pid, number)

    def kill(self) -> None:
        """Kill the process and all it has started."""
        if self._process is not None and self.is_running:
            kill_family(self._process.pid)

    def end(self, *steps: tuple[signal.Signals, float]) -> None:
        """End the process by these signals, each with its seconds, and by force at last."""
        if self._process is not None and self.is_running:
            end(self._process.pid, steps)
        self.kill()
        self.bury()

    def bury(self) -> None:
        """Reap the process that has ended, end what is left of its group, forget its pid."""
        if self._process is not None:
            self._process.wait()
            kill_group(self._process.pid)
        self._process = self._due = None
        self._pid_file.unlink(missing_ok=True)

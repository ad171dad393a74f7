"""The pulse of a run: what a work asks between its steps whether it may go on."""

from threading import Event

from models.kernel.clock import Clock


class Interrupted(Exception):
    """The process stops, or another one has the run: whoever has it goes on."""


class TookTooLong(Exception):
    """The run has taken longer than its schedule allows."""


class NotDone(Exception):
    """The work, or a part of it, could not be done; the message says what, and holds no secret."""


class Skipped(Exception):
    """There is nothing to do, since nothing is set up to be done; the message says what."""


class Pulse:
    """Beats until its run has to end."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        """Take how long the run may last from now on."""
        self._clock = clock
        self._ends = clock.elapsed() + seconds
        self._over = Event()

    @property
    def is_late(self) -> bool:
        """Whether the run's time is over."""
        return self._clock.elapsed() >= self._ends

    def check(self) -> None:
        """Go on, or raise `Interrupted` or `TookTooLong`."""
        if self._over.is_set():
            raise Interrupted
        if self.is_late:
            raise TookTooLong

    def interrupt(self) -> None:
        """Let the next check end the run."""
        self._over.set()

"""Load: how much the limits of callers tighten while this process cannot keep up (L-10).

The factor is min(1, max(1/4, 250 ms / lag)), where lag is how long requests waited for a thread,
averaged over the last few dozen of them. Under normal load it is 1.
"""

from typing import Final

NORMAL_SECONDS: Final = 0.25
LEAST_FACTOR: Final = 0.25
WEIGHT: Final = 1 / 32
"""The share of the newest wait in the average."""


class Load:
    """The average wait for a thread, in seconds."""

    def __init__(self) -> None:
        """Start at rest."""
        self._lag = 0.0

    def waited(self, seconds: float) -> None:
        """Take in one request's wait."""
        self._lag += (seconds - self._lag) * WEIGHT

    @property
    def factor(self) -> float:
        """By what callers' limits are multiplied now."""
        if self._lag <= NORMAL_SECONDS:
            return 1.0
        return max(LEAST_FACTOR, NORMAL_SECONDS / self._lag)

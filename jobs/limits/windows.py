"""Windows: what a request is counted in, and what the count says of it.

A window admits so many requests in any 60 seconds, wherever they begin: never more.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Window(NamedTuple):
    """One limit on one subject: `Window("user", "01a1…", 100)`."""

    kind: str
    subject: str
    limit: int

    @property
    def name(self) -> str:
        """What no other window is called."""
        return f"{self.kind}:{self.subject}"


class Reading(NamedTuple):
    """What one window counts: requests of the last 60 s, and the age of the oldest in seconds."""

    used: int
    oldest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a request. `delay` and `resets_in` are seconds.

    Of its windows, `window` is the one that refuses, or else the one with the least left. The
    request may pass after `delay`, for which its place is kept if it is `admitted`.
    """

    window: Window
    admitted: bool
    delay: float
    used: int
    resets_in: float

    @property
    def remaining(self) -> int:
        """How many more requests the window admits now."""
        return max(0, self.window.limit - self.used)

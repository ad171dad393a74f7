"""A scheduler whose own clock is wrong: `python -m tests.schedules.skewed SECONDS`."""

import sys
from datetime import datetime, timedelta

from models.kernel.clock import SystemClock
from schedules.clock import main


class SkewedClock(SystemClock):
    """The clock of this machine, so many seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        return super().now() + self._ahead


if __name__ == "__main__":
    sys.exit(main(SkewedClock(float(sys.argv[1]))))

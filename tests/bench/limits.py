"""What passes over a limit: `python -m tests.bench.limits [--seconds N]`

One person asks three web processes for more than a limit admits, evenly and then mostly of one.
In the middle Redis is killed, kept away for twenty seconds, and comes back empty. Printed is the
busiest minute of all, beside the limit.
"""

import argparse
import os
import signal
import sys
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from threading import Event, Thread
from typing import Final

import psutil
import requests

from models.kernel.clock import SystemClock
from models.kernel.embedded.processes import descendants
from tests.bench.rig import Rig, percentile, rig, say
from tests.processes import Web

LIMIT: Final = 1_200
ASKED_PER_SECOND: Final = 60
PROCESSES: Final = 3
AWAY_SECONDS: Final = 20.0
WINDOW_SECONDS: Final = 60.0
SEED: Final = 7
UNEVEN: Final = (8, 1, 1)


class Askers:
    """Threads that ask the processes at a rate of their own, and note when they were let pass."""

    def __init__(self, webs: Sequence[Web], key: str, weights: Sequence[int]) -> None:
        """Take whom to ask, with which key, and how often each of them."""
        self._webs = webs
        self._key = key
        self._weights = weights
        self._stop = Event()
        self._clock = SystemClock()
        self.passed: list[float] = []
        self.took: list[float] = []
        self.codes: dict[int, int] = {}
        count = 6
        self._threads = [
            Thread(target=self._ask, args=(Random(SEED + n), count / ASKED_PER_SECOND))
            for n in range(count)
        ]

    def start(self) -> None:
        """Ask from now on."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, dice: Random, pause: float) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self._key}"
            while not self._stop.wait(pause * 2 * dice.random()):
                (web,) = dice.choices(self._webs, weights=self._weights)
                began = self._clock.elapsed()
                answer = session.get(f"{web.address}/v1/users/me", timeout=30)
                self.took.append((self._clock.elapsed() - began) * 1000)
                self.codes[answer.status_code] = self.codes.get(answer.status_code, 0) + 1
                if answer.status_code == 200:
                    self.passed.append(began)


def busiest(moments: Sequence[float]) -> int:
    """Return the most that passed in any 60 seconds."""
    ordered = sorted(moments)
    return max(
        bisect_left(ordered, start + WINDOW_SECONDS) - place for place, start in enumerate(ordered)
    )


def keep_away(stack: Rig, seconds: float) -> None:
    """Kill Redis as often as it is started, for a while."""
    clock, pause = SystemClock(), Event()
    until = clock.elapsed() + seconds
    while clock.elapsed() < until:
        for pid in descendants(stack.servers.pid or 0):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                if psutil.Process(pid).name().startswith("valkey"):
                    os.kill(pid, signal.SIGKILL)
        pause.wait(0.05)


def ask(stack: Rig, webs: Sequence[Web], name: str, weights: Sequence[int], half: float) -> None:
    """Ask for two halves, with Redis away between them, and print what passed."""
    key = stack.key(webs[0], f"{name}@example.org")
    stack.pool.rows(
        "insert into rate_limit (kind, subject, per_minute, set_by)"
        " select 'user', replace(id::text, '-', ''), %s, id from person where email = %s",
        (LIMIT, f"{name}@example.org"),
    )
    Event().wait(6)  # until every process has read it
    askers, pause = Askers(webs, key, weights), Event()
    askers.start()
    pause.wait(half)
    keep_away(stack, AWAY_SECONDS)
    pause.wait(half)
    askers.stop()
    most = busiest(askers.passed)
    over = 100 * (most - LIMIT) / LIMIT
    said = " ".join(f"{code}: {count}" for code, count in sorted(askers.codes.items()))
    took = f"p95 {percentile(askers.took, 0.95):.0f} ms"
    say(f"limits, {name:<7} busiest minute {most} of {LIMIT}: {over:+.1f} %   {said}   {took}")


def main(arguments: Sequence[str]) -> None:
    """Print a line for each way of asking."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.limits")
    parser.add_argument("--seconds", type=float, default=90, help="before and after the outage")
    asked = parser.parse_args(arguments)
    with rig() as stack:
        webs = [stack.processes.web(ILM_RATE_LIMITS="on") for _ in range(PROCESSES)]
        Event().wait(61)  # until Redis has counted for a whole window
        for name, weights in (("even", (1,) * PROCESSES), ("uneven", UNEVEN)):
            ask(stack, webs, name, weights, asked.seconds)


if __name__ == "__main__":
    main(sys.argv[1:])

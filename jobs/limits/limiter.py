"""The limiter: whether a request may pass, asked of Redis once, or of nobody.

While Redis is away, and for a minute after it came back or began to count anew, the process's own
count rules as well: neither open nor down, and no limit is passed by the change (L-12).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Final, NamedTuple

import redis

from jobs.limits.own import OwnCount
from jobs.limits.shared import SharedCount
from jobs.limits.windows import Reading, Verdict, Window
from models.kernel.clock import Clock
from models.kernel.logs import get_logger
from models.limits import SECONDS

PATIENCE: Final = 1.0
"""How many seconds a request may wait to pass."""

AWAY_SECONDS: Final = 1.0
ABUSE: Final = 100
"""Refusals of one window in a row that count as abuse (L-09)."""

MOST_SHUT: Final = 20_000
WARNED_SHARE: Final = 0.8

log = get_logger("limits")


class Passed(NamedTuple):
    """A verdict, and the mark of the request in Redis; None when Redis does not have it."""

    verdict: Verdict
    slot: int | None


class Shut:
    """A window known to be full: until when, and how many it has refused since."""

    __slots__ = ("refused", "until")

    def __init__(self, until: float) -> None:
        """Take until when it is full, in elapsed seconds."""
        self.until = until
        self.refused = 0


class Limiter:
    """Judges requests; every method is safe to use from every thread of the pool."""

    def __init__(self, cache: redis.Redis, clock: Clock, processes: Callable[[], int]) -> None:
        """Take the process's Redis, the time, and what knows how many web processes there are."""
        self._shared = SharedCount(cache)
        self._own = OwnCount()
        self._clock = clock
        self._processes = processes
        self._away_until = float("-inf")
        self._relied_from = float("-inf")
        self._shut: dict[str, Shut] = {}
        self._lock = Lock()
        self.refused: Counter[str] = Counter()
        """Requests refused since the start, by the kind of the window."""

    def judge(self, windows: Sequence[Window], patience: float = PATIENCE) -> Passed:
        """Say whether a request passes all its windows, now or within so many seconds."""
        now = self._clock.elapsed()
        verdict = self._known(windows, now)
        slot = None
        if verdict is None:
            verdict, slot = self._asked(windows, patience, now)
        if not verdict.admitted:
            self._refused(verdict, patience, now)
        elif _crosses(verdict):
            log.info("limits.near", kind=verdict.window.kind, limit=verdict.window.limit)
        return Passed(verdict, slot)

    def known_full(self, window: Window) -> Verdict | None:
        """Return the refusal of a window that is known to be full, without asking anybody."""
        verdict = self._known((window,), self._clock.elapsed())
        if verdict is not None:
            self._refused(verdict, 0.0, self._clock.elapsed())
        return verdict

    def give_back(self, window: Window, slot: int | None) -> None:
        """Take a request out of a window again; Redis forgets it only if it can."""
        self._own.give_back(window)
        if slot is not None:
            with suppress(redis.RedisError):
                self._shared.give_back(window, slot)

    def forget_full(self) -> None:
        """Ask anew about every window: the limits have changed."""
        self._shut.clear()

    def _known(self, windows: Sequence[Window], now: float) -> Verdict | None:
        if not self._shut:
            return None
        for window in windows:
            shut = self._shut.get(window.name)
            if shut is not None and now < shut.until:
                wait = shut.until - now
                return Verdict(
                    window=window, admitted=False, delay=wait, used=window.limit, resets_in=wait
                )
        return None

    def _asked(
        self, windows: Sequence[Window], patience: float, now: float
    ) -> tuple[Verdict, int | None]:
        if now < self._away_until:
            return self._by_ourselves(windows, patience, now), None
        is_relied_on = now >= self._relied_from
        if not is_relied_on:
            wait, place = self._own.due(windows, self._processes(), now)
            if wait > 0:
                return self._own_verdict(windows, place, wait, now), None
        try:
            told = self._shared.take(windows, patience)
        except redis.RedisError as error:
            now = self._clock.elapsed()
            self._went_away(error, now)
            return self._by_ourselves(windows, patience, now), None
        now = self._clock.elapsed()
        self._came_back(told.age, now)
        moment = now + told.delay if told.admitted else None
        if now >= self._relied_from:
            self._own.learn(windows, told.readings, moment, now)
        elif moment is not None:
            self._own.note(windows, moment)
        verdict = _verdict(windows, told.readings, told.tight, told.delay, is_in=told.admitted)
        return verdict, told.slot if told.admitted else None

    def _by_ourselves(self, windows: Sequence[Window], patience: float, now: float) -> Verdict:
        wait, place = self._own.take(windows, self._processes(), patience, now)
        if wait > 0:
            return self._own_verdict(windows, place, wait, now, admitted=wait <= patience)
        return _verdict(windows, self._own.readings(windows, now), None, 0.0, is_in=True)

    def _own_verdict(
        self,
        windows: Sequence[Window],
        place: int,
        wait: float,
        now: float,
        *,
        admitted: bool = False,
    ) -> Verdict:
        readings = self._own.readings(windows, now)
        readings[place] = Reading(windows[place].limit, readings[place].oldest)
        return _verdict(windows, readings, place, wait, is_in=admitted)

    def _went_away(self, error: redis.RedisError, now: float) -> None:
        if self._relied_from < float("inf"):
            log.warning("limits.alone", error=type(error).__name__, processes=self._processes())
        self._away_until = now + AWAY_SECONDS
        self._relied_from = float("inf")

    def _came_back(self, age: float, now: float) -> None:
        """Rely on Redis once all it counts is a minute of what all processes admitted."""
        if self._relied_from == float("inf"):
            self._relied_from = now + SECONDS
            log.info("limits.shared_again")
        elif age < SECONDS and now >= self._relied_from:
            self._relied_from = now + SECONDS - age

    def _refused(self, verdict: Verdict, patience: float, now: float) -> None:
        """Remember that a window is full; tell of its first refusal, and of abuse (L-09)."""
        window = verdict.window
        with self._lock:
            self.refused[window.kind] += 1
        shut = self._shut.get(window.name)
        if shut is None or now >= shut.until:
            if len(self._shut) >= MOST_SHUT:
                self._shut = {name: each for name, each in self._shut.items() if now < each.until}
            shut = self._shut[window.name] = Shut(now + verdict.delay - patience)
            log.warning("limits.exceeded", kind=window.kind, limit=window.limit)
        shut.refused += 1
        if shut.refused == ABUSE:
            log.warning("limits.abused", kind=window.kind, refusals=ABUSE)


def _crosses(verdict: Verdict) -> bool:
    """Say whether this very request reaches the share that is warned of."""
    return verdict.used == warned_from(verdict.window.limit)


def warned_from(limit: int) -> int:
    """Return how many requests of a window bring a warning (L-06): 80 % of it."""
    return max(1, round(limit * WARNED_SHARE))


def _verdict(
    windows: Sequence[Window],
    readings: Sequence[Reading],
    tight: int | None,
    delay: float,
    *,
    is_in: bool,
) -> Verdict:
    """Speak of the window that makes wait, or else of the one with the least left."""
    place = _nearest(windows, readings) if tight is None else tight
    window, reading = windows[place], readings[place]
    return Verdict(
        window=window,
        admitted=is_in,
        delay=delay,
        used=reading.used,
        resets_in=max(0.0, SECONDS - reading.oldest),
    )


def _nearest(windows: Sequence[Window], readings: Sequence[Reading]) -> int:
    return min(range(len(windows)), key=lambda place: windows[place].limit - readings[place].used)

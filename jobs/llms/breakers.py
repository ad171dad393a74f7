"""Breakers: an LLM that keeps failing is left alone for a while, by every process at once.

Five faults within 30 seconds, or more than half of at least ten calls, open the breaker of a
(vendor, LLM) for 15 seconds; then one probe, and only one, decides (CONTRACT §5). Is it called off,
the next call is the probe. The state is in Redis and counted there by its own clock; without Redis
every breaker is closed.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

import redis

from models.kernel.cache import Script
from models.kernel.clock import Clock

WINDOW_SECONDS: Final = 30
MOST_FAULTS: Final = 5
LEAST_CALLS: Final = 10
OPEN_SECONDS: Final = 15
KNOWN_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 180
"""A probe that never reports back, its worker being dead, is forgotten after this."""

_ADMIT: Final = """
local now = tonumber(redis.call('TIME')[1])
local open_until = tonumber(redis.call('HGET', KEYS[1], 'open_until') or '0')
if open_until == 0 then return 1 end
if now < open_until then return 0 end
local probe = tonumber(redis.call('HGET', KEYS[1], 'probe_until') or '0')
if now < probe then return 0 end
redis.call('HSET', KEYS[1], 'probe_until', now + tonumber(ARGV[1]))
return 2
"""
"""1: closed; 0: open; 2: open, and whoever asked is the probe."""

_REPORT: Final = """
local now = tonumber(redis.call('TIME')[1])
local wins, faults = tonumber(ARGV[1]), tonumber(ARGV[2])
local window, most, least, open_for =
    tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('HEXISTS', KEYS[1], 'open_until') == 1 then
    if faults > 0 then
        redis.call('HSET', KEYS[1], 'open_until', now + open_for)
        redis.call('HDEL', KEYS[1], 'probe_until')
        redis.call('EXPIRE', KEYS[1], open_for * 40)
        return 1
    end
    redis.call('DEL', KEYS[1])
    return 0
end
if wins > 0 then redis.call('HINCRBY', KEYS[1], 's' .. now, wins) end
if faults > 0 then redis.call('HINCRBY', KEYS[1], 'f' .. now, faults) end
redis.call('EXPIRE', KEYS[1], window * 2)
local failed, calls = 0, 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
    local kind, at = string.sub(all[i], 1, 1), tonumber(string.sub(all[i], 2))
    if at and at <= now - window then
        redis.call('HDEL', KEYS[1], all[i])
    elseif at then
        calls = calls + tonumber(all[i + 1])
        if kind == 'f' then failed = failed + tonumber(all[i + 1]) end
    end
end
if failed >= most or (calls >= least and failed * 2 > calls) then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'open_until', now + open_for)
    redis.call('EXPIRE', KEYS[1], open_for * 40)
    return 1
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Circuit:
    """What a breaker protects: one LLM at one vendor."""

    vendor: str
    llm: str

    @property
    def key(self) -> str:
        """Where its state is."""
        return f"breaker:{self.vendor}:{self.llm}"


class Breakers(Protocol):
    """Says whom to leave alone."""

    def admits(self, circuit: Circuit) -> bool:
        """Say whether to call; the one who is told yes after a pause is the probe."""
        ...

    def report(self, circuit: Circuit, *, failed: bool) -> bool:
        """Note how a call went; say whether the breaker is open now."""
        ...

    def release(self, circuit: Circuit) -> None:
        """Note that a call ended without a word on how the LLM is: the next one may probe."""
        ...


class SharedBreakers:
    """The breakers of the whole fleet, in Redis.

    While all is well a process asks and tells Redis once a second for each LLM, and counts the
    good calls in between; a fault is told at once.
    """

    def __init__(self, cache: redis.Redis, clock: Clock) -> None:
        """Connect nothing yet."""
        self._admit = Script(cache, _ADMIT)
        self._report = Script(cache, _REPORT)
        self._cache = cache
        self._clock = clock
        self._lock = Lock()
        self._closed_until: dict[Circuit, float] = {}
        self._wins: Counter[Circuit] = Counter()
        self._probed: set[Circuit] = set()

    def admits(self, circuit: Circuit) -> bool:
        """Say whether to call."""
        if self._is_known_closed(circuit):
            return True
        try:
            state = int(self._admit(circuit.key, [PROBE_SECONDS]))
        except redis.RedisError:
            return True
        if state == _CLOSED:
            self._closed(circuit)
        if state == _PROBE:
            self._probed.add(circuit)
        return state != _OPEN

    def report(self, circuit: Circuit, *, failed: bool) -> bool:
        """Note how a call went."""
        self._probed.discard(circuit)
        with self._lock:
            self._wins[circuit] += not failed
            if not failed and self._is_known_closed(circuit):
                return False
            wins = self._wins.pop(circuit, 0)
        limits = [WINDOW_SECONDS, MOST_FAULTS, LEAST_CALLS, OPEN_SECONDS]
        try:
            is_open = bool(self._report(circuit.key, [wins, int(failed), *limits]))
        except redis.RedisError:
            return False
        if is_open:
            self._closed_until.pop(circuit, None)
        else:
            self._closed(circuit)
        return is_open

    def release(self, circuit: Circuit) -> None:
        """Let the next call probe, if this process has the probe; another's stays where it is."""
        if circuit not in self._probed:
            return
        self._probed.discard(circuit)
        with suppress(redis.RedisError):
            self._cache.hdel(circuit.key, "probe_until")

    def _is_known_closed(self, circuit: Circuit) -> bool:
        return self._clock.elapsed() < self._closed_until.get(circuit, 0.0)

    def _closed(self, circuit: Circuit) -> None:
        self._closed_until[circuit] = self._clock.elapsed() + KNOWN_SECONDS


_OPEN: Final = 0
_CLOSED: Final = 1
_PROBE: Final = 2

"""The shared count: every window of a request in one script, all of them or none (L-12).

A window is a list in Redis of the moments of its requests, newest first, in microseconds of Redis's
own clock. A request that would pass a little later is written down for then: nobody has to ask
again. A moment is never written before the one ahead of it, so that a list stays in order; that
errs towards too few.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import redis

from jobs.limits.windows import Reading, Window
from models.kernel.cache import Script
from models.limits import SECONDS

PREFIX: Final = "limits:"
MICROSECONDS: Final = 1_000_000

_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local span, patience = tonumber(ARGV[1]), tonumber(ARGV[2])

local function moment(key, place)
    return tonumber(redis.call('LINDEX', key, place))
end

local function is_over(key, place)
    return moment(key, -place) <= now - span
end

local function forget(key, count)
    local gone, most = 1, 2
    while most <= count and is_over(key, most) do gone, most = most, most * 2 end
    most = math.min(most, count + 1)
    while most - gone > 1 do
        local middle = math.floor((gone + most) / 2)
        if is_over(key, middle) then gone = middle else most = middle end
    end
    if gone == count then redis.call('DEL', key)
    else redis.call('LTRIM', key, 0, count - gone - 1) end
    return count - gone
end

local born = redis.call('GET', KEYS[1] .. 'born')
if not born then
    born = now
    redis.call('SET', KEYS[1] .. 'born', string.format('%.0f', now))
end
local slot, tight, counts, ages = now, 0, {}, {}
for i = 3, #ARGV, 2 do
    local key, limit = KEYS[1] .. ARGV[i], tonumber(ARGV[i + 1])
    local count, oldest = redis.call('LLEN', key), now
    if count > 0 then oldest = moment(key, -1) end
    if oldest <= now - span then
        count = forget(key, count)
        oldest = count > 0 and moment(key, -1) or now
    end
    if count >= limit then
        local due = moment(key, limit - 1) + span
        if due > slot then slot, tight = due, (i - 1) / 2 end
    end
    counts[#counts + 1], ages[#ages + 1] = count, math.max(0, now - oldest)
end
local is_in = slot - now <= patience
local told = {is_in and 1 or 0, slot - now, tight, slot, now - tonumber(born)}
for i = 3, #ARGV, 2 do
    local key, n = KEYS[1] .. ARGV[i], (i - 1) / 2
    if is_in then
        local newest = counts[n] > 0 and moment(key, 0) or 0
        redis.call('LPUSH', key, string.format('%.0f', math.max(slot, newest)))
        redis.call('PEXPIRE', key, (span + patience) / 1000)
        counts[n] = counts[n] + 1
    end
    told[#told + 1], told[#told + 2] = counts[n], ages[n]
end
return told
"""

_GIVE_BACK: Final = "return redis.call('LREM', KEYS[1], 1, ARGV[1])"


class Told(NamedTuple):
    """What the shared count says: times in seconds, but `slot`, which is its own mark.

    `tight` is the place of the window that makes wait, None when none does; `age` is for how long
    Redis has been counting.
    """

    admitted: bool
    delay: float
    tight: int | None
    slot: int
    age: float
    readings: tuple[Reading, ...]


class SharedCount:
    """The windows in Redis. What it raises is a `RedisError`."""

    def __init__(self, cache: redis.Redis) -> None:
        """Take the process's Redis; connect nothing yet."""
        self._take = Script(cache, _TAKE)
        self._give_back = Script(cache, _GIVE_BACK)

    def take(self, windows: Sequence[Window], patience: float) -> Told:
        """Count a request in all its windows, if it passes within so many seconds."""
        arguments: list[int | str] = [SECONDS * MICROSECONDS, int(patience * MICROSECONDS)]
        for window in windows:
            arguments += (window.name, window.limit)
        is_in, delay, tight, slot, age, *counted = self._take(PREFIX, arguments)
        pairs = zip(counted[::2], counted[1::2], strict=True)
        return Told(
            admitted=bool(is_in),
            delay=delay / MICROSECONDS,
            tight=tight - 1 if tight else None,
            slot=slot,
            age=age / MICROSECONDS,
            readings=tuple(Reading(used, oldest / MICROSECONDS) for used, oldest in pairs),
        )

    def give_back(self, window: Window, slot: int) -> None:
        """Take a request out of a window again."""
        self._give_back(f"{PREFIX}{window.name}", [slot])

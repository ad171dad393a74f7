"""Services: every process says that it lives, and knows who else does (G-02).

Each beats every five seconds in Redis, by whose clock one that was not heard for fifteen is gone.
While Redis is away the last count holds.
"""

import json
import os
import socket
from collections import Counter
from dataclasses import asdict, dataclass, fields
from threading import Event, Thread
from typing import Final, Self

import redis

from models.kernel.cache import Script
from models.kernel.clock import Clock, wire_time
from models.kernel.ids import new_id
from models.kernel.logs import get_logger
from models.kernel.release import VERSION

WEB: Final = "web"
BEAT_SECONDS: Final = 5.0
GONE_SECONDS: Final = 15
KEY: Final = "services"

_BEAT: Final = """
local now = tonumber(redis.call('TIME')[1])
local names = KEYS[1] .. ':told'
if ARGV[2] == '' then
    redis.call('ZREM', KEYS[1], ARGV[1])
    redis.call('HDEL', names, ARGV[1])
else
    redis.call('ZADD', KEYS[1], now, ARGV[1])
    redis.call('HSET', names, ARGV[1], ARGV[2])
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', names, id)
end
return redis.call('HVALS', names)
"""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process of the installation."""

    id: str
    kind: str
    host: str
    pid: int
    version: str
    started_at: str

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Read what a process said of itself, which may be of another release."""
        told = json.loads(text)
        return cls(**{entry.name: told[entry.name] for entry in fields(cls)})


class Registry:
    """This process among the others."""

    def __init__(self, cache: redis.Redis, kind: str, clock: Clock, *, expected: int = 1) -> None:
        """Take the process's Redis, what it is, and how many there are before any is heard."""
        self._beat = Script(cache, _BEAT)
        self._service = Service(
            id=new_id().hex,
            kind=kind,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=VERSION,
            started_at=wire_time(clock.now()),
        )
        self._expected = expected
        self._living: tuple[Service, ...] = ()
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Beat from now on, on a thread of its own."""
        self._thread = Thread(target=self._go_on, name="registry", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say good-bye."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def count(self, kind: str = WEB) -> int:
        """Return how many processes of a kind there are, as far as is known."""
        return Counter(each.kind for each in self._living)[kind] or self._expected

    @property
    def living(self) -> tuple[Service, ...]:
        """The processes that were heard of lately, oldest first."""
        return self._living

    def beat(self) -> None:
        """Say once that this process lives, and hear of the others."""
        self._say(json.dumps(asdict(self._service)))

    def _go_on(self) -> None:
        self.beat()
        while not self._stop.wait(BEAT_SECONDS):
            self.beat()
        self._say("")

    def _say(self, told: str) -> None:
        try:
            heard = self._beat(KEY, [self._service.id, told, GONE_SECONDS])
        except redis.RedisError as error:
            log.debug("services.unheard", error=type(error).__name__)
            return
        found = (Service.read(each) for each in heard)
        self._living = tuple(sorted(found, key=lambda each: (each.started_at, each.id)))

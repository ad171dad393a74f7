"""What goes wrong: processes killed and frozen, servers killed, what they keep in memory wiped."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from threading import Event, Thread, Timer
from typing import Final

import pika
import redis
from pika.exceptions import AMQPError

from models.catalogue.queues import queues
from models.kernel.clock import SystemClock
from models.kernel.embedded.processes import descendants
from tests.chaos.stack import LEASE_SECONDS, SCHEDULERS, WEBS, WORKERS, Stack, ask
from tests.servers import Rabbit

SHORTEST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 1.8
RABBIT_BACK_SECONDS: Final = 60
FIRST: Final = "worker killed"
"""What no storm is without, however short."""

_TERMINATE: Final = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'ilm' and pid <> pg_backend_pid()
"""
_BACKENDS: Final = "select pid from pg_stat_activity where application_name = 'ilm' order by pid"


class Faults:
    """Does one kind of harm after another, as the dice say, until told to stop."""

    def __init__(self, stack: Stack, dice: Random, rabbit: Rabbit | None = None) -> None:
        """Do nothing yet."""
        self.done: Counter[str] = Counter()
        self._stack = stack
        self._dice = dice
        self._rabbit = rabbit
        self._stopping = Event()
        self._thread = Thread(target=self._rage, name="faults", daemon=True)
        self._frozen: list[tuple[int, Timer]] = []
        self._clock = SystemClock()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and thaw what is frozen."""
        self._stopping.set()
        self._thread.join(RABBIT_BACK_SECONDS + 30)
        for handle, timer in self._frozen:
            timer.cancel()
            _thaw(handle)
            os.close(handle)
        self._frozen.clear()

    def _rage(self) -> None:
        deck: list[str] = []
        while not self._stopping.wait(self._dice.uniform(SHORTEST_PAUSE, LONGEST_PAUSE)):
            if not deck:
                deck = [kind for kind, times in self._kinds().items() for _ in range(times)]
                self._dice.shuffle(deck)
            kind = deck.pop() if self.done else FIRST
            if self._deeds()[kind]():
                self.done[kind] += 1

    def _kinds(self) -> dict[str, int]:
        """Return how often each kind comes in one round of the deck."""
        kinds = {
            "worker killed": 8,
            "worker frozen": 3,
            "web killed": 2,
            "scheduler killed": 2,
            "scheduler frozen": 1,
            "redis wiped": 2,
            "redis killed": 1,
            "redis frozen": 1,
            "postgres connections cut": 1,
            "postgres backend killed": 1,
            "postgres killed": 1,
        }
        if self._rabbit:
            kinds |= {"rabbit queue deleted": 2, "rabbit killed": 1}
        return kinds

    def _deeds(self) -> dict[str, Callable[[], bool]]:
        return {
            "worker killed": lambda: self._kill(self._dice.choice(WORKERS)),
            "worker frozen": lambda: self._freeze(self._dice.choice(WORKERS), LEASE_SECONDS + 1),
            "web killed": self._kill_web,
            "scheduler killed": lambda: self._kill(self._dice.choice(SCHEDULERS)),
            "scheduler frozen": lambda: self._freeze(self._dice.choice(SCHEDULERS), LEASE_SECONDS),
            "redis wiped": self._wipe,
            "redis killed": lambda: self._kill("valkey"),
            "redis frozen": lambda: self._freeze("valkey", 0.5),
            "postgres connections cut": self._cut_connections,
            "postgres backend killed": self._kill_backend,
            "postgres killed": lambda: self._kill("postgres"),
            "rabbit queue deleted": self._delete_queue,
            "rabbit killed": self._kill_rabbit,
        }

    def _kill(self, name: str) -> bool:
        pid = self._stack.pid(name)
        return pid is not None and _send(pid, signal.SIGKILL)

    def _kill_web(self) -> bool:
        """Kill a web process: the one that answers, or the one that watches over it."""
        pid = self._stack.pid(self._dice.choice(WEBS))
        if pid is None:
            return False
        return _send(self._dice.choice([pid, *descendants(pid)]), signal.SIGKILL)

    def _freeze(self, name: str, least: float) -> bool:
        """Stop a process for longer than it is given; it wakes as a zombie of what it was."""
        pid = self._stack.pid(name)
        if pid is None:
            return False
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        signal.pidfd_send_signal(handle, signal.SIGSTOP)
        timer = Timer(least + self._dice.uniform(0, 2), _thaw, (handle,))
        timer.daemon = True
        timer.start()
        self._frozen.append((handle, timer))
        return True

    def _wipe(self) -> bool:
        with (
            suppress(redis.RedisError),
            redis.Redis.from_url(self._stack.settings.redis_url, socket_timeout=1) as client,
        ):
            client.flushall()
            return True
        return False

    def _cut_connections(self) -> bool:
        return bool(ask(self._stack.settings.database_url, _TERMINATE))

    def _kill_backend(self) -> bool:
        pids = [int(str(row[0])) for row in ask(self._stack.settings.database_url, _BACKENDS)]
        return bool(pids) and _send(self._dice.choice(pids), signal.SIGKILL)

    def _delete_queue(self) -> bool:
        url = self._stack.settings.broker_url
        name = self._dice.choice([n for n in queues() if n in {"default", "llm", "pages"}])
        try:
            with pika.BlockingConnection(pika.URLParameters(url)) as connection:
                connection.channel().queue_delete(name)
        except (AMQPError, OSError):
            return False
        return True

    def _kill_rabbit(self) -> bool:
        """Kill the node, and start it again after a while, on what it kept."""
        if self._rabbit is None:
            return False
        self._rabbit.kill()
        self._stopping.wait(self._dice.uniform(0, 2))
        self._rabbit.start()
        return True


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _thaw(handle: int) -> None:
    with suppress(ProcessLookupError, OSError):
        signal.pidfd_send_signal(handle, signal.SIGCONT)

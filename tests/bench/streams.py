"""Streams: `python -m tests.bench.streams [--idle N] [--fans N] [--streams N]`

Idle: thousands of clients of one web process on jobs that wait; connect rate, memory a client,
heartbeats heard by a sample. Fan-out: many clients of one job. Producers: many jobs with one
client each. Delays run from the producer's call to the client's read, in this one process, whose
share of the machine is in them: upper bounds.
"""

import argparse
import asyncio
import json
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from threading import Event
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from jobs.producers import Producer, Producers
from jobs.queue import Queue, Sender
from jobs.streams import Streams
from jobs.system import Echo
from models import engine
from models.accounts import Person
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.ids import wire_id
from tests.bench.jobs import TEXT, queue_of
from tests.bench.rig import Rig, percentile, rig, say, share_of_memory
from tests.processes import Web

DESCRIPTORS: Final = 20_000
AT_ONCE: Final = 100
CONNECT_SECONDS: Final = 120.0
HEARTBEAT_SECONDS: Final = 16.0
SETTLE_SECONDS: Final = 1.0
DELTAS: Final = 40
WINDOW: Final = 256
LEASE: Final = 600.0
EMAIL: Final = "bench@example.org"


class Client(asyncio.Protocol):
    """One client of one stream: counts heartbeats, and notes how late each delta is."""

    def __init__(self, request: bytes, clock: SystemClock) -> None:
        """Take what to ask."""
        self.is_open = asyncio.get_running_loop().create_future()
        self.delays: list[float] = []
        self.heartbeats = 0
        self._request = request
        self._clock = clock
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Read whole lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                self._hear(json.loads(line[6:]))
            elif line.startswith(b": heartbeat"):
                self.heartbeats += 1

    def _hear(self, event: dict[str, str]) -> None:
        if not self.is_open.done():
            self.is_open.set_result(None)
        if event["type"] == "delta":
            self.delays += [
                (self._clock.elapsed() - float(said)) * 1000 for said in event["text"].split()
            ]


class Watchers:
    """Clients of one web process."""

    def __init__(self, web: Web, key: str) -> None:
        """Take where to connect, and as whom."""
        self._address = urlsplit(web.address)
        self._key = key
        self._clock = SystemClock()
        self.clients: list[Client] = []

    async def connect(self, job_ids: Sequence[UUID]) -> float:
        """Open a stream for each id and wait for its first event; return the seconds it took."""
        began = self._clock.elapsed()
        gate = asyncio.Semaphore(AT_ONCE)
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.gather(*(self._open(job_id, gate) for job_id in job_ids))
        return self._clock.elapsed() - began

    def close(self) -> None:
        """Hang up."""
        for client in self.clients:
            client.transport.close()

    @property
    def delays(self) -> list[float]:
        """How late every delta was for every client, in milliseconds."""
        return [delay for client in self.clients for delay in client.delays]

    async def _open(self, job_id: UUID, gate: asyncio.Semaphore) -> None:
        lines = [
            f"GET /v1/jobs/{wire_id('job', job_id)}/events HTTP/1.1",
            f"Host: {self._address.netloc}",
            f"Authorization: Bearer {self._key}",
        ]
        request = "\r\n".join([*lines, "", ""]).encode()
        async with gate:
            loop = asyncio.get_running_loop()
            _, client = await loop.create_connection(
                lambda: Client(request, self._clock), self._address.hostname, self._address.port
            )
            self.clients.append(client)
            await client.is_open


async def idle(watchers: Watchers, job_ids: Sequence[UUID], memory: Callable[[], int]) -> str:
    """Hold clients on jobs that wait, past one heartbeat."""
    await watchers.connect(job_ids[:1])
    before = memory()
    took = await watchers.connect(job_ids)
    each = (memory() - before) / len(job_ids) / 1024
    await asyncio.sleep(HEARTBEAT_SECONDS)
    heard = sum(client.heartbeats > 0 for client in watchers.clients)
    watchers.close()
    rate = len(job_ids) / took
    return f"all connected at {rate:.0f}/s, {each:.0f} KiB each, {heard} heard a heartbeat"


async def delivered(
    watchers: Watchers, job_ids: Sequence[UUID], producers: Sequence[Producer], pause: float
) -> str:
    """Send deltas that carry their time, and return how late they were and whether all came."""
    await watchers.connect(job_ids)
    await asyncio.to_thread(_talk, producers, pause)
    await asyncio.sleep(SETTLE_SECONDS)
    watchers.close()
    delays, meant = watchers.delays, len(job_ids) * DELTAS
    middle, late = percentile(delays, 0.5), percentile(delays, 0.99)
    return f"delay p50 {middle:.1f} ms, p99 {late:.1f} ms, {len(delays)} of {meant} deltas came"


def _talk(producers: Sequence[Producer], pause: float) -> None:
    """Send each producer's deltas `pause` seconds apart, the producers one after another."""
    clock, waiting = SystemClock(), Event()
    began, said = clock.elapsed(), 0
    for _ in range(DELTAS):
        for producer in producers:
            producer.delta(f"{clock.elapsed()} ")
            said += 1
            waiting.wait(max(began + said * pause / len(producers) - clock.elapsed(), 0))


class Stage:
    """Jobs that wait, and jobs that this process runs as their worker would."""

    def __init__(self, stack: Rig, queue: Queue, sender: Sender) -> None:
        """Take whose jobs they are."""
        self._queue = queue
        self._sender = sender
        self._producers = Producers(Streams(open_cache(stack.settings), SystemClock(), 600))

    def waiting(self, count: int) -> list[UUID]:
        """Put jobs that nobody runs."""
        return [self._queue.put(Echo(TEXT), self._sender).id for _ in range(count)]

    def running(self, count: int) -> list[Producer]:
        """Put jobs, claim them, and begin their streams."""
        producers = []
        for job_id in self.waiting(count):
            row = engine.claim(job_id, "bench", LEASE)
            if row is None:
                raise RuntimeError("a job could not be claimed")
            producers.append(self._producers.producer(row))
            producers[-1].begin()
        return producers


def main(arguments: Sequence[str]) -> None:
    """Print a line for each load."""
    asked = _arguments(arguments)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))
    with ExitStack() as held:
        stack = held.enter_context(rig())
        wide = replace(stack, settings=replace(stack.settings, default_threads=WINDOW))
        queue = held.enter_context(queue_of(wide))
        web = stack.processes.web()
        key = stack.key(web, EMAIL)
        owner = Person.by_email(EMAIL)
        if owner is None:
            raise RuntimeError("nobody has registered")
        stage = Stage(stack, queue, Sender(owner.account_id, "live"))
        waiting = stage.waiting(50)
        spread = [waiting[number % len(waiting)] for number in range(asked.idle)]
        pid = web.process.pid
        told = asyncio.run(idle(Watchers(web, key), spread, lambda: share_of_memory(pid)))
        say(f"streams, {asked.idle} idle clients: {told}")
        (one,) = stage.running(1)
        told = asyncio.run(delivered(Watchers(web, key), [one.job.id] * asked.fans, [one], 0.2))
        say(f"streams, {asked.fans} clients of one job, a delta each 200 ms: {told}")
        many = stage.running(asked.streams)
        ids = [producer.job.id for producer in many]
        told = asyncio.run(delivered(Watchers(web, key), ids, many, 0.05))
        say(f"streams, {asked.streams} jobs, a delta each 50 ms: {told}")


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.streams")
    parser.add_argument("--idle", type=int, default=5_000)
    parser.add_argument("--fans", type=int, default=1_000)
    parser.add_argument("--streams", type=int, default=50)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])

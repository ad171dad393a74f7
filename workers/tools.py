"""The tools of a worker process: built once, handed to the actors, reached for by nobody."""

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dramatiq import Broker

from jobs.batches.room import LINES
from jobs.postman import Postman
from jobs.producers import Producers
from jobs.queue import Queue
from jobs.streams import Streams
from jobs.webhooks.carrier import Carrier
from models.catalogue.queues import HEARTBEATS_PER_LEASE, served_by
from models.kernel.blobs import Blobs, open_blobs
from models.kernel.broker import open_broker
from models.kernel.cache import open_cache, open_listener
from models.kernel.clock import Clock, SystemClock
from models.kernel.database import connect
from models.kernel.http import Egress
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings
from workers.couriers import LOOPS, Couriers
from workers.heart import Heart
from workers.middleware import Desk

HOUR: Final = 3600
COURIERS: Final = "default"
"""The kind of worker that carries deliveries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What actors act through."""

    settings: Settings
    clock: Clock
    broker: Broker
    blobs: Blobs
    streams: Streams
    postman: Postman
    queue: Queue
    heart: Heart
    desk: Desk
    couriers: Couriers | None
    """Who carries deliveries, in a worker that does."""
    workroom: Path


def build(settings: Settings, worker: str) -> Tools:
    """Connect the parts of one worker process; `worker` is `llm`, `pages` or `default`."""
    beside = {"llm": 2 * LINES, COURIERS: LOOPS}.get(worker, 0)
    connect(settings, threads=served_by(worker)[0].thread_count(settings) + beside)
    clock = SystemClock()
    broker = open_broker(settings)
    streams = Streams(open_cache(settings), clock, settings.stream_hours * HOUR)
    postman = Postman(broker, clock)
    leases = [policy.lease_seconds(settings) for policy in served_by(worker)]
    heart = Heart(streams, open_listener(settings), min(leases) / HEARTBEATS_PER_LEASE)
    desk = Desk(
        settings=settings,
        clock=clock,
        producers=Producers(streams),
        postman=postman,
        heart=heart,
        name=f"{worker}@{socket.gethostname()}:{os.getpid()}",
    )
    return Tools(
        settings=settings,
        clock=clock,
        broker=broker,
        blobs=open_blobs(settings),
        streams=streams,
        postman=postman,
        queue=Queue(postman, streams, settings),
        heart=heart,
        desk=desk,
        couriers=_couriers(settings, clock) if worker == COURIERS else None,
        workroom=_workroom(settings),
    )


def _couriers(settings: Settings, clock: Clock) -> Couriers:
    """Return who carries deliveries, each by a guarded client of their own process."""
    carrier = Carrier(Egress(settings.reachable), open_secrets(settings), settings, clock)
    threads, seconds = settings.webhook_threads, float(settings.webhook_timeout)
    return Couriers(carrier.carry, clock, threads=threads, timeout=seconds)


def _workroom(settings: Settings) -> Path:
    """Return this process's folder for what jobs need on disk; sweep those of the dead."""
    rooms = settings.home.resolve() / "workroom"
    mine = rooms / str(os.getpid())
    mine.mkdir(parents=True, exist_ok=True)
    for room in rooms.iterdir():
        if room.name.isdecimal() and not Path("/proc", room.name).exists():
            shutil.rmtree(room, ignore_errors=True)
    return mine

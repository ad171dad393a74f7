"""Gauges: what is found out when metrics are asked for, since it is the fleet's and no process's.

Queues, breakers, and how PostgreSQL does. What does not answer is left out, and the rest is told.
"""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from peewee import PeeweeException
from redis import Redis, RedisError

from jobs.llms.breakers import Circuit
from jobs.queues import states
from jobs.schedules.calendar import schedules
from models import schedules as runs
from models.kernel import measures
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.exposition import Sample
from models.kernel.ledgers import Ledgers
from models.kernel.logs import get_logger
from models.kernel.release import VERSION
from models.kernel.settings import Settings
from models.llms import llms, vendors
from models.schedules import SKIPPED
from models.webhook_log import overdue

DEVICES: Final = Path("/proc/net/dev")

_POSTGRES: Final = """
select numbackends, current_setting('max_connections')::int, xact_commit, xact_rollback,
       blks_hit, blks_read, deadlocks, pg_database_size(datname)
from pg_stat_database where datname = current_database()
"""

log = get_logger(__name__)


class Gauges:
    """Finds out how the installation is."""

    def __init__(self, settings: Settings, cache: Redis, ledgers: Ledgers, clock: Clock) -> None:
        """Take what is asked: the catalogue by the settings, Redis, and who counts."""
        served = {name for name, vendor in vendors().items() if vendor.is_served(settings)}
        self._circuits = tuple(
            Circuit(llm.vendor, llm.name) for llm in llms().values() if llm.vendor in served
        )
        self._home = settings.home
        self._cache = cache
        self._ledgers = ledgers
        self._clock = clock

    def find(self) -> tuple[Sample, ...]:
        """Return everything that could be found out."""
        found: list[Sample] = [(measures.BUILD, (VERSION,), 1.0)]
        finders: tuple[Callable[[], Iterable[Sample]], ...] = (
            self._queues, _schedules, self._webhooks, self._postgres, self._breakers,
            self._processes, self._disk, _network,
        )  # fmt: skip
        for find in finders:
            try:
                found += find()
            except (PeeweeException, RedisError, OSError) as error:
                log.debug("gauges.unknown", error=type(error).__name__)
        return tuple(found)

    def _queues(self) -> Iterable[Sample]:
        now = self._clock.now()
        for state in states():
            oldest = state.oldest_queued_at
            age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
            yield measures.QUEUE_JOBS, (state.name, "due"), state.queued
            yield measures.QUEUE_JOBS, (state.name, "waiting"), state.waiting
            yield measures.QUEUE_JOBS, (state.name, "running"), state.running
            yield measures.QUEUE_OLDEST_SECONDS, (state.name,), age
            yield measures.QUEUE_PAUSED, (state.name,), state.paused

    def _webhooks(self) -> Iterable[Sample]:
        yield measures.WEBHOOK_OVERDUE, (), overdue(self._clock.now())

    def _postgres(self) -> Iterable[Sample]:
        ((backends, most, commits, rollbacks, hits, reads, deadlocks, size),) = database.rows(
            _POSTGRES
        )
        yield measures.DATABASE_BACKENDS, (), backends
        yield measures.DATABASE_BACKENDS_MOST, (), most
        yield measures.DATABASE_TRANSACTIONS, ("commit",), commits
        yield measures.DATABASE_TRANSACTIONS, ("rollback",), rollbacks
        yield measures.DATABASE_BLOCKS, ("cache",), hits
        yield measures.DATABASE_BLOCKS, ("disk",), reads
        yield measures.DATABASE_DEADLOCKS, (), deadlocks
        yield measures.DATABASE_BYTES, (), size

    def _breakers(self) -> Iterable[Sample]:
        pipe = self._cache.pipeline(transaction=False)
        pipe.time()
        for circuit in self._circuits:
            pipe.hget(circuit.key, "open_until")
        (now, _), *ends = pipe.execute()
        for circuit, end in zip(self._circuits, ends, strict=True):
            is_open = end is not None and int(end) > int(now)
            yield measures.BREAKER_OPEN, (circuit.vendor, circuit.llm), is_open

    def _processes(self) -> Iterable[Sample]:
        kinds = [owner.kind for owner in self._ledgers.living()]
        for kind in sorted(set(kinds)):
            yield measures.PROCESSES, (kind,), kinds.count(kind)

    def _disk(self) -> Iterable[Sample]:
        disk = shutil.disk_usage(self._home)
        yield measures.DISK_BYTES, (), disk.total
        yield measures.DISK_FREE_BYTES, (), disk.free


def _schedules() -> Iterable[Sample]:
    """Tell how long ago schedules succeeded; of one that is not set up nothing."""
    known = schedules()
    healths = runs.healths(sorted(known))
    for stand in runs.stands(sorted(known)):
        health = healths.get(stand.name)
        if health is not None and health.outcome != SKIPPED:
            interval = known[stand.name].interval(stand.now).total_seconds()
            yield measures.SCHEDULE_AGE_SECONDS, (stand.name,), health.age
            yield measures.SCHEDULE_INTERVAL_SECONDS, (stand.name,), interval


def _network() -> Iterable[Sample]:
    """Sum what passed every device but loopback."""
    rows = (line.split(":", 1) for line in DEVICES.read_text(encoding="ascii").splitlines()[2:])
    columns = [counts.split() for name, counts in rows if name.strip() != "lo"]
    yield measures.NETWORK_BYTES, ("received",), sum(int(each[0]) for each in columns)
    yield measures.NETWORK_BYTES, ("sent",), sum(int(each[8]) for each in columns)

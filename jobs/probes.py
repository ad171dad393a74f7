"""Probes: how to find out whether what we depend on answers (I-05)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final

from redis import Redis

from models.kernel import broker
from models.kernel.blobs import Blobs
from models.kernel.database import Pool
from models.kernel.settings import Settings

DATABASE: Final = "database"

Probe = Callable[[], object]
"""Raises when a dependency is down; figures it returns are told with the finding (I-06)."""


def probes(settings: Settings, pool: Pool, cache: Redis, blobs: Blobs) -> dict[str, Probe]:
    """Return a probe of everything that has to answer, by name."""
    return {
        DATABASE: lambda: _reach(pool),
        "redis": cache.ping,
        "broker": lambda: broker.check(settings),
        "storage": blobs.check,
    }


def _reach(pool: Pool) -> Mapping[str, int]:
    """Ask PostgreSQL for a one; return how the pool is used."""
    pool.rows("select 1")
    return asdict(pool.figures)

"""Repairs by hand: failed jobs are done again, breakers closed (G-18, G-20).

A job that is over stays over: what is retried is a new job with the same input, for the same
account. What a caller listened to, or what belongs to a conversation or a batch, is asked for anew
by its owner instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import redis

from jobs.job import Job
from jobs.llms.breakers import Circuit
from jobs.llms.complete import Complete
from jobs.pages.cover import SetCover
from jobs.pages.generate import GeneratePages
from jobs.pages.text import ReadText
from jobs.queue import Queue, Sender
from jobs.system import Echo
from models.jobs import JobRow
from models.kernel.errors import Conflict, NotFound, Unavailable

FAILED: Final = "failed"

_RETRIED: Final[Mapping[str, type[Job]]] = {
    kind.name: kind for kind in (Echo, Complete, ReadText, GeneratePages, SetCover)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """What a breaker knows: whether the LLM is left alone, and until when."""

    vendor: str
    model: str
    is_open: bool
    open_until: datetime | None


class Workshop:
    """What operators do when something does not heal by itself."""

    def __init__(self, queue: Queue, cache: redis.Redis) -> None:
        """Take where jobs go, and the Redis of the breakers."""
        self._queue = queue
        self._cache = cache

    def retry(self, job_id: UUID, request_id: str) -> JobRow:
        """Submit a failed job again; raise `NotFound`, or `Conflict` for what cannot be retried."""
        row: JobRow | None = JobRow.found(id=job_id)
        if row is None:
            raise NotFound("there is no such job")
        if row.state != FAILED:
            raise Conflict("only a job that failed is retried")
        kind = _RETRIED.get(row.type)
        if kind is None:
            raise Conflict(f"a job of the type {row.type} is asked for anew by its owner")
        sender = Sender(row.account_id, row.mode, request_id)
        return self._queue.put(kind.from_input(row.input), sender)

    def breakers(self) -> list[BreakerState]:
        """Return every breaker that has seen a call lately, by vendor and LLM."""
        prefix = Circuit("", "").key[:-1]
        try:
            names = [key.decode() for key in self._cache.scan_iter(f"{prefix}*")]
            states = [self._looked_up(*name.split(":", 2)[1:]) for name in names]
        except redis.RedisError as error:
            raise Unavailable("Redis, which has the breakers, is away", retry_after=5) from error
        return sorted(states, key=lambda each: (each.vendor, each.model))

    def reset(self, circuit: Circuit) -> BreakerState:
        """Close a breaker and forget what it has seen; raise `NotFound` for one not known."""
        try:
            found = self._cache.delete(circuit.key)
        except redis.RedisError as error:
            raise Unavailable("Redis, which has the breakers, is away", retry_after=5) from error
        if not found:
            raise NotFound("this breaker has seen nothing lately")
        return _state(circuit, 0)

    def _looked_up(self, vendor: str, llm: str) -> BreakerState:
        circuit = Circuit(vendor, llm)
        until: Any = self._cache.hget(circuit.key, "open_until")
        return _state(circuit, int(until or 0))


def _state(circuit: Circuit, until: int) -> BreakerState:
    return BreakerState(
        vendor=circuit.vendor,
        model=circuit.llm,
        is_open=until > 0,
        open_until=datetime.fromtimestamp(until, UTC) if until else None,
    )

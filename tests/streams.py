"""What tests read of streams, and how they wait for something without sleeping."""

import json
from collections.abc import Callable
from threading import Event
from typing import Any, TypeVar
from uuid import UUID

import redis

from jobs.streams import stream_key
from models.kernel.clock import SystemClock

T = TypeVar("T")

DEADLINE_SECONDS = 60.0
_PAUSE_SECONDS = 0.01


def stream_of(cache: redis.Redis, job_id: UUID) -> list[dict[str, Any]]:
    """Return the events of a job as they stand in Redis."""
    entries: Any = cache.xrange(stream_key(job_id))
    return [json.loads(fields[b"e"]) for _, fields in entries]


def kinds_of(cache: redis.Redis, job_id: UUID) -> list[str]:
    return [event["type"] for event in stream_of(cache, job_id)]


def eventually(question: Callable[[], T], seconds: float = DEADLINE_SECONDS) -> T:
    """Ask until the answer is true; fail when it is not in time."""
    clock, pause = SystemClock(), Event()
    deadline = clock.elapsed() + seconds
    while not (answer := question()):
        if clock.elapsed() > deadline:
            raise AssertionError(f"not within {seconds} s")
        pause.wait(_PAUSE_SECONDS)
    return answer

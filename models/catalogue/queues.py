"""The queues and their policies, read from `queues.toml` once."""

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from models.kernel.settings import Settings

HEARTBEATS_PER_LEASE: Final = 6
WINDOW_PER_THREAD: Final = 2


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """How jobs of one queue are run and tried again. All times in seconds."""

    name: str
    worker: str
    threads: str
    lease: int
    attempts: int
    backoff: int
    backoff_cap: int
    deadline: int
    most_waiting: int

    def thread_count(self, settings: Settings) -> int:
        """Threads of one worker process that serves this queue; 0 in the setting: one per core."""
        return int(getattr(settings, self.threads)) or os.cpu_count() or 1

    def window(self, settings: Settings) -> int:
        """Jobs one account may have in the broker or running at once (ARCHITECTURE §5.7)."""
        return WINDOW_PER_THREAD * self.thread_count(settings)

    def lease_seconds(self, settings: Settings) -> int:
        """Seconds a claim is good for without a heartbeat."""
        return settings.lease_seconds or self.lease


@cache
def queues() -> dict[str, QueuePolicy]:
    """Return every queue by name."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return {name: QueuePolicy(name, **entry) for name, entry in tomllib.loads(text).items()}


def served_by(worker: str) -> list[QueuePolicy]:
    """Return the queues that one kind of worker serves."""
    return [policy for policy in queues().values() if policy.worker == worker]

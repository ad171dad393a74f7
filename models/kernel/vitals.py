"""Vitals: what a process costs and how busy its pool is, noted every two seconds (I-06, I-10)."""

import os
from pathlib import Path
from threading import Event, Thread, active_count
from typing import Final

from models.kernel.database import Pool, database
from models.kernel.measures import (
    DATABASE_CONNECTIONS,
    PROCESS_CPU_SECONDS,
    PROCESS_FILES,
    PROCESS_MEMORY_BYTES,
    PROCESS_THREADS,
)

SECONDS: Final = 2.0

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Vitals:
    """Takes the pulse of this process on a thread of its own."""

    def __init__(self, kind: str) -> None:
        """Take the kind of process it is."""
        self._kind = kind
        self._used = 0.0
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, now and then every two seconds."""
        self._thread = Thread(target=self._go_on, name="vitals", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def note(self) -> None:
        """Note how it is at this moment; time on a core includes that of children which ended."""
        used = sum(os.times()[:4])
        PROCESS_CPU_SECONDS.add(self._kind, amount=used - self._used)
        self._used = used
        resident = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        PROCESS_MEMORY_BYTES.set(int(resident) * _PAGE_BYTES, self._kind)
        PROCESS_THREADS.set(active_count(), self._kind)
        PROCESS_FILES.set(sum(1 for _ in Path("/proc/self/fd").iterdir()), self._kind)
        pool = database.obj
        if isinstance(pool, Pool):
            figures = pool.figures
            DATABASE_CONNECTIONS.set(figures.in_use, self._kind, "in_use")
            DATABASE_CONNECTIONS.set(figures.idle, self._kind, "idle")
            DATABASE_CONNECTIONS.set(figures.free, self._kind, "free")

    def _go_on(self) -> None:
        self.note()
        while not self._stop.wait(SECONDS):
            self.note()

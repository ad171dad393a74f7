"""The heart of a worker process: renews all leases in one statement, and brings back stops."""

from threading import Event, Lock, Thread
from typing import Any, Final
from uuid import UUID

import redis
from peewee import PeeweeException

from jobs.run import LeaseLost
from jobs.streams import CANCEL_CHANNEL, Streams
from models import engine
from models.kernel.logs import get_logger
from workers.runs import ActiveRun

LISTEN_SECONDS: Final = 1.0

log = get_logger(__name__)


class Heart:
    """Keeps the runs of this process alive and listens for cancels.

    The heartbeat carries progress out and cancels in; the bell over Redis only makes a cancel
    faster (≤ 1 s against a sixth of the lease).
    """

    def __init__(self, streams: Streams, listener: redis.Redis, interval: float) -> None:
        """Take what it needs; `interval` is a sixth of the shortest lease, in seconds."""
        self._streams = streams
        self._listener = listener
        self._interval = interval
        self._runs: dict[UUID, ActiveRun] = {}
        self._lock = Lock()
        self._stopping = Event()
        self._threads = (
            Thread(target=self._beat_forever, name="heart", daemon=True),
            Thread(target=self._listen_forever, name="cancels", daemon=True),
        )

    def start(self) -> None:
        """Start beating and listening."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop beating."""
        self._stopping.set()

    @property
    def is_beating(self) -> bool:
        """Whether leases are still being renewed; a worker without that must not go on."""
        return all(thread.is_alive() for thread in self._threads)

    def add(self, run: ActiveRun) -> None:
        """Keep a run alive from now on."""
        with self._lock:
            self._runs[run.job_id] = run

    def remove(self, run: ActiveRun) -> None:
        """Let go of a run that has ended."""
        with self._lock:
            if self._runs.get(run.job_id) is run:
                del self._runs[run.job_id]

    def runs(self) -> list[ActiveRun]:
        """Return the runs in progress."""
        with self._lock:
            return list(self._runs.values())

    def beat(self) -> None:
        """Renew every lease once; stop the runs that are lost, cancelled or overdue."""
        runs = self.runs()
        if not runs:
            return
        asked_at = {run.job_id: run.moment() for run in runs}
        pulses = {(p.id, p.attempt): p for p in engine.heartbeat([run.beat for run in runs])}
        for run in runs:
            pulse = pulses.get((run.job_id, run.attempt))
            if pulse is None:
                run.stop(LeaseLost())
                continue
            run.renewed(asked_at[run.job_id])
            if pulse.cancelled:
                run.cancel()
            elif pulse.overdue:
                run.overdue()
        self._mend_streams(runs)

    def _mend_streams(self, runs: list[ActiveRun]) -> None:
        there = self._streams.exist([run.job_id for run in runs])
        for run, exists in zip(runs, there, strict=True):
            if not exists:
                run.producer.snapshot()

    def _beat_forever(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self.beat()
            except PeeweeException as error:
                log.warning("heart.missed", error=type(error).__name__)

    def _listen_forever(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                log.warning("heart.deaf", error=type(error).__name__)
                self._stopping.wait(LISTEN_SECONDS)

    def _listen(self) -> None:
        ear: Any = self._listener.pubsub(ignore_subscribe_messages=True)
        with ear:
            ear.subscribe(CANCEL_CHANNEL)
            while not self._stopping.is_set():
                message = ear.get_message(timeout=LISTEN_SECONDS)
                if message is None:
                    continue
                with self._lock:
                    run = self._runs.get(UUID(message["data"].decode()))
                if run is not None:
                    run.cancel()

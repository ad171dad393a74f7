"""The scheduler process: `python -m schedules.clock`. Any number may run.

APScheduler only ticks here: what is due is said by the database's clock, and what must happen once
is made so by the rows it writes.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from types import FrameType
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler

from jobs.payments.till import Till
from jobs.postman import Postman
from jobs.purchases import Purchases
from jobs.queue import Queue
from jobs.streams import Streams
from jobs.watch.opening import open_watch
from jobs.watch.watch import ROUND_SECONDS, Watch
from models.kernel.blobs import open_blobs
from models.kernel.broker import open_broker
from models.kernel.cache import open_cache
from models.kernel.clock import Clock, SystemClock
from models.kernel.database import connect
from models.kernel.ids import new_id
from models.kernel.logs import get_logger
from models.kernel.observing import observe
from models.kernel.settings import BadSettings, Settings, load
from schedules.reconciler import Reconciler
from schedules.rounds import LEASE_SECONDS, TICK_SECONDS, Rounds
from schedules.works import Tools, works

HOUR: Final = 3600
ONE_AT_A_TIME: Final = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}

log = get_logger(__name__)


def main(clock: Clock) -> int:
    """Reconcile, watch, and carry the calendar out, until SIGTERM or SIGINT."""
    try:
        settings = load()
        end = observe(settings, "scheduler")
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stop = _stopped_by_signals()
    house = build(settings, clock)
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults=ONE_AT_A_TIME)
    _every(scheduler, settings.reconcile_seconds, "reconciler", house.reconciler.round)
    _every(scheduler, ROUND_SECONDS, "watch", house.watch.round)
    _every(scheduler, TICK_SECONDS, "rounds", house.rounds.round)
    _every(scheduler, house.rounds.beat_seconds, "leases", house.rounds.beat)
    scheduler.start()
    log.info("scheduler.ready", every=settings.reconcile_seconds)
    stop.wait()
    scheduler.shutdown(wait=True)
    house.rounds.stop()
    house.postman.stop()
    end()
    return 0


@dataclass(frozen=True, slots=True)
class House:
    """The parts of one scheduler process."""

    postman: Postman
    reconciler: Reconciler
    watch: Watch
    rounds: Rounds


def build(settings: Settings, clock: Clock) -> House:
    """Connect the parts of one scheduler process.

    Its threads keep no connection: one that has rested since yesterday may be dead.
    """
    pool, cache = connect(settings), open_cache(settings)
    pool.is_kept = False
    postman = Postman(open_broker(settings), clock)
    streams = Streams(cache, clock, settings.stream_hours * HOUR)
    watch = open_watch(settings, pool, cache, clock)
    tools = Tools(
        settings=settings,
        clock=clock,
        queue=Queue(postman, streams, settings),
        blobs=open_blobs(settings),
        watch=watch,
        purchases=Purchases(Till.of(settings, clock), clock),
    )
    return House(
        postman=postman,
        reconciler=Reconciler(postman, streams, settings),
        watch=watch,
        rounds=Rounds(works(tools), _name(), clock, lease=settings.lease_seconds or LEASE_SECONDS),
    )


def _name() -> str:
    """Return what this process is called, which no other ever was."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-8:]}"


def _every(
    scheduler: BackgroundScheduler, seconds: float, name: str, work: Callable[[], object]
) -> None:
    """Have something done now and every so many seconds."""
    now = SystemClock().now()
    scheduler.add_job(
        lambda: _safely(name, work), "interval", seconds=seconds, id=name, next_run_time=now
    )


def _safely(name: str, work: Callable[[], object]) -> None:
    """Do one round; whatever goes wrong in it must not end the scheduler."""
    try:
        work()
    except Exception:
        log.exception("schedule.failed", schedule=name)


def _stopped_by_signals() -> Event:
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


if __name__ == "__main__":
    sys.exit(main(SystemClock()))

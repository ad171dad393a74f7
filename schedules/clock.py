"""The scheduler process: `python -m schedules.clock`. Any number may run.

APScheduler only tells the time here: what must happen once is made so by the rows it writes.
"""

import signal
import sys
from threading import Event
from types import FrameType
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler

from jobs.postman import Postman
from jobs.streams import Streams
from models.kernel.broker import open_broker
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import connect
from models.kernel.logs import get_logger, log_to_stderr
from models.kernel.settings import BadSettings, Settings, load
from schedules.reconciler import Reconciler

HOUR: Final = 3600

log = get_logger(__name__)


def main() -> int:
    """Reconcile every few seconds until SIGTERM or SIGINT."""
    try:
        settings = load()
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    log_to_stderr(settings.log_level)
    stop = _stopped_by_signals()
    postman, reconciler = build(settings)
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        lambda: _safely(reconciler),
        "interval",
        seconds=settings.reconcile_seconds,
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
        id="reconciler",
    )
    scheduler.start()
    log.info("scheduler.ready", every=settings.reconcile_seconds)
    stop.wait()
    scheduler.shutdown(wait=True)
    postman.stop()
    return 0


def build(settings: Settings) -> tuple[Postman, Reconciler]:
    """Connect the parts of one scheduler process."""
    connect(settings)
    clock = SystemClock()
    postman = Postman(open_broker(settings), clock)
    streams = Streams(open_cache(settings), clock, settings.stream_hours * HOUR)
    return postman, Reconciler(postman, streams, settings)


def _safely(reconciler: Reconciler) -> None:
    """Do one round; whatever goes wrong in it must not end the scheduler."""
    try:
        reconciler.round()
    except Exception:
        log.exception("reconciler.failed")


def _stopped_by_signals() -> Event:
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


if __name__ == "__main__":
    sys.exit(main())

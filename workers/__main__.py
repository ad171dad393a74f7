"""A worker process: `python -m workers default|pages|llm`.

One process with threads, and no parent over it: Dramatiq's own command takes all its children
down with one of them, and whoever runs the Procfile restarts a process anyway.
"""

import os
import signal
import sys
from collections.abc import Callable
from pkgutil import resolve_name
from threading import Event, Timer
from types import FrameType
from typing import Final

from dramatiq.worker import Worker

from jobs.services import Registry
from models.catalogue.queues import served_by
from models.kernel.cache import open_cache
from models.kernel.logs import get_logger
from models.kernel.memory import give_freed_back
from models.kernel.observing import observe
from models.kernel.settings import BadSettings, load
from workers.tools import Tools, build
from workers.waiting import WaitingRoom

CREWS: Final = {
    "default": (
        "workers.system:enlist",
        "workers.rendering:enlist_readers",
        "workers.mail:enlist",
        "workers.people:enlist",
        "workers.billing:enlist",
        "workers.webhooks:enlist",
    ),
    "pages": ("workers.rendering:enlist_images",),
    "llm": ("workers.llm:enlist",),
}
POLL_MS: Final = 250
FINISH_SECONDS: Final = 20
STOP_MS: Final = 25_000
HEART_CHECK_SECONDS: Final = 1.0

log = get_logger(__name__)


def main(arguments: list[str]) -> int:
    """Serve the queues of one kind of worker until SIGTERM or SIGINT."""
    if len(arguments) != 1 or arguments[0] not in CREWS:
        sys.stderr.write(f"usage: python -m workers {'|'.join(CREWS)}\n")
        return 2
    give_freed_back()
    try:
        settings = load()
        end = observe(settings, f"worker-{arguments[0]}")
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    tools = build(settings, arguments[0])
    for enlist in CREWS[arguments[0]]:
        resolve_name(enlist)(tools)
    serve(tools, arguments[0])
    end()
    return 0


def serve(tools: Tools, kind: str, until: Event | None = None) -> None:
    """Run until told to stop, then finish what runs, or give it back, within 25 s.

    A worker whose heart or couriers have stopped stops too: somebody else must have its jobs.
    """
    stop = until or _stopped_by_signals()
    policies = served_by(kind)
    threads = policies[0].thread_count(tools.settings)
    worker = Worker(
        tools.broker,
        queues={policy.name for policy in policies},
        worker_timeout=POLL_MS,
        worker_threads=threads,
    )
    worker.queue_prefetch = 4 * threads
    worker.work_queue = room = WaitingRoom()
    registry = Registry(open_cache(tools.settings), kind, tools.clock)
    registry.start()
    tools.heart.start()
    worker.start()
    if tools.couriers:
        tools.couriers.start()
    log.info("worker.ready", kind=kind, threads=threads)
    while not stop.wait(HEART_CHECK_SECONDS):
        if not tools.heart.is_beating:
            log.critical("worker.heart_stopped")
            break
        if tools.couriers and not tools.couriers.is_working:
            log.critical("worker.couriers_stopped")
            break
    _drain(tools, worker, room)
    registry.stop()


def _drain(tools: Tools, worker: Worker, room: WaitingRoom) -> None:
    log.info("worker.stopping", running=len(tools.heart.runs()))
    tools.desk.is_stopping = True
    began = tools.clock.elapsed()
    if tools.couriers:
        tools.couriers.halt()
    patience = Timer(FINISH_SECONDS, _for_each_run(tools))
    patience.daemon = True
    patience.start()
    for thread in worker.workers:
        thread.stop()
    room.close()
    worker.stop(timeout=STOP_MS)
    patience.cancel()
    for run in tools.heart.runs():
        tools.desk.give_back(run)
    if tools.couriers:
        tools.couriers.stop(max(0.0, FINISH_SECONDS - (tools.clock.elapsed() - began)))
    tools.heart.stop()
    tools.postman.stop()
    tools.broker.close()


def _for_each_run(tools: Tools) -> Callable[[], None]:
    def give_back() -> None:
        for run in tools.heart.runs():
            run.give_back()

    return give_back


def _stopped_by_signals() -> Event:
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

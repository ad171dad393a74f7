"""One storm: load and harm together, then calm, then the verdict."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

import requests

from jobs.postman import Postman
from jobs.queue import Queue
from jobs.streams import Streams
from models.kernel.broker import open_broker
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool, database, open_pool
from tests.chaos.faults import Faults
from tests.chaos.load import Load, make_clients
from tests.chaos.stack import Stack, ask, owner
from tests.chaos.verdict import Verdict, judge
from tests.servers import Rabbit, Servers

JOBS_PER_SECOND: Final = 9
START_SECONDS: Final = 180
POLL_SECONDS: Final = 0.25
HOUR: Final = 3_600

_OPEN: Final = "select count(*) from job where state in ('queued', 'running')"


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a storm: everything random comes from the seed."""

    seed: int
    seconds: int

    @property
    def limit(self) -> float:
        """When it ends at the latest."""
        return 5 * self.seconds + 240

    @property
    def jobs(self) -> int:
        """How many jobs there are to be at least."""
        return JOBS_PER_SECOND * self.seconds


def storm(plan: Plan, home: Path, rabbit: Rabbit | None = None) -> Verdict:
    """Let one storm pass over a stack of its own in `home`; always ends, by `plan.limit`."""
    clock = SystemClock()
    bound = database.obj
    with ExitStack() as undo:
        servers = undo.enter_context(Servers(home))
        stack = Stack(servers, rabbit.url if rabbit else "")
        undo.callback(stack.stop)
        stack.start()
        pool = open_pool(stack.settings)
        database.initialize(pool)
        undo.callback(database.initialize, bound)
        undo.callback(pool.close_all)
        load = _load(stack, plan, pool, undo)
        _await_webs(stack)
        ends_at = clock.elapsed() + plan.limit
        faults = Faults(stack, Random(plan.seed), rabbit)
        load.start()
        faults.start()
        Event().wait(plan.seconds)
        load.wind_down()
        faults.stop()
        _calm(stack, load, ends_at, clock)
        left = stack.stop()
        with owner(stack.settings) as eyes:
            return judge(eyes, load, faults.done, left)


def _load(stack: Stack, plan: Plan, pool: Pool, undo: ExitStack) -> Load:
    clock = SystemClock()
    broker = open_broker(stack.settings)
    undo.callback(broker.close)
    postman = Postman(broker, clock)
    undo.callback(postman.stop)
    queue = Queue(postman, Streams(open_cache(stack.settings), clock, HOUR), stack.settings)
    with pool.borrowed():
        clients = make_clients()
    return Load(stack.addresses, clients, queue, seed=plan.seed, target=plan.jobs)


def _await_webs(stack: Stack) -> None:
    pause = Event()
    for address in stack.addresses:
        for _ in range(int(START_SECONDS / POLL_SECONDS)):
            try:
                if requests.get(f"{address}/health", timeout=10).ok:
                    break
            except requests.RequestException:
                pass
            pause.wait(POLL_SECONDS)
        else:
            raise TimeoutError(f"{address} did not start:\n{stack.log.read_text()[-2000:]}")


def _calm(stack: Stack, load: Load, ends_at: float, clock: SystemClock) -> None:
    """Wait until every client is answered and every job is over, or the time is."""
    pause = Event()
    while clock.elapsed() < ends_at:
        if load.is_over() and ask(stack.settings.database_url, _OPEN) == [(0,)]:
            return
        pause.wait(POLL_SECONDS)
    load.give_up()

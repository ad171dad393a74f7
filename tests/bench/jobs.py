"""Jobs a second, from accept to terminal:

`python -m tests.bench.jobs [--rounds N] [--jobs N] [--brokers redis rabbit] [--peers PYTHON]`

`system.echo` with 200 bytes, its result kept: by threads that call `Queue.put` in this process
beside one worker, over many accounts and over one, on each broker that is installed; then over
HTTP, with an API key. The rate runs from the first accept to the last `finished_at`. Contenders
take turns and the median of the rounds counts. Beside it the CPU that a job costs, by process.
Procrastinate and Celery take their turns when `--peers` (by default our own interpreter, with the
extra `bench`) has them.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import requests

from jobs.postman import Postman
from jobs.queue import Queue, Sender
from jobs.streams import Streams
from jobs.system import Echo
from models.kernel.broker import open_broker
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from tests.bench.peers.contenders import peers
from tests.bench.rig import BROKERS, Meter, Rig, rig, say, spread
from tests.processes import Web, until

TEXT: Final = "x" * 200
DRAIN_SECONDS: Final = 300.0
WARM: Final = 200
ACCOUNTS: Final = {"50 accounts": 50, "one account": 1}
PEERS: Final = ("Procrastinate", "Celery")

Turn = Callable[[int], float]
"""One round of a contender: so many jobs, and the rate they came to."""


@dataclass(slots=True)
class Seen:
    """The rounds of one contender: rates, and CPU microseconds a job by process."""

    rates: list[float] = field(default_factory=list)
    costs: dict[str, list[float]] = field(default_factory=dict)

    def add(self, rate: float, spent: dict[str, float], jobs: int) -> None:
        """Keep one round."""
        self.rates.append(rate)
        for name, seconds in spent.items():
            if seconds * 1e6 / jobs < 5:
                continue
            self.costs.setdefault(name, []).append(seconds * 1e6 / jobs)

    def __str__(self) -> str:
        costs = (f"{name} {statistics.median(c):.0f}" for name, c in sorted(self.costs.items()))
        return f"{spread(self.rates):>18} jobs/s   CPU us/job: {', '.join(costs)}"


@contextmanager
def queue_of(stack: Rig) -> Iterator[Queue]:
    """Make the queue of this process, as the API has it."""
    clock = SystemClock()
    postman = Postman(open_broker(stack.settings), clock)
    yield Queue(postman, Streams(open_cache(stack.settings), clock, 600), stack.settings)
    postman.stop()


class InProcess:
    """Threads that put jobs into the queue, beside a worker process that is warm."""

    def __init__(self, stack: Rig, queue: Queue, threads: int) -> None:
        """Take a stack on which a worker runs already."""
        self._stack = stack
        self._queue = queue
        self._pool = ThreadPoolExecutor(threads)

    def run(self, jobs: int, accounts: int) -> float:
        """Return the rate of one round."""
        senders = self._stack.accounts(accounts)
        return rate_of(self._stack, senders, lambda: self._put(senders, jobs))

    def _put(self, senders: Sequence[Sender], jobs: int) -> None:
        work = (senders[number % len(senders)] for number in range(jobs))
        list(self._pool.map(lambda sender: self._queue.put(Echo(TEXT), sender), work))


class OverHttp:
    """Connections that post jobs with API keys, kept alive."""

    def __init__(self, stack: Rig, web: Web, threads: int) -> None:
        """Take a stack on which web and worker run already."""
        self._stack = stack
        self._web = web
        self._pool = ThreadPoolExecutor(threads)
        self._threads = threads
        self._keys = [stack.key(web, f"bench{number}@example.org") for number in range(5)]

    def run(self, jobs: int) -> float:
        """Return the rate of one round."""
        each = jobs // self._threads
        began = _now(self._stack)
        list(self._pool.map(lambda number: self._post(number, each), range(self._threads)))
        until(lambda: not self._stack.left(), "jobs are left", DRAIN_SECONDS)
        return _rate_since(self._stack, began)

    def _post(self, number: int, jobs: int) -> None:
        body = {"type": "system.echo", "input": {"text": TEXT}}
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self._keys[number % len(self._keys)]}"
            for _ in range(jobs):
                answer = session.post(f"{self._web.address}/v1/jobs", json=body, timeout=30)
                answer.raise_for_status()


def rate_of(stack: Rig, senders: Sequence[Sender], put: Callable[[], None]) -> float:
    """Run `put`, wait until every job of the senders is over, and return their rate."""
    began = _now(stack)
    put()
    until(lambda: not stack.left(), f"jobs of {len(senders)} accounts are left", DRAIN_SECONDS)
    return _rate_since(stack, began)


def _now(stack: Rig) -> object:
    return stack.pool.rows("select clock_timestamp()")[0][0]


def _rate_since(stack: Rig, began: object) -> float:
    ((rate, failed),) = stack.pool.rows(
        "select count(*) / extract(epoch from max(finished_at) - min(created_at)),"
        " count(*) filter (where state <> 'succeeded') from job where created_at >= %s",
        (began,),
    )
    if failed:
        raise RuntimeError(f"{failed} jobs did not succeed")
    return float(rate)


def measured(broker: str, asked: argparse.Namespace) -> dict[str, Seen]:
    """Run every contender of one broker in turns."""
    seen: dict[str, Seen] = {}
    with ExitStack() as held:
        stack = held.enter_context(rig(broker, threads=asked.threads))
        queue = held.enter_context(queue_of(stack))
        processes, turns = _contenders(stack, queue, asked, held)
        meter = Meter(stack, **processes)
        for _ in range(asked.rounds):
            for name, run in turns.items():
                meter.start()
                rate = run(asked.jobs)
                seen.setdefault(name, Seen()).add(rate, meter.spent(), asked.jobs)
    return seen


def _contenders(
    stack: Rig, queue: Queue, asked: argparse.Namespace, held: ExitStack
) -> tuple[dict[str, int], dict[str, Turn]]:
    """Start what the contenders need; return their processes, and how each takes its turn."""
    worker = stack.processes.worker("default")
    stack.processes.scheduler()
    local = InProcess(stack, queue, asked.threads)
    local.run(WARM, 5)
    processes = {"worker": worker.pid}
    turns: dict[str, Turn] = {
        name: partial(local.run, accounts=count) for name, count in ACCOUNTS.items()
    }
    if asked.http:
        web = stack.processes.web()
        processes["web"] = web.process.pid
        turns["over HTTP"] = OverHttp(stack, web, asked.threads).run
    if not stack.rabbit:
        for name, peer in held.enter_context(peers(stack, asked.threads, asked.peers)).items():
            processes[name] = peer.worker.pid
            turns[name] = peer.run
    return processes, turns


def main(arguments: Sequence[str]) -> None:
    """Print a line for each contender, and how many times a peer we are."""
    asked = _arguments(arguments)
    for broker in asked.brokers:
        rows = measured(broker, asked)
        ours = statistics.median(rows["50 accounts"].rates)
        for name, seen in rows.items():
            beside = ""
            if name in PEERS:
                beside = f"   ours is {ours / statistics.median(seen.rates):.2f} x"
            say(f"jobs, {broker:>6}, {name:<13} {seen}{beside}")
        for name in PEERS if broker == "redis" else ():
            if name not in rows:
                say(f"jobs, {broker:>6}, {name:<13} is not installed for {asked.peers}")


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.jobs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--brokers", nargs="*", default=BROKERS)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--no-http", dest="http", action="store_false")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])

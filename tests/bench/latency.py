"""Idle latency, one job at a time: `python -m tests.bench.latency [--jobs N]`

`started` is `started_at` − `created_at` of the rows, for jobs put in this process 200 ms apart;
`first event` is what a client sees, from sending `POST /v1/jobs` to the first delta of the stream
it opens next.
"""

import argparse
import sys
from collections.abc import Sequence
from threading import Event
from typing import Final

import requests

from jobs.system import Echo
from models.kernel.clock import SystemClock
from tests.bench.jobs import TEXT, queue_of
from tests.bench.rig import BROKERS, Rig, percentile, rig, say
from tests.processes import Web, until

PAUSE: Final = 0.2


def started(stack: Rig, jobs: int) -> list[float]:
    """Return the milliseconds from accept to start of each of some jobs."""
    (sender,) = stack.accounts(1)
    pause = Event()
    with queue_of(stack) as queue:
        for _ in range(jobs):
            queue.put(Echo(TEXT), sender)
            pause.wait(PAUSE)
    until(lambda: not stack.left(), "jobs are left")
    rows = stack.pool.rows(
        "select extract(epoch from started_at - created_at) * 1000 from job where account_id = %s",
        (sender.account_id,),
    )
    return [float(row[0]) for row in rows]


def first_event(web: Web, key: str, jobs: int) -> list[float]:
    """Return the milliseconds from the request to the first delta of each of some jobs."""
    clock, pause = SystemClock(), Event()
    seen = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        for _ in range(jobs):
            began = clock.elapsed()
            body = {"type": "system.echo", "input": {"text": TEXT}}
            answer = session.post(f"{web.address}/v1/jobs", json=body, timeout=30)
            path = answer.headers["Location"]
            with session.get(f"{web.address}{path}/events", stream=True, timeout=30) as events:
                next(line for line in events.iter_lines() if b'"delta"' in line)
                seen.append((clock.elapsed() - began) * 1000)
                for _ in events.iter_lines():
                    pass
            pause.wait(PAUSE)
    return seen


def main(arguments: Sequence[str]) -> None:
    """Print two lines for each broker."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.latency")
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--brokers", nargs="*", default=BROKERS)
    asked = parser.parse_args(arguments)
    for broker in asked.brokers:
        with rig(broker) as stack:
            stack.processes.worker("default")
            web = stack.processes.web()
            key = stack.key(web, "bench@example.org")
            first_event(web, key, 5)
            _tell(f"{broker}, accept to started", started(stack, asked.jobs))
            _tell(f"{broker}, POST to first delta", first_event(web, key, asked.jobs))


def _tell(name: str, figures: Sequence[float]) -> None:
    middle, late = percentile(figures, 0.5), percentile(figures, 0.99)
    say(f"latency, {name:<28} p50 {middle:6.1f} ms   p99 {late:6.1f} ms   ({len(figures)} jobs)")


if __name__ == "__main__":
    main(sys.argv[1:])

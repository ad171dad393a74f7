"""What one account's backlog costs another: `python -m tests.bench.fairness [--jobs N]`

Account A has queued thousands of jobs when B brings one. Counted: A's jobs that started between
B's accept and B's start, which may not pass A's window in the broker.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from jobs.system import Echo
from models.catalogue.queues import queues
from tests.bench.jobs import TEXT, queue_of
from tests.bench.rig import BROKERS, Rig, percentile, rig, say
from tests.processes import until

VISITS: Final = 20
OVERTAKING: Final = """
select count(a.id), extract(epoch from min(b.started_at - b.created_at)) * 1000
from job b left join job a
    on a.account_id = %s and a.started_at between b.created_at and b.started_at
where b.account_id = %s
"""


def visits(stack: Rig, backlog: int) -> list[tuple[int, float]]:
    """Return, for each of some newcomers, how many went before it and the milliseconds it took."""
    busy, *newcomers = stack.accounts(1 + VISITS)
    seen = []
    with queue_of(stack) as queue, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: queue.put(Echo(TEXT), busy), range(backlog)))
        stack.processes.worker("default")
        until(lambda: _started(stack, busy.account_id) >= 10, "the backlog does not begin")
        for newcomer in newcomers:
            queue.put(Echo(TEXT), newcomer)
            until(lambda who=newcomer: _started(stack, who.account_id), "a newcomer waits")
            seen += stack.pool.rows(OVERTAKING, (busy.account_id, newcomer.account_id))
    return [(int(count), float(took)) for count, took in seen]


def _started(stack: Rig, account_id: object) -> int:
    ((count,),) = stack.pool.rows(
        "select count(*) from job where account_id = %s and started_at is not null", (account_id,)
    )
    return int(count)


def main(arguments: Sequence[str]) -> None:
    """Print a line for each broker."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fairness")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--brokers", nargs="*", default=BROKERS)
    asked = parser.parse_args(arguments)
    for broker in asked.brokers:
        with rig(broker) as stack:
            window = queues()["default"].window(stack.settings)
            seen = visits(stack, asked.jobs)
        counts, times = [count for count, _ in seen], [took for _, took in seen]
        waits = f"waits p50 {percentile(times, 0.5):.0f} ms, most {max(times):.0f} ms"
        most = f"{max(counts)} of {asked.jobs} at most (window {window})"
        say(f"fairness, {broker}: before a newcomer's job {most}, {waits}")


if __name__ == "__main__":
    main(sys.argv[1:])

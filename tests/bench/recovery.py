"""Recovery: `python -m tests.bench.recovery [--events 100000] [--kills 2]`

An endpoint asks for everything that has happened before it was there. The worker is killed in the
middle, so often, and started again. Counts what was made, what arrived and what was doubled.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from jobs.postman import Postman
from jobs.queue import Queue, Sender
from jobs.streams import Streams
from jobs.webhooks.again import RecoverWebhook
from models.jobs import JobRow
from models.kernel.broker import open_broker
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import database
from tests.bench.rig import Rig, rig, say
from tests.bench.webhooks import Site, is_done, signed, site
from tests.processes import until
from tests.webhook_factories import webhook

SECONDS: Final = 560
STEP: Final = 5_000

_HAPPEN: Final = """
insert into event (id, account_id, mode, type, data)
select event_id(), %s, 'live', 'book.created', jsonb_build_object('n', n)
from generate_series(1, %s) as n
"""
_SPAN: Final = """
select min(created_at)::text, (max(created_at) + interval '1 second')::text from event
"""
_DELIVERED: Final = "select count(*) from webhook_delivery where state = 'delivered'"


def recover(stack: Rig, receiver: Site, events: int, kills: int) -> tuple[float, float]:
    """Return the seconds until all deliveries were made, and until they had arrived."""
    clock = SystemClock()
    (sender,) = stack.accounts(1)
    for _ in range(0, events, STEP):
        database.rows(_HAPPEN, (sender.account_id, STEP))
    row = webhook(
        sender.account_id, url=f"{receiver.url}/again", events=["book.*"], max_in_flight=100
    )
    signed(row, stack.settings)
    ((since, end),) = database.rows(_SPAN)
    began = clock.elapsed()
    job = _asked(stack, RecoverWebhook(row.id, since, end), sender.account_id)
    worker = stack.processes.worker("default")
    for _ in range(kills):
        enough = _arrived() + events // 10
        until(partial(_has_arrived, enough), "it stands still", SECONDS)
        worker.kill()
        worker.wait()
        worker = stack.processes.worker("default")
    until(lambda: JobRow.get_by_id(job).state == "succeeded", "the job does not end", SECONDS)
    made = clock.elapsed() - began
    until(is_done, "not all was delivered", SECONDS)
    return made, clock.elapsed() - began


def _asked(stack: Rig, job: RecoverWebhook, account: UUID) -> UUID:
    sender = Sender(account, "live")
    postman = Postman(open_broker(stack.settings), SystemClock())
    queue = Queue(postman, Streams(open_cache(stack.settings), SystemClock(), 600), stack.settings)
    row = queue.put(job, sender)
    postman.stop()
    return row.id


def _arrived() -> int:
    return int(database.rows(_DELIVERED)[0][0])


def _has_arrived(count: int) -> bool:
    return _arrived() >= count


def main(arguments: Sequence[str]) -> int:
    """Recover, and print the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recovery")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=2)
    options = parser.parse_args(arguments)
    variables = {"ILM_EGRESS_ALLOW": "127.0.0.0/8", "ILM_RECONCILE_SECONDS": "1"}
    with site() as receiver, rig("redis", **variables) as stack:
        made, arrived = recover(stack, receiver, options.events, options.kills)
        came = [key for _, key, _ in receiver.arrived()]
    distinct = len(set(came))
    say(
        f"recovery of {options.events}: made in {made:.0f} s, arrived in {arrived:.0f} s,"
        f" {options.kills} kills: {distinct} arrived, {len(came) - distinct} doubled"
    )
    return 0 if distinct == options.events else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

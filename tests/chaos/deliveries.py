"""`python -m tests.chaos.deliveries [--events 10000] [--seed N] [--broker redis|rabbit]`

Lets events happen while everything is killed, and counts what became of each: delivered, given up
in the open, doubled, or nobody knows. A fifth of the endpoints keep an order. Exit code 1 for an
event that is unexplained, an order that was not kept, or a delivery that nobody received.
"""

import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack, nullcontext
from pathlib import Path
from random import Random
from secrets import randbelow
from threading import Event
from typing import Final
from uuid import UUID

from peewee import PeeweeException

from models.kernel.clock import SystemClock
from models.kernel.database import database, open_pool
from models.kernel.ids import new_id
from tests.bench.webhooks import Site, signed, site
from tests.chaos.faults import FIRST, Faults
from tests.chaos.stack import WORKERS, Stack
from tests.processes import until
from tests.servers import ROOT, Rabbit, Servers
from tests.webhook_factories import webhook

ENDPOINTS: Final = 50
ORDERED: Final = 10
AT_ONCE: Final = 10
CALM_SECONDS: Final = 240
POLL_SECONDS: Final = 0.5
VARIABLES: Final = {
    "ILM_EGRESS_ALLOW": "127.0.0.0/8",
    "ILM_WEBHOOK_TIMEOUT": "10",
    "ILM_WEBHOOK_SCHEDULE": "1,1,2,2,5,5,10,10,20,20",
}

_HAPPEN: Final = """
insert into event (id, account_id, mode, type, data, once)
select event_id(), %s, 'live', 'book.created', jsonb_build_object('n', n), 'storm:' || n
from generate_series(%s::int, %s::int) n on conflict (once) do nothing
"""
_ENDS: Final = """
select wire_id('evt', event_id), state, webhook_id, (data ->> 'n')::int, fifo_key is not null
from webhook_delivery join event on event.id = event_id
"""
_OPEN: Final = """
select count(*) from webhook_delivery where state in ('pending', 'delivering')
"""


class Outcome:
    """What became of every event."""

    def __init__(self, wanted: int, arrived: list[tuple[str, str, float]]) -> None:
        """Ask the rows, and hold them against what the receiver has seen."""
        ends = database.rows(_ENDS)
        came = Counter(key for _, key, _ in arrived)
        states = Counter(state for _, state, *_ in ends)
        delivered = {key for key, state, *_ in ends if state == "delivered"}
        self.delivered, self.exhausted = states["delivered"], states["exhausted"]
        self.unexplained = wanted - self.delivered - self.exhausted
        self.unheard = len(delivered - set(came))
        self.doubled = sum(came.values()) - len(came)
        self.disordered = _disordered(ends, arrived)
        self.wanted = wanted

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost and every order kept."""
        return not (self.unexplained or self.unheard or self.disordered)

    def __str__(self) -> str:
        share = 100 * self.doubled / self.wanted
        return (
            f"deliveries: {self.delivered} delivered, {self.exhausted} exhausted,"
            f" {self.unexplained} unexplained, {self.unheard} delivered to nobody,"
            f" {self.disordered} out of order, {self.doubled} doubled ({share:.2f} %)"
        )


def _disordered(ends: list[tuple[object, ...]], arrived: list[tuple[str, str, float]]) -> int:
    """Count what arrived, at an endpoint that keeps an order, before what came before it."""
    ordered = {key: (place, number) for key, _, place, number, is_kept in ends if is_kept}
    last: dict[object, object] = {}
    seen: set[str] = set()
    wrong = 0
    for _, key, _ in arrived:
        if key in ordered and key not in seen:
            place, number = ordered[key]
            wrong += int(str(number)) < int(str(last.get(place, -1)))
            last[place] = number
            seen.add(key)
    return wrong


def endpoints(stack: Stack, receiver: Site) -> list[UUID]:
    """Make accounts with an endpoint each; the first few keep an order."""
    accounts = [new_id() for _ in range(ENDPOINTS)]
    for number, who in enumerate(accounts):
        database.rows("insert into account (id) values (%s)", (str(who),))
        order = "" if number < ORDERED else None
        signed(webhook(who, url=f"{receiver.url}/{number}", fifo=order), stack.settings)
    return accounts


def happen(accounts: list[UUID], count: int, dice: Random) -> None:
    """Let so many things happen, each once, however often it has to be said."""
    pause = Event()
    for first in range(0, count, AT_ONCE):
        who = str(dice.choice(accounts))
        while True:
            try:
                database.rows(_HAPPEN, (who, first, min(first + AT_ONCE, count) - 1))
                break
            except PeeweeException:
                pause.wait(POLL_SECONDS)
        pause.wait(0.05)


def _calm() -> None:
    """Wait until everything has its end, or the time is over."""
    clock, pause = SystemClock(), Event()
    until = clock.elapsed() + CALM_SECONDS
    while clock.elapsed() < until:
        try:
            if database.rows(_OPEN) == [(0,)]:
                return
        except PeeweeException:
            pass
        pause.wait(POLL_SECONDS)


def storm(
    events: int, seed: int, home: Path, rabbit: Rabbit | None = None
) -> tuple[Outcome, Counter[str]]:
    """Let so many events happen and harm be done; return what became of them."""
    bound = database.obj
    with ExitStack() as undo:
        receiver = undo.enter_context(site())
        servers = undo.enter_context(Servers(home))
        stack = Stack(servers, rabbit.url if rabbit else "", **VARIABLES)
        undo.callback(stack.stop)
        stack.start()
        pool = open_pool(stack.settings)
        database.initialize(pool)
        undo.callback(database.initialize, bound)
        undo.callback(pool.close_all)
        accounts = endpoints(stack, receiver)
        until(lambda: all(map(stack.pid, WORKERS)), "the workers are not started")
        faults = Faults(stack, Random(seed), rabbit)
        faults.start()
        happen(accounts, events, Random(seed + 1))
        until(lambda: faults.done[FIRST], "no worker was killed")
        faults.stop()
        _calm()
        return Outcome(events, receiver.arrived()), faults.done


def main() -> int:
    """Run one storm, and print what became of it."""
    parser = ArgumentParser(prog="python -m tests.chaos.deliveries")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=randbelow(10**6))
    parser.add_argument("--broker", choices=["redis", "rabbit"], default="redis")
    options = parser.parse_args()
    print(f"deliveries: events={options.events} seed={options.seed} broker={options.broker}")
    scratch = ROOT / "var"
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="deliveries-", dir=scratch) as folder:
        home = Path(folder)
        (home / "rabbit").mkdir()
        node = Rabbit(home / "rabbit") if options.broker == "rabbit" else nullcontext()
        with node as rabbit:
            outcome, done = storm(options.events, options.seed, home, rabbit)
    print(f"deliveries: {sum(done.values())} faults: {dict(done)}")
    print(outcome)
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())

"""Deliveries of webhooks: `python -m tests.bench.webhooks [--seconds N]`

One worker delivers to a hundred endpoints of a local receiver. First as fast as it can, beside a
bare loop that signs and posts by `requests` (one thread, one session, no rows); then at half of
that, from the commit of an event to its arrival; then with one endpoint more that hangs up on
nobody and answers nothing, and one where nobody listens. CPU is that of worker and PostgreSQL.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from threading import Event
from typing import Final
from uuid import UUID

import requests

from jobs.webhooks.signing import new_secret, signed_headers
from models.kernel.clock import SystemClock
from models.kernel.database import database
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings
from models.webhooks import Webhook
from tests.bench.rig import Meter, Rig, percentile, rig, say
from tests.processes import until
from tests.webhook_factories import secret, webhook

ENDPOINTS: Final = 100
BARE: Final = 1_500
ROUNDS: Final = 3
SEED: Final = 20261122

_MANY: Final = """
insert into event (id, account_id, mode, type, data)
select event_id(), who, 'live', 'book.created', '{"book": {"title": "Walden", "pages": 320}}'
from unnest(%s::uuid[]) as who
"""
_LEFT: Final = """
select count(*) from webhook_delivery join webhook on webhook.id = webhook_id
where state in ('pending', 'delivering') and account_id <> all(%s::uuid[])
"""
_WHEN: Final = """
select wire_id('evt', id), extract(epoch from created_at)::float8 from event
where account_id <> all(%s::uuid[])
"""


class Site:
    """The receiver, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def arrived(self) -> list[tuple[str, str, float]]:
        told = requests.get(f"{self.url}/arrived", timeout=30).json()
        return [(path, key, moment) for path, key, moment in told]


@contextmanager
def site() -> Iterator[Site]:
    """Start a receiver, and stop it in the end."""
    command = [sys.executable, "-m", "tests.bench.receiver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Site(process, int(process.stdout.readline()))
        process.terminate()


def endpoints(stack: Rig, receiver: Site) -> list[UUID]:
    """Make accounts with an endpoint each; return them."""
    accounts = [sender.account_id for sender in stack.accounts(ENDPOINTS)]
    for who in accounts:
        signed(webhook(who, url=f"{receiver.url}/{who}"), stack.settings)
    return accounts


def signed(row: Webhook, settings: Settings) -> None:
    """Give an endpoint a secret of the installation's."""
    secret(row, open_secrets(settings))


def happen(accounts: Sequence[UUID], count: int) -> None:
    """Let so many things happen, spread over the accounts."""
    for start in range(0, count, 500):
        some = [str(accounts[n % len(accounts)]) for n in range(start, min(count, start + 500))]
        database.rows(_MANY, (some,))


def is_done(but: Sequence[UUID] = ()) -> bool:
    """Whether everything was delivered, but to these accounts."""
    return bool(database.rows(_LEFT, (list(but),)) == [(0,)])


def drained(stack: Rig, accounts: Sequence[UUID], meter: Meter, count: int) -> tuple[float, float]:
    """Return deliveries a second, and a second of CPU of worker and PostgreSQL."""
    clock = SystemClock()
    began = clock.elapsed()
    meter.start()
    happen(accounts, count)
    until(is_done, "not all was delivered", 120)
    took = clock.elapsed() - began
    spent = meter.spent()
    return count / took, count / (spent["worker"] + spent["postgres"])


def bare(receiver: Site) -> float:
    """Return posts a second of a loop that signs."""
    clock, key = SystemClock(), new_secret()
    body = json.dumps({"id": "evt_0", "data": {"book": {"title": "Walden"}}}).encode()
    began = clock.elapsed()
    with requests.Session() as session:
        for number in range(BARE):
            headers = signed_headers([key], f"evt_{number}", 1_795_000_000, body, "X-ILM-Signature")
            session.post(f"{receiver.url}/bare", data=body, headers=dict(headers), timeout=5)
    receiver.arrived()
    return BARE / (clock.elapsed() - began)


def latencies(
    receiver: Site, accounts: Sequence[UUID], rate: float, seconds: float, but: Sequence[UUID] = ()
) -> list[float]:
    """Let things happen at a rate; return the seconds from each commit to its arrival.

    Those of the accounts in `but` count for nothing.
    """
    receiver.arrived()
    chance, pause = random.Random(SEED), Event()
    for _ in range(int(rate * seconds / 10)):
        happen([chance.choice(accounts) for _ in range(10)], 10)
        pause.wait(10 / rate)
    until(lambda: is_done(but), "not all was delivered", 60)
    told = dict(database.rows(_WHEN, (list(but),)))
    return [moment - told[key] for _, key, moment in receiver.arrived() if key in told]


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.webhooks")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=5_000)
    options = parser.parse_args(arguments)
    with site() as receiver, rig("redis", ILM_EGRESS_ALLOW="127.0.0.0/8") as stack:
        worker = stack.processes.worker("default")
        meter = Meter(stack, worker=worker.pid)
        accounts = endpoints(stack, receiver)
        drained(stack, accounts, meter, 500)
        rounds = [
            (*drained(stack, accounts, meter, options.count), bare(receiver)) for _ in range(ROUNDS)
        ]
        wall, core, floor = (median(each) for each in zip(*rounds, strict=True))
        say(
            f"webhooks, {ENDPOINTS} endpoints   {wall:5.0f}/s   {core:5.0f}/s of a core (goal 300)"
            f"   bare signing loop {floor:5.0f}/s"
        )
        _isolation(receiver, accounts, wall / 2, options.seconds)
    return 0


def _isolation(receiver: Site, accounts: Sequence[UUID], rate: float, seconds: float) -> None:
    """Print latencies at half load, without and with endpoints that do not answer."""
    calm = latencies(receiver, accounts, rate, seconds)
    say(
        f"webhooks, half load {rate:5.0f}/s   p50 {median(calm) * 1000:4.0f} ms"
        f"   p99 {percentile(calm, 0.99) * 1000:4.0f} ms (goal 1000)"
    )
    beset_by = (dead, loris) = accounts[:2]
    _moved(dead, "http://127.0.0.1:9/")
    _moved(loris, f"{receiver.url}/loris?delay=never")
    beset = latencies(receiver, accounts, rate, seconds, beset_by)
    say(
        f"webhooks, one dead and one slow   p50 {median(beset) * 1000:4.0f} ms"
        f"   p99 {percentile(beset, 0.99) * 1000:4.0f} ms"
        f"   grown {percentile(beset, 0.99) / percentile(calm, 0.99):.2f} (goal 1.10)"
    )


def _moved(account: UUID, url: str) -> None:
    Webhook.update(url=url).where(Webhook.account_id == account).execute()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

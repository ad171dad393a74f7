"""Calls out through the guard beside a bare session: `python -m tests.bench.egress [--calls N]`

One and eight threads post 500 bytes to a listener in a process of its own, on connections that are
kept. They take turns: the guarded client, the same with each body signed as webhooks are (HMAC,
Standard Webhooks), and a `requests.Session` a thread, which guards nothing. Printed is the median
of the rounds, and the guarded client's rate as a part of the bare session's.
"""

import argparse
import hmac
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from ipaddress import ip_network
from statistics import median
from threading import local
from typing import Final

import requests

from models.kernel.clock import SystemClock
from models.kernel.http import Egress
from tests.bench.rig import say
from tests.listeners import Listener

CALLS: Final = 1_500
ROUNDS: Final = 5
THREADS: Final = (1, 8)
SECONDS: Final = 15.0
BODY: Final = b'{"type":"book.created","data":"' + b"x" * 467 + b'"}'
HEADERS: Final = {
    "Content-Type": "application/json",
    "webhook-id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
}

_SECRET: Final = b"k" * 32

Call = Callable[[str], None]


def guarded() -> Call:
    """Return a call through the guard."""
    egress = Egress((ip_network("127.0.0.0/8"),))

    def call(url: str) -> None:
        egress.send("POST", url, seconds=SECONDS, cut=True, data=BODY, headers=HEADERS)

    return call


def signing() -> Call:
    """Return a call through the guard that signs what it sends."""
    egress, clock = Egress((ip_network("127.0.0.0/8"),)), SystemClock()

    def call(url: str) -> None:
        at = str(int(clock.now().timestamp()))
        signed = b".".join((HEADERS["webhook-id"].encode(), at.encode(), BODY))
        mark = hmac.new(_SECRET, signed, sha256).hexdigest()
        headers = {**HEADERS, "webhook-timestamp": at, "webhook-signature": f"v1,{mark}"}
        egress.send("POST", url, seconds=SECONDS, cut=True, data=BODY, headers=headers)

    return call


def bare() -> Call:
    """Return a call by a session of the thread's own."""
    mine = local()

    def call(url: str) -> None:
        if not hasattr(mine, "session"):
            mine.session = requests.Session()
            mine.session.trust_env = False
        mine.session.post(url, data=BODY, headers=HEADERS, timeout=SECONDS, allow_redirects=False)

    return call


def rate(call: Call, url: str, pool: ThreadPoolExecutor, calls: int) -> float:
    """Return how many calls a second the pool's threads make together."""
    clock = SystemClock()
    began = clock.elapsed()
    for _ in pool.map(call, [url] * calls):
        pass
    return calls / (clock.elapsed() - began)


@contextmanager
def listening() -> Iterator[str]:
    """Start a listener in a process of its own; give its address."""
    command = [sys.executable, "-m", "tests.bench.egress", "--listen"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def listen() -> None:
    """Print where we listen, until nobody reads on."""
    with Listener() as site:
        sys.stdout.write(f"{site.url}/hook\n")
        sys.stdout.flush()
        sys.stdin.read()


def measure(url: str, threads: int, calls: int) -> None:
    """Take turns, and print the medians."""
    contenders = (guarded(), signing(), bare())
    with ThreadPoolExecutor(threads) as pool:
        for call in contenders:
            rate(call, url, pool, threads * 4)
        rounds = [[rate(call, url, pool, calls) for call in contenders] for _ in range(ROUNDS)]
    ours, signed, theirs = (median(each) for each in zip(*rounds, strict=True))
    part, signed_part = (median(each[n] / each[2] for each in rounds) for n in (0, 1))
    say(
        f"egress, {threads} threads: guarded {ours:.0f}/s, signing {signed:.0f}/s, bare session"
        f" {theirs:.0f}/s: {part:.2f} x, signing {signed_part:.2f} x"
    )


def main(arguments: Sequence[str]) -> None:
    """Print a line for one thread and one for eight."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.egress")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--listen", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.listen:
        listen()
        return
    with listening() as url:
        for threads in THREADS:
            measure(url, threads, asked.calls)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Logins among reads, with limits on: `python -m tests.bench.logins [--seconds N] [--processes N]`

First reads alone, as fast as they go; then ten logins a second beside 500 reads a second, each at
its pace whatever the answers take (A-29), each login from an address of its own. The clients
take their share of the machine.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import urlsplit

from models.kernel.clock import SystemClock
from tests.bench.reads import CONNECTIONS, Asker, asked_for, request_for
from tests.bench.rig import Rig, percentile, rig, say, share_of_memory
from tests.processes import Web

PEOPLE: Final = 20
LOGINS_PER_SECOND: Final = 10
READS_PER_SECOND: Final = 500
PATH: Final = "/v1/users/me"
PASSWORD: Final = "a long sentence"

_PLENTY: Final = """
insert into rate_limit (kind, subject, per_minute, set_by)
select kind, subject, 10000000, (select id from person limit 1)
from (values ('tier', 'free'), ('address', 'each'), ('global', 'all')) as wide (kind, subject)
"""


class PacedAsker(Asker):
    """A connection that asks at its times; one that is late asks again at once."""

    def __init__(self, period: float, *parts: Any) -> None:
        """Take the seconds from one question to the next."""
        super().__init__(*parts)
        self._period = period
        self._due = self._clock.elapsed()

    def _ask(self) -> None:
        self._due += self._period
        wait = max(0.0, self._due - self._clock.elapsed())
        asyncio.get_running_loop().call_later(wait, super()._ask)


async def paced(web: Web, key: str, seconds: float) -> list[float]:
    """Return the milliseconds of reads at their pace."""
    seen: list[float] = []
    loop, clock, address = asyncio.get_running_loop(), SystemClock(), urlsplit(web.address)
    request = request_for(web, PATH, key)
    period = CONNECTIONS / READS_PER_SECOND
    askers = [
        (
            await loop.create_connection(
                lambda: PacedAsker(period, request, seen, clock), address.hostname, address.port
            )
        )[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    for asker in askers:
        asker.close()
    return seen


def logins(web: Web, seconds: float) -> list[float]:
    """Return the milliseconds of logins at their pace; all have to be right."""
    clock, took, pause = SystemClock(), list[float](), Event()

    def one(number: int) -> None:
        credentials = {"email": f"bench{number % PEOPLE}@example.org", "password": PASSWORD}
        began = clock.elapsed()
        web.call(
            "POST",
            "/v1/auth/login",
            json=credentials,
            headers={"X-Forwarded-For": f"192.0.2.{number % 250}"},
        ).raise_for_status()
        took.append((clock.elapsed() - began) * 1000)

    began = clock.elapsed()
    with ThreadPoolExecutor(PEOPLE) as crowd:
        asked = []
        for number in range(int(seconds * LOGINS_PER_SECOND)):
            pause.wait(max(0.0, began + number / LOGINS_PER_SECOND - clock.elapsed()))
            asked.append(crowd.submit(one, number))
    for each in asked:
        each.result()
    return took


def shares(took: Sequence[float]) -> str:
    """Return the percentiles of some times."""
    return "   ".join(f"p{p} {percentile(took, p / 100):.0f} ms" for p in (50, 95, 99))


def prepared(stack: Rig) -> list[str]:
    """Register the people, and lift the limits that one machine's clients would meet; return keys.

    By a process that limits nobody, which stays idle afterwards.
    """
    web = stack.processes.web()
    fresh = share_of_memory(web.process.pid)
    for number in range(PEOPLE):
        person = {"email": f"bench{number}@example.org", "password": PASSWORD}
        web.call("POST", "/v1/auth/register", json=person).raise_for_status()
    stack.pool.rows(_PLENTY)
    keys = [stack.key(web, f"reader{number}@example.org") for number in range(CONNECTIONS)]
    held = share_of_memory(web.process.pid)
    say(f"memory of a web process: {fresh / 1e6:.0f} MB, {held / 1e6:.0f} MB after the passwords")
    return keys


def main(arguments: Sequence[str]) -> None:
    """Print a line for reads alone, and one each for logins and the reads beside them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.logins")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--processes", type=int, default=1, help="web processes")
    asked = parser.parse_args(arguments)
    seconds = asked.seconds
    with rig() as stack:
        keys = prepared(stack)
        web = stack.processes.web(
            ILM_RATE_LIMITS="on",
            ILM_TRUSTED_PROXIES="127.0.0.1/32",
            ILM_WEB_PROCESSES=str(asked.processes),
        )
        seen = asyncio.run(asked_for(web, PATH, keys, seconds))
        say(f"reads, limits on: {len(seen) / seconds:.0f}/s at {CONNECTIONS}   {shares(seen)}")
        beside: list[float] = []
        reader = Thread(target=lambda: beside.extend(asyncio.run(paced(web, keys[0], seconds))))
        reader.start()
        took = logins(web, seconds)
        reader.join()
        say(f"logins at {LOGINS_PER_SECOND}/s: {len(took)}, none refused   {shares(took)}")
        say(f"reads beside them: {len(beside) / seconds:.0f}/s   {shares(beside)}")


if __name__ == "__main__":
    main(sys.argv[1:])

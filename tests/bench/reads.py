"""Reads a second over kept-alive connections: `python -m tests.bench.reads [--seconds N]`

Each connection asks again as soon as it has its answer; the client is a bare asyncio protocol in
this process, and takes its share of the machine. Identical reads of one person that wait for a
thread share an answer (G-25), so the last line has 32 people read, each what is theirs.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from typing import Final
from urllib.parse import urlsplit

from jobs.system import Echo
from models.kernel.clock import SystemClock
from tests.bench.jobs import TEXT
from tests.bench.rig import percentile, rig, say
from tests.processes import Web

CONNECTIONS: Final = 32
ME: Final = "/v1/users/me"
WARM_SECONDS: Final = 1.0


class Asker(asyncio.Protocol):
    """One connection that repeats one request."""

    def __init__(self, request: bytes, seen: list[float], clock: SystemClock) -> None:
        """Take what to ask, and where to note how long each answer took, in milliseconds."""
        self._request = request
        self._seen = seen
        self._clock = clock
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Note a whole answer and ask again."""
        self._buffer += data
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if not gap or len(body) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self._buffer.decode())
        self._seen.append((self._clock.elapsed() - self._began) * 1000)
        self._buffer = b""
        self._ask()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _ask(self) -> None:
        self._began = self._clock.elapsed()
        self._transport.write(self._request)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise RuntimeError("an answer without a length")


def request_for(web: Web, path: str, key: str) -> bytes:
    """Return a read as it is sent."""
    host = urlsplit(web.address).netloc
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}"]
    return "\r\n".join([*lines, "", ""]).encode()


async def asked_for(web: Web, path: str, keys: Sequence[str], seconds: float) -> list[float]:
    """Return the milliseconds of every answer of a while, to these keys in turn."""
    requests, address = [request_for(web, path, key) for key in keys], urlsplit(web.address)
    seen: list[float] = []
    loop, clock = asyncio.get_running_loop(), SystemClock()
    askers = []
    for _, request in zip(range(CONNECTIONS), cycle(requests), strict=False):
        _, asker = await loop.create_connection(
            partial(Asker, request, seen, clock), address.hostname, address.port
        )
        askers.append(asker)
    await asyncio.sleep(WARM_SECONDS)
    seen.clear()
    await asyncio.sleep(seconds)
    figures = list(seen)
    for asker in askers:
        asker.close()
    return figures


def main(arguments: Sequence[str]) -> None:
    """Print a line for each route."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reads")
    parser.add_argument("--seconds", type=float, default=5)
    asked = parser.parse_args(arguments)
    with rig() as stack:
        web = stack.processes.web()
        key = stack.key(web, "bench@example.org")
        body = {"type": Echo.name, "input": {"text": TEXT}}
        job = web.call("POST", "/v1/jobs", key, json=body).json()["id"]
        people = [stack.key(web, f"bench{n}@example.org") for n in range(CONNECTIONS)]
        for path, keys in ((f"/v1/jobs/{job}", [key]), (ME, [key]), (ME, people)):
            seen = asyncio.run(asked_for(web, path, keys, asked.seconds))
            shares = "   ".join(f"p{p} {percentile(seen, p / 100):.0f} ms" for p in (50, 95, 99))
            shown = path.replace(job, "{id}")
            said = f"{len(seen) / asked.seconds:.0f}/s at {CONNECTIONS}"
            say(f"reads, {shown:<16} of {len(keys):>2}   {said}   {shares}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Reads a second over kept-alive connections: `python -m tests.bench.reads [--seconds N]`

Each connection asks again as soon as it has its answer; the client is a bare asyncio protocol in
this process, and takes its share of the machine.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from jobs.system import Echo
from models.kernel.clock import SystemClock
from tests.bench.jobs import TEXT
from tests.bench.rig import percentile, rig, say
from tests.processes import Web

CONNECTIONS: Final = 32
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


async def asked_for(web: Web, path: str, key: str, seconds: float) -> list[float]:
    """Return the milliseconds of every answer of a while."""
    address = urlsplit(web.address)
    lines = [f"GET {path} HTTP/1.1", f"Host: {address.netloc}", f"Authorization: Bearer {key}"]
    request = "\r\n".join([*lines, "", ""]).encode()
    seen: list[float] = []
    loop, clock = asyncio.get_running_loop(), SystemClock()
    askers = []
    for _ in range(CONNECTIONS):
        _, asker = await loop.create_connection(
            lambda: Asker(request, seen, clock), address.hostname, address.port
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
        for path in (f"/v1/jobs/{job}", "/v1/users/me"):
            seen = asyncio.run(asked_for(web, path, key, asked.seconds))
            shares = "   ".join(f"p{p} {percentile(seen, p / 100):.0f} ms" for p in (50, 95, 99))
            shown = path.replace(job, "{id}")
            say(f"reads, {shown:<16} {len(seen) / asked.seconds:.0f}/s at {CONNECTIONS}   {shares}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""A quick receiver of webhooks: `python -m tests.bench.receiver`

Prints its port. Answers every POST with 204, after `?delay=` seconds or never for `?delay=never`,
and tells of what came at `GET /arrived`: one `[path, webhook-id, epoch seconds]` each.
"""

import asyncio
import json
import sys
from time import time
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection, kept alive."""

    arrived: ClassVar[list[tuple[str, str, float]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._buffer[:end].decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._answer(first.split()[1], headers)

    def _answer(self, target: str, headers: dict[str, str]) -> None:
        if target == "/arrived":
            body = json.dumps(self.arrived).encode()
            self.arrived.clear()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)
            return
        place = urlsplit(target)
        self.arrived.append((place.path, headers.get("webhook-id", ""), time()))
        delay = parse_qs(place.query).get("delay", ["0"])[0]
        if delay == "0":
            self._transport.write(ANSWER)
        elif delay != "never":
            asyncio.get_running_loop().call_later(float(delay), self._transport.write, ANSWER)


async def main() -> None:
    """Serve until told to stop."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

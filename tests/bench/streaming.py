"""A client for benches that hears streams to the millisecond: raw sockets, no SDK between."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

CONTENT: Final = re.compile(rb'"content": ?"[^"]')
"""Text that is some: a first chunk with a role and no word does not count."""
LIMIT: Final = 2**20
MESSAGES: Final = [{"role": "user", "content": "Where does the walrus live?"}]


@dataclass(frozen=True, slots=True)
class Target:
    """Somewhere that speaks Chat Completions."""

    name: str
    address: str
    key: str
    model: str = "gpt-4o-mini"

    def request(self, *, stream: bool) -> bytes:
        """Return a whole request."""
        place = urlsplit(self.address)
        body = json.dumps({"model": self.model, "messages": MESSAGES, "stream": stream}).encode()
        head = (
            f"POST {place.path.rstrip('/')}/chat/completions HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body


@dataclass(slots=True)
class Heard:
    """One answer: when its first content came, when it ended, and its longest silence; seconds."""

    first: float = 0.0
    whole: float = 0.0
    stall: float = 0.0
    deltas: int = 0
    is_whole: bool = False
    refusal: str = ""
    moments: list[float] = field(default_factory=list, repr=False)


async def ask(target: Target, *, stream: bool) -> Heard:
    """Ask once, on a connection of its own."""
    place = urlsplit(target.address)
    began = perf_counter()
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=LIMIT)
    heard = Heard()
    try:
        writer.write(target.request(stream=stream))
        if stream:
            await _hear(reader, heard, began)
        else:
            answer = await _whole(reader)
            heard.is_whole = answer.startswith(b"HTTP/1.1 200") and b"finish_reason" in answer
            heard.refusal = "" if heard.is_whole else answer.decode(errors="replace")
            heard.first = perf_counter() - began
    finally:
        writer.close()
    heard.whole = perf_counter() - began
    return heard


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """Return an answer's head and body, by its length or its chunks."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    if length:
        return head + await reader.readexactly(int(length[1]))
    return head + await reader.readuntil(b"0\r\n\r\n")


async def _hear(reader: asyncio.StreamReader, heard: Heard, began: float) -> None:
    last = 0.0
    async for line in reader:
        if line.startswith(b"data: [DONE]"):
            heard.is_whole = True
            return
        if line.startswith((b'data: {"error"', b"HTTP/1.1 4", b"HTTP/1.1 5")):
            heard.refusal = line.decode(errors="replace")
            return
        if line.startswith(b"data: ") and CONTENT.search(line):
            now = perf_counter() - began
            heard.first = heard.first or now
            heard.stall = max(heard.stall, now - last if last else 0.0)
            heard.deltas += 1
            last = now
    heard.refusal = "cut off"


async def crowd(target: Target, *, at_once: int, calls: int, stream: bool) -> list[Heard]:
    """Ask so many times, so many at once."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> Heard:
        async with gate:
            return await ask(target, stream=stream)

    return list(await asyncio.gather(*(one() for _ in range(calls))))


async def procession(target: Target, *, every: float, calls: int) -> list[Heard]:
    """Ask so many times, one after the other every so many seconds, as callers come."""

    async def one(number: int) -> Heard:
        await asyncio.sleep(number * every)
        return await ask(target, stream=True)

    return list(await asyncio.gather(*(one(number) for number in range(calls))))


def walk(target: Target, **how: Any) -> list[Heard]:
    """Return what a procession heard."""
    return asyncio.run(procession(target, **how))


def run(target: Target, **how: Any) -> tuple[list[Heard], float]:
    """Return what a crowd heard, and the seconds it all took."""
    began = perf_counter()
    heard = asyncio.run(crowd(target, **how))
    return heard, perf_counter() - began

"""The bytes of HTTP/1.1, by hand, so that they can be wrong."""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

TLS_HELLO = 0x16


class NotHttp(Exception):
    """What came is no request: a TLS hello, or nothing sensible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Its JSON, an empty object where there is none."""
        read = json.loads(self.content) if self.content else {}
        return read if isinstance(read, dict) else {}


async def asked(reader: asyncio.StreamReader) -> Asked | None:
    """Read one request, None at the end of the connection, in the middle of one too."""
    try:
        first = await reader.readexactly(1)
        if first[0] == TLS_HELLO:
            raise NotHttp
        head = first + await reader.readuntil(b"\r\n\r\n")
        request, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = request.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().casefold(): value.strip() for name, _, value in pairs}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Asked(method=method, path=path.partition("?")[0], headers=headers, content=content)


def head(status: int, content_type: str, **headers: str) -> bytes:
    """Write the head of an answer."""
    told = {"Content-Type": content_type, **headers}
    lines = [f"HTTP/1.1 {status} Fake", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(status: int, content: bytes, content_type: str, **headers: str) -> bytes:
    """Write a whole answer."""
    length = {"Content-Length": str(len(content))}
    return head(status, content_type, **length, **headers) + content


def chunk(data: bytes) -> bytes:
    """Write one chunk of a chunked body; an empty one is the last."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection with a RST."""
    end: socket.socket = writer.get_extra_info("socket")
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

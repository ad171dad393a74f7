"""Server-sent events out of bytes, wherever the chunks were cut."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.kernel.errors import UpstreamError

LONGEST_LINE: Final = 32 * 1024 * 1024
"""More without an end of line is no stream of events."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, which most vendors leave out, and its data."""

    name: str
    data: bytes

    def fields(self) -> Mapping[str, Any]:
        """Return the data as an object; raise `UpstreamError` when it is none."""
        return fields_of(self.data)


def fields_of(text: bytes) -> Mapping[str, Any]:
    """Read a JSON object; raise `UpstreamError` for what is none."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise UpstreamError("the LLM's vendor sent something that is not an answer; try again")
    return read


def events(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events that have data; comments are skipped, half a line at the end is dropped.

    Raises `UpstreamError` for a line that never ends.
    """
    name, data = "", list[bytes]()
    for line in _lines(chunks):
        if line:
            key, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if key == b"data":
                data.append(value)
            elif key == b"event":
                name = value.decode("utf-8", "replace")
        elif data or name:
            if data:
                yield Event(name, b"\n".join(data))
            name, data = "", []
    if data:
        yield Event(name, b"\n".join(data))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield whole lines without their ends; CRLF or LF."""
    held = b""
    for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield (held + line).removesuffix(b"\r")
            held = b""
        held += rest
        if len(held) > LONGEST_LINE:
            raise UpstreamError("the LLM's vendor sent a line without end")

"""A client of `/v1/live`: somebody else's library, and what it has seen."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from socket import SHUT_RDWR
from typing import Any, Final, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.processes import Web

SECONDS: Final = 60.0
PATH: Final = "/v1/live"
ABNORMAL: Final = 1006
"""The code of a connection that ended without a word."""

Event = tuple[str | None, str | None, str]
"""Of an event: its id, its name, and its data to the letter."""


class Socket:
    """One connection: what is said, and what is heard."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws
        self.texts: list[str] = []

    @property
    def last(self) -> dict[str, Any]:
        """The last message that was heard."""
        message: dict[str, Any] = json.loads(self.texts[-1])
        return message

    def say(self, kind: str, **fields: Any) -> Self:
        self.ws.send(json.dumps({"type": kind, **fields}))
        return self

    def hear(self, *kinds: str) -> dict[str, Any]:
        """Return the next message, or the next of these kinds."""
        while True:
            text = self.ws.recv(SECONDS)
            assert isinstance(text, str)
            self.texts.append(text)
            if not kinds or self.last["type"] in kinds:
                return self.last

    def follow(self, subject: str, **fields: Any) -> Self:
        """Subscribe, and hear that it is so."""
        answer = self.say("subscribe", subject=subject, **fields).hear("subscribed", "error")
        assert answer["type"] == "subscribed", answer
        return self

    def told(self, most: int = 10**9) -> list[Event]:
        """Return the events up to the end of what is followed, or so many of them."""
        seen: list[Event] = []
        while len(seen) < most and self.hear("event", "unsubscribed")["type"] == "event":
            seen.append(event_of(self.texts[-1]))
        return seen

    def refused(self, kind: str, **fields: Any) -> str:
        """Say something that is refused; return the code."""
        return str(self.say(kind, **fields).hear("error")["error"]["code"])

    def cut(self) -> None:
        """Cut the line without a word, as a train in a tunnel does."""
        self.ws.socket.shutdown(SHUT_RDWR)

    def closed(self) -> int:
        """Hear everything until the server ends it; return its code."""
        try:
            while self.hear():
                continue
        except ConnectionClosed as closed:
            return int(closed.rcvd.code) if closed.rcvd else ABNORMAL


@contextmanager
def opened(web: Web, token: str = "", *, is_ready: bool = True, **options: Any) -> Iterator[Socket]:
    """Open a connection, with a token in the request if there is one."""
    headers = {**options.pop("headers", {})}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    address = web.address.replace("http", "ws", 1) + PATH
    usual = {"compression": None, "proxy": None, "open_timeout": SECONDS, "max_queue": None}
    with connect(address, additional_headers=headers, **{**usual, **options}) as ws:
        socket = Socket(ws)
        if token and is_ready:
            assert socket.hear()["type"] == "ready", socket.last
        yield socket


def event_of(text: str) -> Event:
    """Return an event as it came: its data is what stands in the text, not what it means."""
    message = json.loads(text)
    return message.get("id"), message.get("event"), text[text.index(',"data":') + 8 : -1]


def events_of(frames: Iterator[list[str]]) -> Iterator[Event]:
    """Return the events of an event stream, as `told` does those of a connection."""
    for frame in frames:
        fields = dict(line.split(": ", 1) for line in frame if not line.startswith(":"))
        if "data" in fields:
            yield fields.get("id"), fields.get("event"), fields["data"]

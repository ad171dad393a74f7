"""Chats on a whole gateway: real processes, and one fake vendor behind every name."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import requests

from tests.gateway import Gateway
from tests.processes import Web

LLM = "gpt-4o-mini"
_numbers = count()


@dataclass
class Told:
    """What a client has been told of a stream. `last` is its Last-Event-ID."""

    events: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    last: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def content(self) -> str:
        """What the client shows now, doing as the events say."""
        text = ""
        for event in self.events:
            if event["type"] == "chunk":
                text += event["content"]
            elif event["type"] in {"snapshot", "restart"}:
                text = event.get("content", "")
        return text

    def first(self, kind: str) -> dict[str, Any]:
        return next(event for event in self.events if event["type"] == kind)


@dataclass
class Chatter:
    """Somebody with a key, in a chat of theirs."""

    gateway: Gateway
    key: str
    chat: str
    email: str = ""

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Call below the chat; `path` that begins with /v1 is a whole one."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        web: Web = options.pop("web", self.gateway.web)
        address = f"{web.address}{path if path.startswith('/v1') else self.chat + path}"
        return requests.request(method, address, json=body, headers=headers, timeout=60, **options)

    def get(self, path: str = "", **options: Any) -> dict[str, Any]:
        answer = self.send("GET", path, **options)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def say(self, content: str = "Hello", **wish: Any) -> dict[str, Any]:
        """Send a message and return the answer."""
        answer = self.send("POST", "/messages", {"content": content, "model": LLM, **wish})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def stream(self, content: str = "Hello", **options: Any) -> "Reading":
        """Send a message and read the stream of its answer."""
        wish = options.pop("wish", {})
        body = {"content": content, "model": LLM, **wish}
        return Reading(self.send("POST", "/stream", body, stream=True, **options))

    def resume(self, last: str | None, **options: Any) -> "Reading":
        """Read the stream of the last answer from a place on."""
        headers = {**({"Last-Event-ID": last} if last else {}), **options.pop("headers", {})}
        return Reading(self.send("GET", "/stream", stream=True, headers=headers, **options))

    def messages(self, **query: Any) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.get("/messages", params=query)["data"]
        return listed

    def another(self, **about: Any) -> "Chatter":
        """Begin one more chat."""
        return begun(self.gateway, self.key, **about)


class Reading:
    """A stream that is being read."""

    def __init__(self, answer: requests.Response) -> None:
        assert answer.status_code == 200, answer.text
        answer.encoding = "utf-8"
        self.told = Told(headers=answer.headers)
        self._answer = answer
        self._lines = answer.iter_lines(chunk_size=1, decode_unicode=True)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield event after event; take note of its number."""
        number = None
        for line in self._lines:
            self.told.lines.append(line)
            if line.startswith("id: "):
                number = line.removeprefix("id: ")
            elif line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                self.told.events.append(event)
                self.told.last, number = number or self.told.last, None
                yield event

    def until(self, kind: str, times: int = 1) -> Told:
        """Read until so many events of a kind came, and hang up."""
        for _ in self:
            if self.told.kinds.count(kind) >= times:
                break
        self._answer.close()
        return self.told

    def whole(self) -> Told:
        """Read to the end."""
        for _ in self:
            continue
        self._answer.close()
        return self.told


def begun(at: Gateway, key: str = "", **about: Any) -> Chatter:
    """Begin a chat as whoever has this key; the newcomer when there is none."""
    key = key or at.key
    headers = {"Authorization": f"Bearer {key}"}
    answer = requests.post(f"{at.web.address}/v1/chats", json=about, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    return Chatter(at, key, answer.headers["Location"])


@pytest.fixture
def ada(running: Gateway) -> Chatter:
    """Somebody new with money, in a new chat, on a calm gateway."""
    running.calm()
    return _newcomer(running)


@pytest.fixture
def bob(running: Gateway, ada: Chatter) -> Chatter:
    """Somebody else."""
    return _newcomer(running)


def _newcomer(at: Gateway) -> Chatter:
    email = f"chatter{next(_numbers)}@example.org"
    at.newcomer(email)
    chatter = begun(at)
    chatter.email = email
    return chatter

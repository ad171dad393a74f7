"""A receiver of webhooks on loopback: keeps what it is sent, and misbehaves as it is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Lock

from tests.fakes.loopback import Loopback


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; `hangs` answers nothing until the receiver is closed."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False


Script = Callable[[Received], Reply]


class FakeReceiver(Loopback):
    """Answers by its script, 200 without one; `received` is in order of arrival."""

    def __init__(self, script: Script | None = None) -> None:
        super().__init__(_Answering)
        self.script = script or (lambda _: Reply())
        self._received: list[Received] = []
        self._lock = Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    @property
    def received(self) -> list[Received]:
        with self._lock:
            return list(self._received)

    def take(self, request: Received) -> Reply:
        """Keep a request and decide what is answered."""
        with self._lock:
            self._received.append(request)
        return self.script(request)


class _Answering(BaseHTTPRequestHandler):
    server: FakeReceiver
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.take(Received(self.path, headers, body))
        if reply.hangs:
            self.server.over.wait()
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

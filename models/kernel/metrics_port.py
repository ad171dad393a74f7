"""The metrics port: where workers and schedulers tell what they count (`ILM_METRICS_PORT`).

Every such process of a host tries to have it, and one does: it tells for all of them. When it ends
another takes over within seconds.
"""

from collections.abc import Callable
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from threading import Event, Thread
from typing import Any, Final

from models.kernel.exposition import CONTENT_TYPE
from models.kernel.logs import get_logger

AGAIN_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 5.0
PATH: Final = "/metrics"

log = get_logger(__name__)


def may_read(token: str, authorization: str, *, is_local: bool) -> bool:
    """Say whether metrics may be told to a caller: to loopback, or for the token as Bearer."""
    scheme, _, given = authorization.partition(" ")
    is_known = bool(token) and scheme.lower() == "bearer"
    return is_local or (is_known and compare_digest(given.strip().encode(), token.encode()))


class MetricsPort:
    """Answers `GET /metrics` on a port of its own, and nothing else."""

    def __init__(self, place: tuple[str, int], token: str, page: Callable[[], str]) -> None:
        """Take address and port, the token that reads from elsewhere, and what writes the page."""
        self._place = place
        self._answerer = _answerer(token, page)
        self._stop = Event()
        self._server: HTTPServer | None = None
        self._thread = Thread(target=self._serve, name="metrics", daemon=True)

    @property
    def is_ours(self) -> bool:
        """Whether this process has the port."""
        return self._server is not None

    def start(self) -> None:
        """Have the port, as soon as no other process of this host has it."""
        self._thread.start()

    def stop(self) -> None:
        """Give it up."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                self._server = _Server(self._place, self._answerer)
            except OSError:
                self._stop.wait(AGAIN_SECONDS)
                continue
            with self._server as server:
                log.info("metrics.ready", port=self._place[1])
                while not self._stop.is_set():
                    server.handle_request()


class _Server(HTTPServer):
    allow_reuse_address = True
    timeout = 0.5

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a caller that hung up."""


def _answerer(token: str, page: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Answerer(BaseHTTPRequestHandler):
        timeout = PATIENCE_SECONDS
        server_version = "ilm"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != PATH:
                self._answer(404, "there is only /metrics here\n")
            elif not may_read(token, self.headers.get("Authorization", ""), is_local=self._local()):
                self._answer(401, "ILM_METRICS_TOKEN is wanted as Bearer\n")
            else:
                self._answer(200, page())

        def _local(self) -> bool:
            is_forwarded = "X-Forwarded-For" in self.headers or "Forwarded" in self.headers
            return ip_address(self.client_address[0]).is_loopback and not is_forwarded

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            if status == 401:
                self.send_header("WWW-Authenticate", 'Bearer realm="ilm"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log no line a scrape."""

    return Answerer

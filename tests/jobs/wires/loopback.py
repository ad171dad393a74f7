"""A server on this machine that answers every call with what it is given: for real clients."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import anthropic
import openai

from jobs.wires.wire import Frame


class Loopback(ThreadingHTTPServer):
    """Answers with `status`, `kind` and `body`."""

    daemon_threads = True
    status, kind, body = 200, "application/json", b"{}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answers(self, body: Any, status: int = 200) -> None:
        """Answer with JSON from here on."""
        self.status, self.kind, self.body = status, "application/json", json.dumps(body).encode()

    def streams(self, frames: Sequence[Frame | str]) -> None:
        """Answer with a stream of these frames from here on."""
        texts = [frame if isinstance(frame, str) else frame.text for frame in frames]
        self.status, self.kind = 200, "text/event-stream"
        self.body = "".join(f"{text}\n\n" for text in texts).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Loopback

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def loopback() -> Iterator[Loopback]:
    """Run such a server."""
    with Loopback(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def openai_client(server: Loopback) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def anthropic_client(server: Loopback) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)

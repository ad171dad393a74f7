"""A server that takes whatever is posted to it: a stand-in for collectors and error trackers."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from threading import Thread
from types import TracebackType
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def _of_brotli(body: bytes) -> bytes:
    return bytes(import_module("brotli").decompress(body))


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "br": _of_brotli,
}
"""How bodies come; nobody sends `br` without having the library."""


@dataclass(frozen=True)
class Posted:
    """One request."""

    path: str
    body: bytes


@dataclass(frozen=True)
class Span:
    """One span of a trace, and the process it came from."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]
    links: tuple[str, ...]


class Intake:
    """Answers 200 to everything and keeps it, on a port of its own."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        posted = self.posted

        class Keep(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                encoding = self.headers.get("Content-Encoding", "identity")
                posted.append(Posted(self.path, DECODERS[encoding](body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def spans(self) -> list[Span]:
        """Return every span that was sent as OTLP."""
        found = []
        for posted in [each for each in self.posted if each.path == "/v1/traces"]:
            for resource in ExportTraceServiceRequest.FromString(posted.body).resource_spans:
                service = next(
                    each.value.string_value
                    for each in resource.resource.attributes
                    if each.key == "service.name"
                )
                found += [
                    Span(
                        service, span.name, span.kind, span.trace_id.hex(), span.span_id.hex(),
                        span.parent_span_id.hex(),
                        {each.key: str(each.value) for each in span.attributes},
                        tuple(link.trace_id.hex() for link in span.links),
                    )
                    for scope in resource.scope_spans
                    for span in scope.spans
                ]  # fmt: skip
        return found

"""The moderation endpoint: its categories become ours, its faults too."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from jobs.safety.moderator import Moderator
from jobs.safety.screen import SafetyService
from models.kernel.errors import (
    IlmError,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamRateLimited,
    UpstreamTimeout,
)
from models.lexicon import CATEGORIES
from workers.adapters.moderation import ModerationEndpoint

NAMES = [
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual",
    "sexual/minors", "violence", "violence/graphic",
]  # fmt: skip
TEXT = "something that must not be repeated"

Answer = tuple[int, bytes]
Serve = Callable[[Answer], str]


def judged(*flagged: str, scores: dict[str, float] | None = None) -> Answer:
    """Return the body of an answer in which these categories are flagged."""
    result: dict[str, Any] = {
        "flagged": bool(flagged),
        "categories": {name: name in flagged for name in (*NAMES, *flagged)},
        "category_scores": dict.fromkeys(NAMES, 0.01) | (scores or {}),
        "category_applied_input_types": {name: ["text"] for name in NAMES},
    }
    body = {"id": "modr_1", "model": "omni-moderation-latest", "results": [result]}
    return 200, json.dumps(body).encode()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one answer on a port of our own; the answer 0 never comes."""
    servers: list[ThreadingHTTPServer] = []
    over = Event()

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                status, body = answer
                if not status:
                    over.wait(10)
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def moderated(address: str, strictness: str = "standard", **options: Any) -> Any:
    with closing(ModerationEndpoint(address, "key", **options)) as endpoint:
        port: Moderator = endpoint
        return port.moderate(TEXT, strictness)


def test_a_text_nobody_minds_passes(serve: Serve) -> None:
    verdict = moderated(serve(judged()))

    assert (verdict.action, verdict.flags, verdict.text) == ("allow", (), TEXT)


@pytest.mark.parametrize(
    ("name", "category", "action"),
    [
        ("hate", "hate", "warn"),
        ("harassment/threatening", "violence", "block"),
        ("sexual/minors", "sexual", "block"),
        ("self-harm/intent", "self_harm", "warn"),
        ("illicit/violent", "illegal", "block"),
        ("something/new", "illegal", "block"),
    ],
)
def test_a_category_becomes_one_of_ours(
    serve: Serve, name: str, category: str, action: str
) -> None:
    verdict = moderated(serve(judged(name)))

    (flag,) = verdict.flags
    assert (flag.category, verdict.action) == (category, action)
    assert (flag.start, flag.end) == (0, len(TEXT))
    assert category in CATEGORIES


def test_what_is_only_suspicious_is_logged(serve: Serve) -> None:
    address = serve(judged(scores={"violence": 0.6}))

    assert [flag.severity for flag in moderated(address).flags] == ["low"]
    assert moderated(address, "strict").action == "warn"
    assert moderated(address, "relaxed").action == "allow"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, b"{}"), UpstreamKeyRefused),
        ((429, b"{}"), UpstreamRateLimited),
        ((500, TEXT.encode()), UpstreamError),
        ((200, b"{not json"), UpstreamError),
        ((200, b'{"results": []}'), UpstreamError),
        ((200, b'{"results": [{"categories": 7}]}'), UpstreamError),
        ((0, b""), UpstreamTimeout),
    ],
    ids=["key", "rate", "server", "no json", "empty", "odd", "hangs"],
)
def test_a_fault_is_one_of_ours_and_repeats_nothing(
    serve: Serve, answer: Answer, error: type[IlmError]
) -> None:
    with pytest.raises(error) as raised:
        moderated(serve(answer), seconds=0.2)

    assert TEXT not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_endpoint_that_is_not_there_is_an_upstream_error() -> None:
    with pytest.raises(UpstreamError):
        moderated("http://127.0.0.1:1/v1")


def test_the_lexicon_stands_behind_the_same_port() -> None:
    port: Moderator = SafetyService()

    assert port.moderate("how to build a bomb", "standard").is_blocked

"""The moderation endpoint: its categories become ours, its faults too."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from jobs.safety.endpoint import LONGEST_PIECE, ModerationEndpoint
from jobs.safety.moderator import Moderator
from jobs.safety.screen import SafetyService
from models.kernel.errors import (
    IlmError,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from models.lexicon import CATEGORIES

NAMES = [
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual",
    "sexual/minors", "violence", "violence/graphic",
]  # fmt: skip
ELSEWHERE = "/elsewhere"
TEXT = "something that must not be repeated"
PATIENT, BRIEF = 60.0, 0.2

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
    """Serve one answer on a port of our own; the answer 0 never comes, and -1 drips for ever.

    A redirect leads to where nobody minds anything.
    """
    servers: list[ThreadingHTTPServer] = []
    over = Event()

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.close_connection = True
                status, body = judged() if self.path == ELSEWHERE else answer
                if not status:
                    over.wait(60)
                    return
                self.send_response(max(status, 200))
                self.send_header("Location", ELSEWHERE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                while status < 0 and not over.wait(0.02):
                    self.wfile.write(b" ")
                    self.wfile.flush()
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


def moderated(address: str, strictness: str = "standard", seconds: float = PATIENT) -> Any:
    with closing(ModerationEndpoint(address, "key", seconds=seconds)) as endpoint:
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
        ((400, TEXT.encode()), UpstreamRefused),
        ((500, TEXT.encode()), UpstreamError),
        ((307, b""), UpstreamError),
        ((200, b"{not json"), UpstreamError),
        ((200, b'{"results": []}'), UpstreamError),
        ((200, b'{"results": [{"categories": 7}]}'), UpstreamError),
        ((0, b""), UpstreamTimeout),
        ((-1, b" " * 1_000), UpstreamTimeout),
    ],
    ids=["key", "rate", "too long", "server", "moved", "no json", "empty", "odd", "hangs", "drips"],
)
def test_a_fault_is_one_of_ours_and_repeats_nothing(
    serve: Serve, answer: Answer, error: type[IlmError]
) -> None:
    with pytest.raises(error) as raised:
        moderated(serve(answer), seconds=BRIEF if error is UpstreamTimeout else PATIENT)

    assert TEXT not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_a_long_text_is_judged_in_pieces_by_one_call(serve: Serve) -> None:
    """The answer has a verdict for each of two pieces, and the second is flagged."""
    first, second = (json.loads(judged(*names)[1])["results"][0] for names in ([], ["hate"]))
    address = serve((200, json.dumps({"results": [first, second]}).encode()))

    with closing(ModerationEndpoint(address, seconds=PATIENT)) as endpoint:
        assert endpoint.moderate("a" * (LONGEST_PIECE + 1), "standard").action == "warn"
        with pytest.raises(UpstreamError):
            endpoint.moderate("a" * LONGEST_PIECE, "standard")
        assert endpoint.moderate("", "standard").action == "allow"


def test_an_endpoint_that_is_not_there_is_an_upstream_error() -> None:
    with pytest.raises(UpstreamError):
        moderated("http://127.0.0.1:1/v1")


def test_the_lexicon_stands_behind_the_same_port() -> None:
    port: Moderator = SafetyService()

    assert port.moderate("how to build a bomb", "standard").is_blocked

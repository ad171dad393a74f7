"""How people are told: by a real HTTP server, and in a folder of mail."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest

from jobs.post_offices import MailFolder
from jobs.watch.bells import MailBell, Notice, WebBell
from models.kernel.errors import Unavailable, UpstreamRefused
from tests.fakes.clock import FakeClock

NOTICE = Notice(
    id=UUID(int=7),
    name="IlmQueueOld",
    subject="llm",
    severity="page",
    words="llm: a job is due for 90 s",
    state="begun",
    since=datetime(2026, 11, 20, 12, tzinfo=UTC),
)


class Chat(HTTPServer):
    """A chat program's incoming webhook."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answerer)
        self.status = 200
        self.taken: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/secret"


class Answerer(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.taken.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def chat() -> Iterator[Chat]:
    with Chat() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_chat_program_is_told_in_json(chat: Chat) -> None:
    WebBell(chat.url).ring(NOTICE)

    assert chat.taken == [
        {
            "text": "[page] IlmQueueOld: llm: a job is due for 90 s",
            "id": f"alert_{UUID(int=7).hex}",
            "name": "IlmQueueOld",
            "subject": "llm",
            "severity": "page",
            "state": "begun",
            "since": "2026-11-20T12:00:00.000Z",
        }
    ]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_no_yes_is_a_no(chat: Chat, status: int) -> None:
    chat.status = status

    with pytest.raises(UpstreamRefused, match=str(status)):
        WebBell(chat.url).ring(NOTICE)
    assert len(chat.taken) == 1


def test_nobody_there_is_told_as_that() -> None:
    with pytest.raises(Unavailable):
        WebBell("http://127.0.0.1:1/").ring(NOTICE)


def test_a_letter_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    office = MailFolder(tmp_path, "Ilm <no-reply@ilm.example>", FakeClock())

    MailBell(office, "operator@example.org", "https://ilm.example").ring(NOTICE)

    (path,) = tmp_path.glob("*.eml")
    letter = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert letter["To"] == "operator@example.org"
    assert letter["Subject"] == "Ilm [page] IlmQueueOld: llm: a job is due for 90 s"
    assert f"/v1/admin/alerts/alert_{UUID(int=7).hex}/acknowledge" in letter.get_content()

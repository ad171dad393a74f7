"""Large uploads through a real web process: streamed, bounded, and gone when they are cut short."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest
import requests

from models.books import Book
from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests.processes import Processes, Web, until

MEBIBYTE: Final = 2**20
LARGE: Final = 300 * MEBIBYTE
SLACK: Final = 64 * MEBIBYTE
HEAD: Final = (
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nA\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
)
TAIL: Final = b"\r\n--b--\r\n"
LINE: Final = b"a line of text that is sixty-four bytes long, its end included.\n"


@pytest.fixture
def web(settings: Settings, database: Pool, tmp_path: Path) -> Iterator[Web]:
    with Processes(settings, tmp_path, ILM_HOME=str(tmp_path / "home")) as processes:
        yield processes.web()


def body(size: int) -> Iterator[bytes]:
    """Yield a multipart body around a text of this size, never held whole."""
    yield HEAD
    piece = LINE * (MEBIBYTE // len(LINE))
    for _ in range(size // MEBIBYTE):
        yield piece
    yield b"a" * (size % MEBIBYTE)
    yield TAIL


def peaks(web: Web) -> int:
    """Return the most memory the web process and its children have ever had, in bytes."""
    group = [psutil.Process(web.process.pid)]
    group += group[0].children(recursive=True)
    texts = [Path(f"/proc/{each.pid}/status").read_text(encoding="utf-8") for each in group]
    return sum(
        int(found[1]) * 1024 for text in texts if (found := re.search(r"VmHWM:\s+(\d+)", text))
    )


def files(home: Path) -> list[Path]:
    return [path for path in (home / "home" / "blobs").rglob("*") if path.is_file()]


def head_of(token: str, length: int) -> bytes:
    return (
        "POST /v1/books HTTP/1.1\r\nHost: here\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {length}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    ).encode()


def test_a_large_upload_passes_through_without_being_held(web: Web, tmp_path: Path) -> None:
    token = web.newcomer("ada@example.org")
    before = peaks(web)

    answer = requests.post(
        f"{web.address}/v1/books",
        data=body(LARGE),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "multipart/form-data; boundary=b",
        },
        timeout=300,
    )
    grown = peaks(web) - before

    assert (answer.status_code, answer.json()["fileSize"]) == (201, LARGE)
    print(f"{LARGE // MEBIBYTE} MiB up: the web process grew by {grown // MEBIBYTE} MiB")
    assert grown < SLACK
    assert [path.stat().st_size for path in files(tmp_path)] == [LARGE]
    assert files(tmp_path)[0].parent.parent.name == "files"


def test_500_mb_and_a_byte_are_refused_before_they_are_sent(web: Web, tmp_path: Path) -> None:
    token = web.newcomer("ada@example.org")
    limit = Settings().max_upload_bytes
    host, port = web.address.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(head_of(token, limit + MEBIBYTE + 1) + HEAD)
        answer = line.recv(65_536)

    assert limit == 500 * MEBIBYTE
    assert b" 413 " in answer.splitlines()[0]
    assert files(tmp_path) == []


def test_an_upload_that_is_cut_leaves_nothing(web: Web, tmp_path: Path) -> None:
    token = web.newcomer("ada@example.org")
    host, port = web.address.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(head_of(token, 40 * MEBIBYTE) + HEAD + LINE * (12 * MEBIBYTE // len(LINE)))
        until(lambda: list((tmp_path / "home" / "blobs").rglob("*#*")), "nothing arrived")
    until(lambda: files(tmp_path) == [], "something stayed")

    assert Book.select().count() == 0
    until(web.is_healthy, "it serves no more")

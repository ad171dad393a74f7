"""Uploading a large book: `python -m tests.bench.upload [--megabytes N] [--rounds N]`

A multipart `POST /v1/books` through gunicorn, beside the bare work of it: reading the file once,
hashing it and writing a copy. The memory of the web process is taken before and during.
"""

import argparse
import http.client
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self
from urllib.parse import urlsplit

from models.kernel.clock import SystemClock
from tests.bench.rig import rig, say, share_of_memory
from tests.processes import Web

PIECE: Final = 2**20
EDGE: Final = "----ilm-bench"
HEAD: Final = (
    f'--{EDGE}\r\nContent-Disposition: form-data; name="title"\r\n\r\nA large book\r\n'
    f'--{EDGE}\r\nContent-Disposition: form-data; name="file"; filename="book.pdf"\r\n'
    "Content-Type: application/pdf\r\n\r\n"
).encode()
TAIL: Final = f"\r\n--{EDGE}--\r\n".encode()


def through_web(web: Web, key: str, book: Path) -> float:
    """Return the seconds an upload takes."""
    clock = SystemClock()
    connection = http.client.HTTPConnection(urlsplit(web.address).netloc, timeout=300)
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": f"multipart/form-data; boundary={EDGE}",
        "Content-Length": str(len(HEAD) + book.stat().st_size + len(TAIL)),
    }
    began = clock.elapsed()
    connection.request("POST", "/v1/books", body=_body(book), headers=headers)
    answer = connection.getresponse()
    if answer.status != http.client.CREATED:
        raise RuntimeError(answer.read().decode())
    answer.read()
    took = clock.elapsed() - began
    connection.close()
    return took


def _body(book: Path) -> Iterator[bytes]:
    yield HEAD
    with book.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
    yield TAIL


def bare(book: Path, copy: Path) -> float:
    """Return the seconds that a copy and a hash of the same file take."""
    clock = SystemClock()
    began = clock.elapsed()
    shutil.copyfile(book, copy)
    with copy.open("rb") as file:
        digest = sha256()
        while piece := file.read(PIECE):
            digest.update(piece)
    return clock.elapsed() - began


class Highest:
    """The most memory a process held inside the block, sampled 20 times a second."""

    def __init__(self, pid: int) -> None:
        """Take whom to watch."""
        self.before = self.most = share_of_memory(pid)
        self._pid = pid
        self._over = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, share_of_memory(self._pid))


def main(arguments: Sequence[str]) -> None:
    """Print both rates, and the memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upload")
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    uploads, copies = [], []
    with tempfile.TemporaryDirectory() as folder, rig() as stack:
        book, copy = Path(folder) / "book.pdf", Path(folder) / "copy.pdf"
        web = stack.processes.web()
        key = stack.key(web, "bench@example.org")
        with Highest(web.process.pid) as memory:
            for _ in range(asked.rounds):
                _write(book, asked.megabytes)
                uploads.append(asked.megabytes / through_web(web, key, book))
                copies.append(asked.megabytes / bare(book, copy))
    ours, limit = statistics.median(uploads), statistics.median(copies)
    held = f"web {memory.before >> 20} MB before, {memory.most >> 20} MB at most"
    rates = f"{ours:.0f} MB/s, bare copy and hash {limit:.0f} MB/s: {ours / limit:.2f} of it"
    say(f"upload of {asked.megabytes} MB: {rates}; {held}")


def _write(book: Path, megabytes: int) -> None:
    with book.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        for _ in range(megabytes):
            file.write(os.urandom(2**20))
        file.truncate(megabytes * 2**20)


if __name__ == "__main__":
    main(sys.argv[1:])

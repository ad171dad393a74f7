"""`make demo`: a real book goes in; page images, text and an answer with citations come out.

    python -m tests.demo [--book PATH] [--question TEXT]

Starts the whole stack in a throw-away home, and does everything through the public API. Without a
book it typesets Ilm's own handbook from `docs/`. The last line is for programs to read.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import requests

from models.kernel.money import Nano
from models.kernel.settings import environment
from models.kernel.vendor_settings import VendorSettings
from tests.servers import free_port, isolated

ROOT: Final = Path(__file__).parents[1]
HANDBOOK_QUESTION: Final = "What happens when a worker is killed?"
BOOK_QUESTION: Final = "What is this book about?"
START_SECONDS: Final = 120
BOOK_SECONDS: Final = 1_800
SANDBOX: Final = "ilm-extractive"
BAR: Final = 30
TIERS: Final = 4
UP: Final = "python -m jobs.migrate && exec python -m models.kernel.restarter Procfile"


def main() -> int:
    """Run the demo; 0 when everything came out as it should."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--book", type=Path)
    parser.add_argument("--question")
    options = parser.parse_args()
    began = time.monotonic()
    scratch = ROOT / "var"
    scratch.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="demo-", dir=scratch))
    try:
        book = options.book or _handbook(home)
        question = options.question or (BOOK_QUESTION if options.book else HANDBOOK_QUESTION)
        with _stack(home) as address:
            _tell(f"the stack is up at {address}")
            outcome = Visit(address, _password(home)).read(book, question)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    seconds = f"{time.monotonic() - began:.1f}"
    sys.stdout.write(f"demo: ok {outcome} seconds={seconds}\n")
    return 0


@dataclass(slots=True)
class Visit:
    """One reader's visit, through the public API alone."""

    address: str
    password: str

    def read(self, book: Path, question: str) -> str:
        """Upload a book, watch it being drawn, ask about it; return the figures."""
        with requests.Session() as client:
            self._log_in(client)
            book_id = self._upload(client, book)
            self._await_text(client, book_id)
            answer = self._ask(client, book_id, question)
            pages, images = self._await_pages(client, book_id)
        usage = answer["usage"]
        tokens, cost = usage["completionTokens"], _cost(usage)
        return f"pages={pages} images={images} answer_tokens={tokens} cost_usd={cost}"

    def _log_in(self, client: requests.Session) -> None:
        credentials = {"email": "admin@ilm.localhost", "password": self.password}
        token = self._post(client, "/v1/auth/login", json=credentials)["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"

    def _upload(self, client: requests.Session, book: Path) -> str:
        title = book.stem.replace("-", " ").replace("_", " ").capitalize()
        size = book.stat().st_size / 1e6
        with book.open("rb") as file:
            made = self._post(client, "/v1/books", data={"title": title}, files={"file": file})
        _tell(f"uploaded {title!r} ({size:.1f} MB, {made['format']}) as {made['id']}")
        return str(made["id"])

    def _await_text(self, client: requests.Session, book_id: str) -> None:
        began = time.monotonic()
        while True:
            book = self._get(client, f"/v1/books/{book_id}")
            if book["textStatus"] in {"completed", "partial"}:
                break
            if book["textStatus"] == "failed":
                raise SystemExit(f"demo: the book cannot be read: {book.get('error')}")
            _within(began, BOOK_SECONDS)
        took = time.monotonic() - began
        _tell(f"the text of {book['pageCount']} pages is there after {took:.1f} s")

    def _ask(self, client: requests.Session, book_id: str, question: str) -> dict[str, Any]:
        _tell(f"asking: {question}\n")
        job = self._post(
            client,
            "/v1/jobs",
            json={
                "type": "llm.completion",
                "input": {
                    "model": "auto",
                    "messages": [{"role": "user", "content": question}],
                    "book_id": book_id,
                },
            },
        )
        end = self._watch(client, job["id"])
        if end["status"] != "succeeded":
            raise SystemExit(f"demo: the question was not answered: {end['job']['error']}")
        result: dict[str, Any] = end["job"]["result"]
        sys.stdout.write("\n\n")
        for citation in result["citations"]:
            excerpt = citation["excerpt"]
            shown = excerpt if len(excerpt) <= 70 else f"{excerpt[:69]}…"
            _tell(f"cited and checked: page {citation['page']}: {shown}")
        if not result["citations"]:
            if result["model"] == SANDBOX:
                raise SystemExit("demo: the answer cites no page")
            _tell("this LLM has cited no page")
        _tell(f"the answer cost {_cost(result['usage'])} USD, {result['model']}")
        return result

    def _watch(self, client: requests.Session, job_id: str) -> dict[str, Any]:
        """Print the answer as it streams; return its last event."""
        path = f"{self.address}/v1/jobs/{job_id}/events"
        with client.get(path, stream=True, timeout=60) as stream:
            stream.raise_for_status()
            stream.encoding = "utf-8"
            for line in stream.iter_lines(decode_unicode=True):
                if not line.startswith("data: "):
                    continue
                event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                if event["type"] == "delta":
                    sys.stdout.write(event["text"])
                    sys.stdout.flush()
                if event["type"] == "end":
                    return event
        raise SystemExit("demo: the stream ended without saying so")

    def _await_pages(self, client: requests.Session, book_id: str) -> tuple[int, int]:
        began, last = time.monotonic(), -1
        while True:
            state = self._get(client, f"/v1/books/{book_id}/pages/status")
            progress = state["progress"]
            if progress["percentage"] // 10 > last // 10 or last < 0:
                last = progress["percentage"]
                _show(progress)
            if state["status"] not in {"pending", "processing"}:
                break
            _within(began, BOOK_SECONDS)
        if state["status"] != "completed":
            raise SystemExit(f"demo: the pages are {state['status']}: {state}")
        images = self._count_images(client, book_id, progress["totalPages"])
        return progress["totalPages"], images

    def _count_images(self, client: requests.Session, book_id: str, pages: int) -> int:
        """Count the images there are, and look at the first page's for real."""
        count = 0
        for number in range(1, -(-pages // 100) + 1):
            listing = self._get(client, f"/v1/books/{book_id}/pages?limit=100&page={number}")
            count += sum(url is not None for p in listing["data"] for url in p["urls"].values())
        first = self._get(client, f"/v1/books/{book_id}/pages/1")
        for tier, url in first["urls"].items():
            picture = requests.get(url, timeout=30)
            picture.raise_for_status()
            if not picture.content.startswith(b"\xff\xd8\xff"):
                raise SystemExit(f"demo: the {tier} image of page 1 is no JPEG")
        if count != pages * TIERS:
            raise SystemExit(f"demo: {count} images of {pages} pages, not {pages * TIERS}")
        return count

    def _get(self, client: requests.Session, path: str) -> dict[str, Any]:
        return _body(client.get(f"{self.address}{path}", timeout=30))

    def _post(self, client: requests.Session, path: str, **parts: Any) -> dict[str, Any]:
        return _body(client.post(f"{self.address}{path}", timeout=600, **parts))


def _vendors() -> dict[str, str]:
    """Return what is set of vendors: with a key, the question goes to a real one."""
    names = {field.metadata["name"] for field in fields(VendorSettings)}
    return {name: value for name, value in environment().items() if name in names and value}


@contextmanager
def _stack(home: Path) -> Iterator[str]:
    """Run the whole stack; yield its address; stop everything."""
    port = free_port()
    programs = Path(sys.executable).parent
    environment = {
        **isolated(),
        **_vendors(),
        "ILM_HOME": str(home),
        "ILM_PORT": str(port),
        "ILM_LOG_LEVEL": "warning",
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    command = [sys.executable, "-m", "models.kernel.embedded", "--", "sh", "-c", UP]
    with (home / "stack.log").open("wb") as log:
        stack = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _await_ready(stack, address, home / "stack.log")
        yield address
    finally:
        stack.send_signal(signal.SIGTERM)
        stack.wait(timeout=120)


def _await_ready(stack: subprocess.Popen[bytes], address: str, log: Path) -> None:
    began = time.monotonic()
    while f"ready: {address}" not in log.read_text(encoding="utf-8", errors="replace"):
        if stack.poll() is not None:
            raise SystemExit(f"demo: the stack did not start\n{log.read_text()[-2000:]}")
        _within(began, START_SECONDS)


def _handbook(home: Path) -> Path:
    """Typeset Ilm's own handbook."""
    pdf = home / "ilm-handbook.pdf"
    chapters = sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "docs/decisions").glob("*.md"))
    command = [sys.executable, "-m", "workers.adapters.typesetter", str(pdf), *map(str, chapters)]
    subprocess.run(command, cwd=ROOT, check=True)
    return pdf


def _password(home: Path) -> str:
    lines = (home / "admin.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)["password"]


def _cost(usage: dict[str, Any]) -> str:
    """Return what an answer cost in USD, exactly."""
    return Nano(int(usage["costNanoUsd"])).usd


def _body(answer: requests.Response) -> dict[str, Any]:
    if not answer.ok:
        raise SystemExit(f"demo: {answer.request.method} {answer.url}: {answer.text}")
    body: dict[str, Any] = answer.json()
    return body


def _show(progress: dict[str, int]) -> None:
    done = progress["percentage"] * BAR // 100
    bar = "█" * done + "·" * (BAR - done)
    pages = f"{progress['completedPages']}/{progress['totalPages']} pages"
    _tell(f"drawing {bar} {progress['percentage']:3d} % {pages}")


def _within(began: float, seconds: float) -> None:
    """Give the stack a moment; give up when it has had enough of them."""
    if time.monotonic() - began > seconds:
        raise SystemExit(f"demo: nothing came of it within {seconds:g} s")
    time.sleep(0.1)


def _tell(words: str) -> None:
    sys.stdout.write(f"· {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

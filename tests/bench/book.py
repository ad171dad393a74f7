"""A whole book through the whole stack: `python -m tests.bench.book [PDF]`.

Prints, counted from the upload's answer, when the first page can be seen, when the text is there,
and when all is drawn, by workers that have drawn another book before; then looks at every image and
counts those whose width is not exact. Without a book it makes one of 300 pages.
"""

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import requests
from PIL import Image

from models.kernel.settings import Settings
from models.migrate import migrate
from tests import documents
from tests.processes import Processes, Web
from tests.servers import Servers

WIDTHS: Final = {"thumbnail": 150, "medium": 800, "highRes": 1600, "ultra": 3200}
PAUSE: Final = 0.02


def main(arguments: list[str]) -> int:
    """Run it once and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.book", description=__doc__)
    parser.add_argument("book", nargs="?", type=Path)
    options = parser.parse_args(arguments)
    content = options.book.read_bytes() if options.book else documents.book_pdf(300)
    with tempfile.TemporaryDirectory() as folder, Servers(Path(folder) / "home") as servers:
        settings = Settings(
            home=servers.home, database_url=servers.database_url, redis_url=servers.redis_url
        )
        migrate(settings)
        with Processes(settings, Path(folder), ILM_LOG_LEVEL="warning") as processes:
            web = processes.web()
            for kind in ("default", "pages"):
                processes.worker(kind)
            processes.scheduler()
            _measure(web, content)
    return 0


def _measure(web: Web, content: bytes) -> None:
    token = web.newcomer("reader@example.org")
    _until_drawn(web, token, _uploaded(web, token, documents.book_pdf(1)))
    path = _uploaded(web, token, content)
    _report(web, token, path, _until_drawn(web, token, path))


def _uploaded(web: Web, token: str, content: bytes) -> str:
    """Upload a book and return its path."""
    files = {"file": ("book", content)}
    answer = web.call("POST", "/v1/books", token, data={"title": "A book"}, files=files)
    answer.raise_for_status()
    return f"/v1/books/{answer.json()['id']}"


def _until_drawn(web: Web, token: str, path: str) -> dict[str, float]:
    """Return after how many seconds each part of a book was there."""
    began = time.perf_counter()
    seen: dict[str, float] = {}
    while "drawn" not in seen:
        book = web.call("GET", path, token).json()
        page = web.call("GET", f"{path}/pages/1", token)
        if page.ok and page.json()["urls"]["medium"]:
            seen.setdefault("first page", time.perf_counter() - began)
        if book["textStatus"] not in {"pending", "processing"}:
            seen.setdefault("text", time.perf_counter() - began)
        if book["pagesStatus"] not in {"pending", "processing"}:
            seen.setdefault("drawn", time.perf_counter() - began)
        time.sleep(PAUSE)
    return seen


def _report(web: Web, token: str, path: str, seen: dict[str, float]) -> None:
    count, wrong = _looked_at(web, token, path)
    pages = web.call("GET", f"{path}/pages/status", token).json()["progress"]["totalPages"]
    times = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in seen.items())
    pace = pages / seen["drawn"]
    print(f"{pages} pages: {times} ({pace:.1f} pages/s)")
    print(f"{count} images looked at, {wrong} of another width")


def _looked_at(web: Web, token: str, path: str) -> tuple[int, int]:
    count = wrong = 0
    number, has_more = 1, True
    with requests.Session() as client:
        while has_more:
            listing = web.call("GET", f"{path}/pages?limit=100&page={number}", token).json()
            has_more, number = listing["pagination"]["hasMore"], number + 1
            for page in listing["data"]:
                for tier, url in page["urls"].items():
                    picture = Image.open(io.BytesIO(client.get(url, timeout=30).content))
                    count += 1
                    wrong += picture.width != WIDTHS[tier]
    return count, wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

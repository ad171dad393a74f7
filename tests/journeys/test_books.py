"""A book through the whole stack: uploaded, read, drawn, asked about; and drawn on after a kill."""

import io
from pathlib import Path

import requests
from PIL import Image

from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests import documents
from tests.processes import Processes, Web, until

PAGES = 30
FEW = 3
BEREAVED = """
update job set lease_until = clock_timestamp() where type = 'pages.generate' and state = 'running'
"""
WIDTHS = {"thumbnail": 150, "medium": 800, "highRes": 1600, "ultra": 3200}


def upload(web: Web, token: str, content: bytes, name: str = "book.pdf") -> str:
    answer = web.call(
        "POST", "/v1/books", token, data={"title": "A book"}, files={"file": (name, content)}
    )
    answer.raise_for_status()
    return f"/v1/books/{answer.json()['id']}"


def test_a_book_goes_in_and_images_text_and_a_cited_answer_come_out(
    settings: Settings, database: Pool, tmp_path: Path
) -> None:
    with Processes(settings, tmp_path) as processes:
        web = processes.web()
        for kind in ("default", "pages", "llm"):
            processes.worker(kind)
        token = web.newcomer("reader@example.org")
        content = documents.text_pdf("Whales sing at night.", "Owls hunt in silence.")
        book = upload(web, token, content)
        until(lambda: web.call("GET", book, token).json()["textStatus"] == "completed", "no text")

        asked = web.call(
            "POST",
            "/v1/jobs",
            token,
            json={
                "type": "llm.completion",
                "input": {
                    "model": "ilm-extractive",
                    "messages": [{"role": "user", "content": "When do whales sing?"}],
                    "book_id": book.rsplit("/", 1)[-1],
                },
            },
        ).json()
        job = f"/v1/jobs/{asked['id']}"
        until(lambda: web.call("GET", job, token).json()["status"] == "succeeded", "no answer")
        answer = web.call("GET", job, token).json()["result"]
        until(
            lambda: web.call("GET", f"{book}/pages/status", token).json()["status"] == "completed",
            "not drawn",
        )
        pages = web.call("GET", f"{book}/pages", token).json()["data"]
        sizes = {
            tier: Image.open(io.BytesIO(requests.get(url, timeout=30).content)).width
            for tier, url in pages[0]["urls"].items()
        }

    assert {"page": 1, "excerpt": "Whales sing at night."} in answer["citations"]
    assert answer["usage"]["costNanoUsd"] == "0"
    assert [page["pageNumber"] for page in pages] == [1, 2]
    assert sizes == WIDTHS


def test_a_killed_page_worker_costs_no_finished_page(
    settings: Settings, database: Pool, tmp_path: Path
) -> None:
    with Processes(settings, tmp_path, ILM_LEASE_SECONDS="15", ILM_PAGES_THREADS="1") as processes:
        web = processes.web()
        processes.scheduler()
        worker = processes.worker("pages")
        token = web.newcomer("reader@example.org")
        book = upload(web, token, documents.text_pdf(*(f"Page {n}." for n in range(PAGES))))
        until(lambda: _drawn(database) >= FEW, "a few are not drawn")
        worker.kill()
        worker.wait()
        before = _moments(database)
        database.rows(BEREAVED)
        processes.worker("pages")

        until(
            lambda: web.call("GET", f"{book}/pages/status", token).json()["status"] == "completed",
            "not drawn",
        )

    after = _moments(database)
    completed = database.rows(
        "select count(*) from event where type = 'book.pages.generation.completed'"
    )
    ((attempt, lost, failures),) = database.rows(
        "select attempt, lost, failures from job where type = 'pages.generate'"
    )
    assert len(after) == PAGES
    assert {number: after[number] for number in before} == before
    assert completed == [(1,)]
    assert (attempt, lost, failures) == (2, 1, 0)


def _drawn(database: Pool) -> int:
    return len(_moments(database))


def _moments(database: Pool) -> dict[int, object]:
    """Return when each finished page was drawn."""
    rows = database.rows("select number, drawn_at from page where sizes ? 'ultra'")
    return dict(rows)

"""Pages over HTTP: their images' addresses, how far they are, and drawing them again."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from jobs.pages.renderer import ALL_TIERS, SMALL, Tier
from models.books import Book
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import wire_id
from tests import factories
from tests.api.conftest import code, unsigned
from tests.api.reader import Reader, path_of

WHOLE = {tier.value: 100 + at for at, tier in enumerate(ALL_TIERS)}
VIEWABLE = {tier.value: 100 + at for at, tier in enumerate(SMALL)}


@pytest.fixture
def book(ada: Reader) -> Book:
    """A book of four pages: one whole, one viewable, one failed, one not begun."""
    made = factories.book(ada.person, page_count=4, pages_status="processing")
    now = SystemClock().now()
    factories.page(made, number=1, sizes=WHOLE, drawn_at=now, width=595.2756, height=841.8898)
    factories.page(made, number=2, sizes=VIEWABLE, drawn_at=now, clamped=["high-res"])
    factories.page(made, number=3, failure="timeout", drawn_at=now)
    factories.page(made, number=4)
    return made


def wishes(database: Pool) -> list[int]:
    return [number for (number,) in database.rows("select number from page_wish order by number")]


def test_pages_are_listed_with_the_addresses_of_what_is_drawn(ada: Reader, book: Book) -> None:
    answer = ada.get(f"{path_of(book.id)}/pages").json
    first, second, third, fourth = answer["data"]

    assert first["pageNumber"] == 1
    assert first["dimensions"] == {"width": 595.28, "height": 841.89}
    assert first["fileSizes"] == {"thumbnail": 100, "medium": 101, "highRes": 102, "ultra": 103}
    for tier, name in (("thumbnail", "thumbnail"), ("highRes", "high-res"), ("ultra", "ultra")):
        path = urlsplit(first["urls"][tier]).path
        assert path.endswith(f"/pages/{name}/1.jpg")
    assert (second["urls"]["ultra"], second["fileSizes"]["ultra"]) == (None, None)
    assert second["clamped"] == ["highRes"]
    assert "clamped" not in first
    assert set(third["urls"].values()) == set(fourth["urls"].values()) == {None}
    assert answer["metadata"] == {"totalPages": 4, "generationStatus": "processing"}
    assert answer["pagination"]["total"] == 4


@pytest.mark.parametrize(
    ("resolution", "tier"),
    [("medium", "medium"), ("high-res", "highRes"), ("highRes", "highRes"), ("ultra", "ultra")],
)
def test_one_tier_may_be_asked_for(ada: Reader, book: Book, resolution: str, tier: str) -> None:
    pages = ada.get(f"{path_of(book.id)}/pages?resolution={resolution}&limit=2").json["data"]

    assert len(pages) == 2
    assert all(list(page["urls"]) == list(page["fileSizes"]) == [tier] for page in pages)


@pytest.mark.parametrize(
    "query", ["resolution=huge", "resolution=", "resolution=../..", "page=0", "limit=101", "x=1"]
)
def test_an_odd_query_is_refused(ada: Reader, book: Book, query: str) -> None:
    answer = ada.get(f"{path_of(book.id)}/pages?{query}")

    assert code(answer) == (400, "VALIDATION_ERROR")


def test_a_page_is_looked_at_alone(ada: Reader, book: Book, database: Pool) -> None:
    pages = ada.get(f"{path_of(book.id)}/pages").json["data"]

    assert unsigned(ada.get(f"{path_of(book.id)}/pages/1").json) == unsigned(pages[0])
    assert wishes(database) == []


def test_a_page_somebody_waits_for_is_drawn_next(ada: Reader, book: Book, database: Pool) -> None:
    for number in (4, 4, 3):
        assert ada.get(f"{path_of(book.id)}/pages/{number}").status_code == 200

    assert wishes(database) == [3, 4]


def test_a_page_not_counted_yet_may_be_waited_for(ada: Reader, database: Pool) -> None:
    path = ada.book()

    assert ada.get(f"{path}/pages/7").status_code == 404
    assert wishes(database) == [7]


@pytest.mark.parametrize("status", ["completed", "partial", "failed"])
def test_of_a_book_that_is_done_nothing_is_waited_for(
    ada: Reader, database: Pool, status: str
) -> None:
    path = ada.book(page_count=9, pages_status=status)

    assert ada.get(f"{path}/pages/7").status_code == 404
    assert wishes(database) == []


@pytest.mark.parametrize(
    "number", ["5", "0", "-1", "1000001", "one", "1.5", "%00", "99999999999999999999", "1/../2"]
)
def test_a_page_the_book_has_not_is_not_there(
    ada: Reader, book: Book, database: Pool, number: str
) -> None:
    assert ada.get(f"{path_of(book.id)}/pages/{number}").status_code == 404
    assert wishes(database) == []


def test_how_far_the_drawing_is_counts_whole_and_viewable_pages_apart(
    ada: Reader, book: Book
) -> None:
    assert ada.get(f"{path_of(book.id)}/pages/status").json == {
        "status": "processing",
        "progress": {
            "totalPages": 4,
            "completedPages": 1,
            "viewablePages": 2,
            "failedPages": 1,
            "percentage": 25,
        },
        "currentJob": None,
        "failedPageNumbers": [3],
    }


def test_the_job_that_draws_is_shown_with_when_it_may_be_done(ada: Reader, book: Book) -> None:
    began = SystemClock().now() - timedelta(seconds=60)
    job = factories.job(
        ada.account_id, type="pages.generate", queue="pages", subject_id=book.id,
        state="running", started_at=began, completed=1, total=4,
    )  # fmt: skip

    current = ada.get(f"{path_of(book.id)}/pages/status").json["currentJob"]

    assert current["id"] == wire_id("job", job.id)
    assert current["startedAt"] < current["estimatedCompletion"]


def test_before_anything_is_known_there_is_nothing(ada: Reader) -> None:
    answer = ada.get(f"{ada.book()}/pages/status").json

    assert answer["status"] == "pending"
    assert set(answer["progress"].values()) == {0}


def test_drawing_again_is_a_job_and_joins_one_that_goes_on(ada: Reader, book: Book) -> None:
    path = f"{path_of(book.id)}/pages/generate"

    first = ada.post(path, json={"again": True})
    joined = ada.post(path, json={})

    assert first.status_code == joined.status_code == 202
    assert first.json["type"] == "pages.generate"
    assert first.headers["Location"] == f"/v1/jobs/{first.json['id']}" == joined.headers["Location"]
    assert JobRow.get().input == {"book_id": str(book.id), "again": True}
    assert JobRow.select().count() == 1


def test_when_that_is_over_drawing_again_is_another_job(ada: Reader, book: Book) -> None:
    path = f"{path_of(book.id)}/pages/generate"
    first = ada.post(path, json={}).json["id"]
    ada.post(f"/v1/jobs/{first}/cancel")

    assert ada.post(path, json={}).json["id"] != first


def test_drawing_again_with_the_same_key_is_the_same_job_although_it_is_over(
    ada: Reader, book: Book
) -> None:
    path, key = f"{path_of(book.id)}/pages/generate", {"Idempotency-Key": "k1"}
    first = ada.post(path, json={}, headers=key)
    ada.post(f"/v1/jobs/{first.json['id']}/cancel")

    assert ada.post(path, json={}, headers=key).json == first.json
    assert code(ada.post(path, json={"again": True}, headers=key)) == (409, "CONFLICT")
    assert JobRow.select().count() == 1


@pytest.mark.parametrize(
    "wish", [{"again": "yes"}, {"again": 1}, {"again": None}, {"tiers": ["ultra"]}, [], "x"]
)
def test_an_odd_wish_is_refused(ada: Reader, book: Book, wish: Any) -> None:
    answer = ada.post(f"{path_of(book.id)}/pages/generate", json=wish)

    assert code(answer)[0] == 400
    assert JobRow.select().count() == 0


@pytest.mark.parametrize("tier", [tier.value for tier in Tier])
def test_every_address_leads_to_its_image(ada: Reader, book: Book, blobs: Any, tier: str) -> None:
    blobs.put(f"books/{book.id.hex}/pages/{tier}/1.jpg", b"\xff\xd8 a picture")
    name = "highRes" if tier == "high-res" else tier
    address = urlsplit(ada.get(f"{path_of(book.id)}/pages/1").json["urls"][name])

    answer = ada.browser.get(address.path, query_string=address.query)

    assert (answer.status_code, answer.content) == (200, b"\xff\xd8 a picture")

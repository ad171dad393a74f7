"""Images behind signed addresses: who holds one may look, for an hour, and at nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from falcon.testing import Result

from api.live.images import page_path
from jobs.links import Links
from models.kernel.blobs import Blobs
from models.kernel.ids import new_id
from tests.api.browser import Browser
from tests.api.conftest import Open, code
from tests.fakes.clock import FakeClock

IMAGE = b"\xff\xd8" + bytes(range(256)) * 40 + b"\xff\xd9"
BOOK = new_id()

Look = Callable[..., Result]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC))


@pytest.fixture
def links(clock: FakeClock) -> Links:
    return Links(b"a key of its own", "http://here", clock)


@pytest.fixture
def images(open_browser: Open, links: Links, blobs: Blobs) -> Browser:
    blobs.put(f"books/{BOOK.hex}/pages/medium/3.jpg", IMAGE)
    blobs.put(f"books/{BOOK.hex}/pages/medium/4.jpg", b"another")
    return open_browser(parts={"links": links})


@pytest.fixture
def look(images: Browser, links: Links) -> Look:
    """Look at page 3, with changes to its address or further headers."""
    address = urlsplit(links.sign(page_path(BOOK, "medium", 3)))
    signed = dict(parse_qsl(address.query))

    def look_(path: str = address.path, query: Any = None, **headers: str) -> Result:
        given = {**signed, **(query or {})} if query is None or isinstance(query, dict) else query
        text = given if isinstance(given, str) else urlencode(given)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return images.get(path, query_string=text, headers=names)

    return look_


def test_an_address_leads_to_its_image(look: Look) -> None:
    answer = look()

    assert (answer.status_code, answer.content) == (200, IMAGE)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Length"] == str(len(IMAGE))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"].strip('"')
    assert answer.headers["Last-Modified"]


def test_it_may_be_kept_for_as_long_as_the_address_is_good(look: Look, clock: FakeClock) -> None:
    assert look().headers["Cache-Control"] == "private, max-age=3600, immutable"
    clock.move(600)
    assert look().headers["Cache-Control"] == "private, max-age=3000, immutable"


def test_an_address_is_over_after_an_hour(look: Look, clock: FakeClock) -> None:
    clock.move(3_599)
    assert look().status_code == 200
    clock.move(1)

    assert code(look()) == (403, "FORBIDDEN")


TAMPERED: dict[str, tuple[Any, Any]] = {
    "another page": (page_path(BOOK, "medium", 4), None),
    "another tier": (page_path(BOOK, "ultra", 3), None),
    "another book": (page_path(new_id(), "medium", 3), None),
    "a later end": (None, {"expires": "1900000000"}),
    "another signature": (None, {"signature": "0" * 64}),
    "a shorter signature": (None, {"signature": "0"}),
    "an empty signature": (None, {"signature": ""}),
    "letters that are none": (None, {"signature": "é" * 64}),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_an_address_that_was_tampered_with_is_good_for_nothing(look: Look, name: str) -> None:
    path, query = TAMPERED[name]

    answer = look(**{key: value for key, value in (("path", path), ("query", query)) if value})

    assert code(answer) == (403, "FORBIDDEN")
    assert IMAGE not in answer.content


@pytest.mark.parametrize(
    "query",
    [
        "",
        "expires=1",
        "signature=x",
        "expires=one&signature=x",
        "expires=1&signature=x&more=1",
        "expires=1&expires=2&signature=x",
        "expires=99999999999999999999&signature=x",
        "expires=-1&signature=x",
        f"expires=1&signature={'x' * 101}",
    ],
)
def test_an_address_without_its_parts_is_refused(look: Look, query: str) -> None:
    assert code(look(query=query)) in {(400, "VALIDATION_ERROR"), (403, "FORBIDDEN")}


@pytest.mark.parametrize(
    "name", ["0.jpg", "03.jpg", "3.png", "3", "3.jpg.exe", "-3.jpg", "99999999.jpg", "..%2f3.jpg"]
)
def test_what_is_no_page_is_not_there(images: Browser, links: Links, name: str) -> None:
    path = page_path(BOOK, "medium", 3).replace("3.jpg", name)
    address = urlsplit(links.sign(path))

    assert images.get(address.path, query_string=address.query).status_code in {403, 404}


def test_an_image_that_is_not_drawn_is_not_there(images: Browser, links: Links) -> None:
    address = urlsplit(links.sign(page_path(BOOK, "medium", 9)))

    answer = images.get(address.path, query_string=address.query)

    assert code(answer) == (404, "NOT_FOUND")
    assert "books/" not in answer.json["error"]["message"]


RANGES = [
    ("bytes=0-", 0, None),
    ("bytes=0-0", 0, 1),
    ("bytes=10-19", 10, 20),
    ("bytes=-5", -5, None),
    ("bytes=5-999999999", 5, None),
    ("bytes=-999999999", 0, None),
    (f"bytes={len(IMAGE) - 1}-", -1, None),
]


@pytest.mark.parametrize(("asked", "start", "end"), RANGES, ids=[asked for asked, *_ in RANGES])
def test_a_range_is_what_it_names(look: Look, asked: str, start: int, end: int | None) -> None:
    answer = look(Range=asked)
    expected = IMAGE[start:end]

    if expected == IMAGE:
        assert answer.status_code == 200
    else:
        first = start % len(IMAGE)
        last = first + len(expected) - 1
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(IMAGE)}"
    assert answer.content == expected
    assert answer.headers["Content-Length"] == str(len(expected))


@pytest.mark.parametrize("asked", [f"bytes={len(IMAGE)}-", "bytes=99999999-", "bytes=-0"])
def test_a_range_past_the_end_cannot_be_sent(look: Look, asked: str) -> None:
    answer = look(Range=asked)

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(IMAGE)}"
    assert answer.content == b""


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "lines=1-2",
        "bytes=",
        "bytes=-",
        "bytes=9-3",
        "bytes=1-2,4-5",
        "bytes=a-b",
        "bytes= 1-2",
        f"bytes=1{'0' * 40}-",
    ],
)
def test_a_range_that_says_nothing_is_no_range(look: Look, asked: str) -> None:
    answer = look(Range=asked)

    assert answer.status_code in {200, 416}
    if answer.status_code == 200:
        assert answer.content == IMAGE


def test_who_has_it_already_is_sent_nothing(look: Look) -> None:
    first = look()
    tag, when = first.headers["ETag"], first.headers["Last-Modified"]

    for headers in (
        {"If_None_Match": tag},
        {"If_None_Match": f'"old", W/{tag}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": when},
    ):
        answer = look(**headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag


@pytest.mark.parametrize(
    "headers",
    [
        {"If_None_Match": '"old"'},
        {"If_None_Match": '"old"', "If_Modified_Since": "Fri, 20 Nov 2099 12:00:00 GMT"},
        {"If_Modified_Since": "Fri, 20 Nov 1999 12:00:00 GMT"},
    ],
    ids=["another tag", "the tag counts first", "an older moment"],
)
def test_who_has_another_is_sent_this_one(look: Look, headers: dict[str, str]) -> None:
    assert look(**headers).content == IMAGE


def test_a_range_of_another_version_is_the_whole(look: Look) -> None:
    tag = look().headers["ETag"]

    assert look(Range="bytes=0-9", If_Range=tag).status_code == 206
    assert look(Range="bytes=0-9", If_Range='"old"').content == IMAGE


def test_an_odd_moment_is_refused_or_ignored(look: Look) -> None:
    assert look(If_Modified_Since="yesterday").status_code in {200, 400}


def test_a_head_says_what_a_get_would(images: Browser, links: Links) -> None:
    address = urlsplit(links.sign(page_path(BOOK, "medium", 3)))

    answer = images.request("HEAD", address.path, query_string=address.query)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(IMAGE))


def test_addresses_of_the_same_five_minutes_are_the_same(links: Links, clock: FakeClock) -> None:
    first = links.sign("/a")
    clock.move(299)
    same = links.sign("/a")
    clock.move(1)

    assert same == first
    assert links.sign("/a") != first

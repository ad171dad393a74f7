"""Covers over HTTP, with the worker that sizes them: page 1, unless there is one's own (P-08)."""

import io
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

from models.books import Book
from models.events import Event
from models.kernel.ids import parse_id
from tests.api.conftest import Stack, unsigned
from tests.documents import text_pdf
from tests.processes import until

MEBIBYTE = 2**20
KINDS = {"JPEG": "cover.jpg", "PNG": "cover.png", "WEBP": "cover.webp"}


def picture(kind: str = "PNG", size: tuple[int, int] = (400, 600), colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


@pytest.fixture(scope="module")
def owner(stack: Stack) -> str:
    return stack.newcomer()


@pytest.fixture
def book(stack: Stack, owner: str) -> str:
    """A book that nothing can be drawn of, so that it has no cover of its own."""
    answer = stack.call(
        "POST", "/v1/books", owner, files={"file": ("a.pdf", b"%PDF-1.7 and no more")},
        data={"title": "A", "visibility": "public"},
    )  # fmt: skip
    return f"/v1/books/{answer.json()['id']}"


def put(stack: Stack, token: str, book: str, content: bytes, name: str = "x") -> requests.Response:
    return stack.call("PUT", f"{book}/cover", token, files={"file": (name, content)})


def uploads(stack: Stack) -> list[str]:
    folder = stack.home / "blobs" / "uploads"
    return [path.name for path in folder.rglob("*")] if folder.exists() else []


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_becomes_the_cover_800_px_wide(
    stack: Stack, owner: str, book: str, kind: str
) -> None:
    answer = put(stack, owner, book, picture(kind), KINDS[kind])

    body = answer.json()
    assert answer.status_code == 200
    assert body["dimensions"] == {"width": 800, "height": 1200}
    assert (body["isCustom"], body["mimeType"]) == (True, "image/jpeg")
    image = requests.get(body["url"].replace(address(body["url"]), stack.web.address), timeout=60)
    assert len(image.content) == body["fileSize"]
    assert Image.open(io.BytesIO(image.content)).size == (800, 1200)
    assert unsigned(stack.call("GET", f"{book}/cover", owner).json()) == unsigned(body)
    shown = stack.call("GET", book, owner).json()["coverUrl"]
    assert unsigned(shown) == unsigned(body["url"])
    assert uploads(stack) == []


def address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def test_without_a_cover_there_is_none_and_none_to_take_away(
    stack: Stack, owner: str, book: str
) -> None:
    assert stack.call("GET", f"{book}/cover", owner).status_code == 404
    assert stack.call("DELETE", f"{book}/cover", owner).status_code == 404


def test_page_1_is_the_cover_and_is_again_when_ones_own_is_taken_away(
    stack: Stack, owner: str
) -> None:
    made = stack.call(
        "POST", "/v1/books", owner, files={"file": ("a.pdf", text_pdf("one page"))},
        data={"title": "A"},
    ).json()  # fmt: skip
    book = f"/v1/books/{made['id']}"
    until(
        lambda: stack.call("GET", book, owner).json()["pagesStatus"] == "completed",
        "page 1 is not drawn for good",
    )
    first = stack.call("GET", f"{book}/cover", owner).json()

    own = put(stack, owner, book, picture()).json()
    gone = stack.call("DELETE", f"{book}/cover", owner)
    again = stack.call("GET", f"{book}/cover", owner).json()

    assert (first["isCustom"], own["isCustom"], again["isCustom"]) == (False, True, False)
    assert first["dimensions"]["width"] == 800
    assert gone.status_code == 204
    assert again["fileSize"] == first["fileSize"]
    events = Event.select().where(Event.type == "book.cover.updated")
    ours = [each for each in events if each.data["book"]["id"] == made["id"]]
    assert [each.data["isCustom"] for each in sorted(ours, key=lambda each: each.created_at)] == [
        True, False,
    ]  # fmt: skip


BAD_PICTURES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "a book": (text_pdf("page"), 415),
    "a program": (b"MZ\x90\0", 415),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
    "gif": (b"GIF89a" + b"\0" * 40, 415),
    "the first bytes of a jpeg": (b"\xff\xd8\xff\xe0" + b"\0" * 100, 415),
    "half a png": (picture(size=(900, 900))[:200], 415),
    "a webp that is none": (b"RIFF\0\0\0\0WEBPnothing", 415),
    "too large": (b"\x89PNG\r\n\x1a\n" + b"\0" * (10 * MEBIBYTE), 413),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_what_is_no_picture_changes_nothing(stack: Stack, owner: str, book: str, name: str) -> None:
    content, status = BAD_PICTURES[name]

    answer = put(stack, owner, book, content, "cover.png")

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert stack.call("GET", f"{book}/cover", owner).status_code == 404
    assert uploads(stack) == []
    assert Book.get_by_id(parse_id("book", book.rsplit("/", 1)[-1])).custom_cover is None


@pytest.mark.parametrize(
    "parts",
    [
        {"files": {"picture": ("a.png", picture())}},
        {"files": {"file": ("a.png", picture())}, "data": {"title": "A"}},
        {"json": {"file": "a.png"}},
        {"data": b"\x89PNG", "headers": {"Content-Type": "image/png"}},
    ],
    ids=["another field", "a field more", "json", "the picture alone"],
)
def test_a_body_of_another_shape_changes_nothing(
    stack: Stack, owner: str, book: str, parts: dict[str, Any]
) -> None:
    answer = stack.call("PUT", f"{book}/cover", owner, **parts)

    assert answer.status_code in {400, 415}
    assert stack.call("GET", f"{book}/cover", owner).status_code == 404
    assert uploads(stack) == []


def test_a_stranger_may_look_at_a_public_cover_and_not_change_it(
    stack: Stack, owner: str, book: str
) -> None:
    stranger = stack.newcomer()
    put(stack, owner, book, picture())

    assert stack.call("GET", f"{book}/cover", stranger).ok
    assert put(stack, stranger, book, picture(colour="red")).status_code == 403
    assert stack.call("DELETE", f"{book}/cover", stranger).status_code == 403
    stack.call("PATCH", book, owner, json={"visibility": "private"})
    for verb in ("GET", "DELETE"):
        assert stack.call(verb, f"{book}/cover", stranger).status_code == 404
    assert put(stack, stranger, book, picture(colour="red")).status_code == 404
    assert uploads(stack) == []

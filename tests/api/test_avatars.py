"""Avatars over HTTP, with the worker that draws them (A-32)."""

import io
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

from models.kernel.ids import parse_id
from tests.api.conftest import Stack, unsigned

MEBIBYTE = 2**20
ME = "/v1/users/me"
MINE = f"{ME}/avatar"
ORIENTATION, GPS = 0x0112, 0x8825
SIZES = {"avatarUrl": 512, "avatarThumbnailUrl": 96}


def picture(kind: str = "PNG", size: tuple[int, int] = (600, 400), **options: Any) -> bytes:
    """Return a picture that is red at its left half and blue at its right."""
    out = io.BytesIO()
    whole = Image.new("RGB", size, "red")
    whole.paste("blue", (size[0] // 2, 0, *size))
    whole.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture
def me(stack: Stack) -> str:
    return stack.newcomer()


def put(stack: Stack, token: str, content: bytes) -> requests.Response:
    return stack.call("PUT", MINE, token, files={"file": ("me.png", content)})


def fetch(stack: Stack, url: str, **headers: str) -> requests.Response:
    parts = urlsplit(url)
    return requests.get(
        f"{stack.web.address}{parts.path}?{parts.query}", headers=headers, timeout=60
    )


def folder(stack: Stack, token: str) -> list[str]:
    """Return what is kept of somebody's avatars."""
    mine = parse_id("user", stack.call("GET", ME, token).json()["id"])
    home = stack.home / "blobs" / "people" / mine.hex
    return sorted(path.name for path in home.rglob("*.webp"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_becomes_two_squares(stack: Stack, me: str, kind: str) -> None:
    assert stack.call("GET", ME, me).json()["avatarUrl"] is None

    answer = put(stack, me, picture(kind))

    assert answer.status_code == 200
    assert unsigned(stack.call("GET", ME, me).json()) == unsigned(answer.json())
    for name, size in SIZES.items():
        image = fetch(stack, answer.json()[name])
        assert image.headers["Content-Type"] == "image/webp"
        assert Image.open(io.BytesIO(image.content)).size == (size, size)
    other = stack.newcomer()
    profile = stack.call("GET", f"/v1/users/{answer.json()['id']}", other).json()
    assert unsigned(profile["avatarUrl"]) == unsigned(answer.json()["avatarUrl"])


def test_nothing_is_kept_but_pixels_and_a_camera_held_upright(stack: Stack, me: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    exif.get_ifd(GPS)[2] = (48.0, 8.0, 12.0)
    content = picture("JPEG", exif=exif, comment=b"home", icc_profile=b"icc")
    assert b"Exif" in content

    image = fetch(stack, put(stack, me, content).json()["avatarUrl"]).content

    drawn = Image.open(io.BytesIO(image))
    assert not [mark for mark in (b"EXIF", b"ICCP", b"XMP", b"home") if mark in image]
    assert dict(drawn.getexif()) == {}
    left, right = (drawn.convert("RGB").getpixel((x, 256)) for x in (20, 490))
    assert (left[2] > left[0] + 150, right[0] > right[2] + 150) == (True, True)


def test_an_avatar_may_be_cached_and_its_address_ends(stack: Stack, me: str) -> None:
    url = put(stack, me, picture()).json()["avatarUrl"]
    image = fetch(stack, url)

    assert image.headers["Cache-Control"].startswith("private, max-age=")
    known = fetch(stack, url, **{"If-None-Match": image.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert fetch(stack, url.replace("-512", "-96")).status_code == 403
    assert fetch(stack, f"{url}0").status_code == 403


def test_one_avatar_takes_the_place_of_another_and_is_taken_off(stack: Stack, me: str) -> None:
    first = put(stack, me, picture()).json()["avatarUrl"]
    second = put(stack, me, picture("JPEG")).json()["avatarUrl"]
    assert fetch(stack, first).status_code == 404
    assert folder(stack, me) == ["512.webp", "96.webp"]

    assert stack.call("DELETE", MINE, me).status_code == 204

    assert fetch(stack, second).status_code == 404
    assert folder(stack, me) == []
    assert stack.call("GET", ME, me).json()["avatarUrl"] is None
    assert stack.call("DELETE", MINE, me).status_code == 404


def bomb() -> bytes:
    """Return a small file that unfolds into more pixels than are drawn."""
    out = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(out, "PNG")
    return out.getvalue()


BAD: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
    "gif": (b"GIF89a" + b"\0" * 40, 415),
    "half a png": (picture(size=(900, 900))[:200], 415),
    "another file behind the first bytes": (b"\x89PNG\r\n\x1a\n<script>", 415),
    "too large": (b"\x89PNG\r\n\x1a\n" + b"\0" * (5 * MEBIBYTE), 413),
    "a bomb": (bomb(), 413),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_changes_nothing(stack: Stack, me: str, name: str) -> None:
    content, status = BAD[name]
    kept = put(stack, me, picture()).json()["avatarUrl"]

    answer = put(stack, me, content)

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert fetch(stack, kept).status_code == 200
    uploads = stack.home / "blobs" / "uploads"
    assert not (uploads.exists() and [*uploads.rglob("*")])


def test_only_a_picture_is_taken(stack: Stack, me: str) -> None:
    parts: list[dict[str, Any]] = [
        {"files": {"picture": ("a.png", picture())}},
        {"files": {"file": ("a.png", picture())}, "data": {"userId": "user_1"}},
        {"json": {"file": "a.png"}},
    ]

    assert {stack.call("PUT", MINE, me, **each).status_code for each in parts} <= {400, 415}
    assert folder(stack, me) == []

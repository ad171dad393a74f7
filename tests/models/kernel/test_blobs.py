"""Blobs: whole or not there, on this disk as in an object store."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from obstore.store import MemoryStore

from models.kernel.blobs import CHUNK, Blobs, open_blobs
from models.kernel.errors import NotFound, Unavailable
from models.kernel.settings import Settings
from tests.servers import free_port

KEY = "books/1/pages/medium/3.jpg"


@pytest.fixture(params=["disk", "elsewhere"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "disk":
        return open_blobs(Settings(home=tmp_path))
    return Blobs(MemoryStore())


async def pieces(*given: bytes, ends: bool = True) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece
    if not ends:
        raise ConnectionResetError


def test_what_is_put_is_read_again(blobs: Blobs) -> None:
    blobs.put(KEY, b"first")
    blobs.put(KEY, b"second")

    assert blobs.read(KEY) == b"second"
    assert blobs.facts(KEY).size == len(b"second")


def test_another_content_has_another_tag(blobs: Blobs) -> None:
    blobs.put(KEY, b"first")
    first = blobs.facts(KEY)
    blobs.put(KEY, b"other content")

    assert first.etag
    assert blobs.facts(KEY).etag != first.etag
    assert blobs.facts(KEY).modified.tzinfo is not None


def test_a_file_goes_in_and_comes_out_piece_by_piece(blobs: Blobs, tmp_path: Path) -> None:
    content = bytes(range(256)) * (CHUNK // 100)
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(content)

    blobs.put_file(KEY, source)
    blobs.fetch(KEY, target)

    assert target.read_bytes() == content
    if blobs.local_path(KEY):  # memory hands out what it holds, in one piece
        assert max(len(piece) for piece in blobs.chunks(KEY)) <= 2 * CHUNK


def test_a_stream_is_kept_when_it_ends_well(blobs: Blobs) -> None:
    asyncio.run(blobs.put_stream(KEY, pieces(b"one ", b"two ", b"three")))

    assert blobs.read(KEY) == b"one two three"


def test_a_stream_that_breaks_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    big = b"x" * (12 << 20)
    with pytest.raises((ConnectionResetError, Unavailable)):
        asyncio.run(blobs.put_stream(KEY, pieces(big, ends=False)))

    with pytest.raises(NotFound):
        blobs.facts(KEY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_stretch_is_read_without_the_rest(blobs: Blobs) -> None:
    content = bytes(range(256)) * (2 * CHUNK // 256)
    blobs.put(KEY, content)

    async def stretch(start: int, end: int) -> bytes:
        return b"".join([piece async for piece in blobs.stream(KEY, start, end)])

    assert asyncio.run(stretch(0, len(content))) == content
    assert asyncio.run(stretch(5, CHUNK + 7)) == content[5 : CHUNK + 7]
    assert asyncio.run(stretch(9, 9)) == b""


def test_a_blob_moves_to_another_key_over_what_was_there(blobs: Blobs) -> None:
    blobs.put("uploads/1", b"new")
    blobs.put(KEY, b"old")

    blobs.move("uploads/1", KEY)

    assert blobs.read(KEY) == b"new"
    with pytest.raises(NotFound):
        blobs.read("uploads/1")


def test_what_is_not_there_is_not_found_and_may_be_deleted(blobs: Blobs) -> None:
    blobs.delete(KEY, KEY)

    for ask in (blobs.facts, blobs.read, lambda key: list(blobs.chunks(key))):
        with pytest.raises(NotFound):
            ask(KEY)


def test_a_folder_is_forgotten_and_its_neighbours_are_not(blobs: Blobs) -> None:
    for key in ("books/1/a", "books/1/b/c", "books/10/a"):
        blobs.put(key, b"x")

    blobs.delete_under("books/1")

    assert blobs.read("books/10/a") == b"x"
    for key in ("books/1/a", "books/1/b/c"):
        with pytest.raises(NotFound):
            blobs.facts(key)


@pytest.mark.parametrize("key", ["../outside", "books/../../outside", "/etc/passwd"])
def test_no_key_leads_out_of_the_store(tmp_path: Path, key: str) -> None:
    blobs = open_blobs(Settings(home=tmp_path / "home"))
    (tmp_path / "outside").write_bytes(b"secret")

    with pytest.raises((NotFound, ValueError)):
        blobs.read(key)
    assert (tmp_path / "outside").read_bytes() == b"secret"


def test_only_a_blob_of_this_disk_has_a_path(tmp_path: Path) -> None:
    here = open_blobs(Settings(home=tmp_path))
    here.put(KEY, b"x")
    path = here.local_path(KEY)

    assert path is not None
    assert path.read_bytes() == b"x"
    assert Blobs(MemoryStore()).local_path(KEY) is None


def test_a_store_that_answers_checks(blobs: Blobs) -> None:
    blobs.check()


def test_a_store_named_by_a_file_address_is_a_folder(tmp_path: Path) -> None:
    settings = replace(Settings(home=tmp_path), storage_url=f"file://{tmp_path}/elsewhere")
    (tmp_path / "elsewhere").mkdir()
    open_blobs(settings).put(KEY, b"x")

    assert (tmp_path / "elsewhere" / KEY).read_bytes() == b"x"


def stand_at(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say in the vendor's own variables where an object store is, and who we are to it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def test_a_store_that_is_away_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(free_port(), monkeypatch)
    blobs = open_blobs(Settings(home=tmp_path, storage_url="s3://bucket"))

    with pytest.raises(Unavailable):
        blobs.check()


def test_an_object_store_is_asked_where_and_as_whom_its_own_variables_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    class Store(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_error(404)

        def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - theirs
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        stand_at(server.server_port, monkeypatch)
        open_blobs(Settings(home=tmp_path, storage_url="s3://bucket/prefix")).check()
        server.shutdown()
        serving.join()

    assert [path for path, _ in asked] == ["/bucket/prefix/health"]
    assert "Credential=key/" in asked[0][1]

"""Blobs: files kept by key, on this disk or in an object store, through `obstore` (K-15).

A key is made by us (`books/<id>/pages/medium/3.jpg`), never by a client. A `put` is whole or not
there: the local store writes beside and renames, object stores commit at the end.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from models.kernel.errors import NotFound, Unavailable
from models.kernel.settings import Settings

CHUNK: Final = 1 << 20
CALL: Final = timedelta(seconds=30)
RETRIES: Final = 3


@dataclass(frozen=True, slots=True)
class BlobFacts:
    """What is known of a blob without reading it. `size` in bytes."""

    key: str
    size: int
    etag: str
    modified: datetime


class Blobs:
    """The one store of this installation."""

    def __init__(self, store: Any, folder: Path | None = None) -> None:
        """Take any obstore store, and its folder when it is one of this disk."""
        self._store = store
        self._folder = folder

    def put_file(self, key: str, path: Path) -> None:
        """Keep a copy of a file under a key, replacing what was there."""
        with _translated():
            obstore.put(self._store, key, path)

    def put(self, key: str, data: bytes) -> None:
        """Keep bytes under a key, replacing what was there."""
        with _translated():
            obstore.put(self._store, key, data)

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep what arrives, piece by piece; nothing is kept when the pieces end in an error."""
        with _translated():
            await obstore.put_async(self._store, key, chunks)

    def move(self, key: str, target: str) -> None:
        """Give a blob another key, replacing what was there."""
        with _translated():
            obstore.rename(self._store, key, target)

    def local_path(self, key: str) -> Path | None:
        """Return where a blob lies on this disk, None in a store that is elsewhere."""
        return self._folder / key if self._folder else None

    def facts(self, key: str) -> BlobFacts:
        """Return size, entity tag and time; raise `NotFound`."""
        with _translated():
            return _facts(key, obstore.head(self._store, key))

    def read(self, key: str) -> bytes:
        """Return a whole blob: for small ones."""
        with _translated():
            return bytes(obstore.get(self._store, key).bytes())

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield a blob piece by piece, 1 MiB at most each."""
        with _translated():
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    async def stream(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`, 1 MiB at most at a time."""
        for offset in range(start, end, CHUNK):
            with _translated():
                piece = await obstore.get_range_async(
                    self._store, key, start=offset, end=min(offset + CHUNK, end)
                )
            yield bytes(piece)

    def fetch(self, key: str, path: Path) -> None:
        """Copy a blob to a file."""
        with path.open("wb") as file:
            for chunk in self.chunks(key):
                file.write(chunk)

    def delete(self, *keys: str) -> None:
        """Forget blobs; those that are not there are no error."""
        for key in keys:
            try:
                with _translated():
                    obstore.delete(self._store, key)
            except NotFound:
                continue

    async def drop(self, key: str) -> None:
        """Forget a blob without holding up the event loop; one that is not there is no error."""
        try:
            with _translated():
                await obstore.delete_async(self._store, key)
        except NotFound:
            return

    def delete_under(self, prefix: str) -> None:
        """Forget every blob whose key begins with this folder."""
        for batch in obstore.list(self._store, prefix):
            self.delete(*(entry["path"] for entry in batch))

    def older_than(self, prefix: str, moment: datetime) -> Iterator[str]:
        """Yield the keys of a folder that were written before a moment."""
        with _translated():
            for batch in obstore.list(self._store, prefix):
                yield from (entry["path"] for entry in batch if entry["last_modified"] < moment)

    def check(self) -> None:
        """Raise `Unavailable` unless the store answers."""
        try:
            self.facts("health")
        except NotFound:
            return


def open_blobs(settings: Settings) -> Blobs:
    """Open the store the settings name: `STORAGE_URL`, else a folder of the home.

    Where an object store is and who we are to it stands in its vendor's own variables
    (`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, …), which obstore reads.
    """
    if settings.storage_url:
        return Blobs(
            from_url(
                settings.storage_url,
                client_options={"timeout": CALL, "allow_http": True},  # its address decides
                retry_config={"max_retries": RETRIES, "retry_timeout": CALL},
            )
        )
    folder = settings.home.resolve() / "blobs"
    folder.mkdir(parents=True, exist_ok=True)
    return Blobs(LocalStore(folder), folder)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the store's errors into ours."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise NotFound("there is no such file") from error
    except (BaseError, OSError) as error:
        raise Unavailable("the blob store does not answer") from error


def _facts(key: str, meta: Any) -> BlobFacts:
    return BlobFacts(key, meta["size"], (meta["e_tag"] or "").strip('"'), meta["last_modified"])

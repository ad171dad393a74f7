"""Uploads: a multipart body read as it comes and never held whole (K-02).

The file goes to the blob store piece by piece, its hash and size taken on the way. Nothing is
kept of an upload that is refused or cut short.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import falcon
from falcon.asgi import Request
from falcon.media.multipart import MultipartParseError

from jobs.books import Upload
from jobs.formats import HEAD_BYTES, format_of
from models.kernel.blobs import Blobs
from models.kernel.errors import Detail, Invalid, Malformed, PayloadTooLarge, UnsupportedMediaType
from models.kernel.ids import new_id

PIECE: Final = 1 << 20
MOST_FIELD: Final = 64 * 1024
MOST_FIELDS: Final = 20
OVERHEAD: Final = 1 << 20
FILE: Final = "file"


@dataclass(slots=True)
class Arrival:
    """What has arrived of one multipart body."""

    fields: dict[str, str] = field(default_factory=dict)
    upload: Upload | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The fields and the file's hash: what makes it the same request again."""
        digest = self.upload.sha256.hex() if self.upload else None
        return {**self.fields, FILE: digest}


@dataclass(slots=True)
class Meter:
    """Counts and hashes what passes; raises `PayloadTooLarge` past the limit."""

    limit: int
    size: int = 0
    digest: Any = field(default_factory=sha256)

    def take(self, piece: bytes) -> bytes:
        """Note a piece, and pass it on."""
        self.size += len(piece)
        if self.size > self.limit:
            raise too_large(self.limit)
        self.digest.update(piece)
        return piece


class Receiver:
    """Receives one file and the fields around it."""

    def __init__(self, blobs: Blobs, limit: int) -> None:
        """Take the store, and the size in bytes a file may have."""
        self._blobs = blobs
        self._limit = limit

    async def receive(self, req: Request, refuse: Callable[[bytes], Any]) -> Arrival:
        """Read a whole body.

        `refuse` sees the file's first bytes and returns its format, or raises. Raises `Malformed`,
        `Invalid`, `PayloadTooLarge`, `UnsupportedMediaType`.
        """
        if (req.content_length or 0) > self._limit + OVERHEAD:
            raise too_large(self._limit)
        if not (req.content_type or "").lower().startswith(falcon.MEDIA_MULTIPART):
            raise UnsupportedMediaType("send the file as multipart/form-data")
        arrival = Arrival()
        try:
            await self._read(req, refuse, arrival)
        except (MultipartParseError, falcon.HTTPBadRequest, UnicodeDecodeError) as error:
            await self.forget(arrival)
            raise Malformed("the multipart body cannot be read") from error
        except BaseException:
            await self.forget(arrival)
            raise
        return arrival

    async def forget(self, arrival: Arrival) -> None:
        """Drop what was stored of an upload, unless it was taken in and lies elsewhere now."""
        if arrival.upload is not None:
            await self._blobs.drop(arrival.upload.key)

    async def _read(self, req: Request, refuse: Callable[[bytes], Any], arrival: Arrival) -> None:
        form = await req.get_media()
        count = 0
        async for part in form:
            count += 1
            if count > MOST_FIELDS:
                raise Malformed(f"more than {MOST_FIELDS} parts")
            name = part.name or ""
            if name == FILE:
                if arrival.upload is not None:
                    raise Invalid(details=[Detail(FILE, "Given more than once.")])
                arrival.upload = await self._store(part, refuse)
            elif name in arrival.fields:
                raise Invalid(details=[Detail(name[:100], "Given more than once.")])
            else:
                arrival.fields[name] = await _text(part)
        if arrival.upload is None:
            raise Invalid(details=[Detail(FILE, "Missing data for required field.")])

    async def _store(self, part: Any, refuse: Callable[[bytes], Any]) -> Upload:
        head = await part.stream.read(HEAD_BYTES)
        if not head:
            raise Invalid(details=[Detail(FILE, "The file is empty.")])
        kind = refuse(head)
        key = f"uploads/{new_id().hex}"
        meter = Meter(self._limit)

        async def pieces() -> AsyncIterator[bytes]:
            yield meter.take(head)
            while piece := await part.stream.read(PIECE):
                yield meter.take(piece)

        await self._blobs.put_stream(key, pieces())
        name = _file_name(part)
        return Upload(key, meter.digest.digest(), meter.size, kind, name)


def book_format(head: bytes) -> str:
    """Return the format of a book; raise `UnsupportedMediaType` for what is none."""
    kind = format_of(head)
    if kind is None:
        raise UnsupportedMediaType("the file is not a PDF, EPUB, MOBI or UTF-8 text")
    return kind


def picture_format(head: bytes) -> str:
    """Return the format of a picture; raise `UnsupportedMediaType` for what is none."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    raise UnsupportedMediaType("the file is not a JPEG, PNG or WebP picture")


def too_large(limit: int) -> PayloadTooLarge:
    """Return the refusal of a file larger than `limit` bytes."""
    return PayloadTooLarge(f"the file is larger than {limit} bytes")


async def _text(part: Any) -> str:
    data = await part.stream.read(MOST_FIELD + 1)
    if len(data) > MOST_FIELD:
        raise PayloadTooLarge(f"a field is longer than {MOST_FIELD} bytes")
    return str(data.decode("utf-8"))


def _file_name(part: Any) -> str:
    """Return the file's own name: only ever shown and guessed from, never a path."""
    try:
        name = part.filename or ""
    except (MultipartParseError, ValueError, LookupError):
        return ""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable() and not "\ud800" <= c <= "\udfff")

"""Images behind signed addresses: streamed, resumable, cacheable (P-05).

`ETag`, single `Range` and conditional requests as RFC 9110 §13 and §14 say.
"""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api.hop import Hop
from jobs.avatars import avatar_key
from jobs.links import Links
from jobs.pages.generate import page_key
from jobs.pages.renderer import Tier
from models.kernel.blobs import BlobFacts, Blobs
from models.kernel.errors import Forbidden, NotFound
from models.kernel.ids import wire_id

JPEG: Final = "image/jpeg"
WEBP: Final = "image/webp"
LOOKUP_SECONDS: Final = 10.0

_NUMBERED: Final = re.compile(r"([1-9]\d{0,6})\.jpg", re.ASCII)
_AVATAR: Final = re.compile(r"([0-9a-f]{64})-(512|96)\.webp", re.ASCII)
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes to send: from `start` up to, not including, `end`."""

    start: int
    end: int


class Images:
    """Serves what signed addresses lead to."""

    def __init__(self, blobs: Blobs, links: Links, hop: Hop) -> None:
        """Take the store, what checks signatures, and the way to the store's facts."""
        self._blobs = blobs
        self._links = links
        self._hop = hop

    async def on_get_page(
        self, req: Request, resp: Response, book_id: UUID, *, tier: Tier, name: str
    ) -> None:
        """Send the image of a page."""
        match = _NUMBERED.fullmatch(name)
        if match is None:
            raise NotFound
        await self._send(req, resp, page_key(book_id, tier, int(match[1])))

    async def on_get_cover(self, req: Request, resp: Response, book_id: UUID, name: str) -> None:
        """Send a custom cover."""
        await self._send(req, resp, cover_key(book_id, name.removesuffix(".jpg")))

    async def on_get_avatar(self, req: Request, resp: Response, user_id: UUID, name: str) -> None:
        """Send a user's avatar in one of its sizes."""
        match = _AVATAR.fullmatch(name)
        if match is None:
            raise NotFound
        await self._send(req, resp, avatar_key(user_id, match[1], int(match[2])), WEBP)

    async def _send(self, req: Request, resp: Response, key: str, kind: str = JPEG) -> None:
        query = req.context.query
        left = self._links.seconds_left(req.path, query["expires"], query["signature"])
        if not left:
            raise Forbidden("this address has expired or was never good; ask for a new one")
        facts = await self._hop.run(lambda: self._blobs.facts(key), seconds=LOOKUP_SECONDS)
        resp.content_type = kind
        resp.set_header("Cache-Control", f"private, max-age={left}, immutable")
        resp.set_header("ETag", f'"{facts.etag}"')
        resp.set_header("Accept-Ranges", "bytes")
        resp.last_modified = facts.modified
        if _is_known(req, facts):
            resp.status = falcon.HTTP_304
            return
        span = _span(req, facts)
        if span is None:
            resp.status = falcon.HTTP_416
            resp.set_header("Content-Range", f"bytes */{facts.size}")
            return
        if span != Span(0, facts.size):
            resp.status = falcon.HTTP_206
            resp.set_header("Content-Range", f"bytes {span.start}-{span.end - 1}/{facts.size}")
        resp.content_length = span.end - span.start
        resp.stream = self._blobs.stream(key, span.start, span.end)


def page_path(book_id: UUID, tier: str, number: int) -> str:
    """Return the path of a page's image, still to be signed."""
    return f"/v1/books/{wire_id('book', book_id)}/pages/{tier}/{number}.jpg"


def cover_path(book_id: UUID, name: str) -> str:
    """Return the path of a custom cover, still to be signed."""
    return f"/v1/books/{wire_id('book', book_id)}/covers/{name}.jpg"


def cover_key(book_id: UUID, name: str) -> str:
    """Return where a custom cover is kept; `name` is the hash of what was uploaded."""
    if not re.fullmatch(r"[0-9a-f]{64}", name):
        raise NotFound
    return f"books/{book_id.hex}/covers/{name}.jpg"


def _is_known(req: Request, facts: BlobFacts) -> bool:
    """Say whether the client has it already: If-None-Match, else If-Modified-Since."""
    known = req.get_header("If-None-Match")
    if known is not None:
        tags = {tag.strip().removeprefix("W/").strip('"') for tag in known.split(",")}
        return "*" in tags or facts.etag in tags
    since = req.get_header_as_datetime("If-Modified-Since")
    return since is not None and facts.modified.replace(microsecond=0) <= since


def _span(req: Request, facts: BlobFacts) -> Span | None:
    """Return what to send; None when the range asked for begins past the end.

    Anything but one range of bytes is ignored, and so is one whose If-Range does not hold.
    """
    whole = Span(0, facts.size)
    match = _RANGE.fullmatch(req.get_header("Range") or "")
    condition = req.get_header("If-Range")
    if match is None or match[0] == "bytes=-" or (condition and condition.strip('"') != facts.etag):
        return whole
    first, last = match.groups()
    if not first:
        length = int(last)
        return Span(max(0, facts.size - length), facts.size) if length else None
    start = int(first)
    end = min(int(last) + 1, facts.size) if last else facts.size
    if start >= facts.size:
        return None
    return Span(start, end) if start < end else whole

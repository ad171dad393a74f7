"""Covers: which one is shown, and back to page 1."""

from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.books import cover_url, owned, seen
from jobs import covers
from jobs.links import Links
from models.books import Book
from models.kernel.errors import NotFound
from models.kernel.ids import wire_id


class Covers:
    """The cover of one book."""

    def __init__(self, links: Links) -> None:
        """Take what signs addresses."""
        self._links = links

    def on_get(self, req: Request, resp: Response, book_id: UUID) -> None:
        """Show the cover; 404 while there is none (P-09)."""
        resp.media = cover_body(seen(req, book_id), self._links)

    def on_delete(self, req: Request, _resp: Response, book_id: UUID) -> None:
        """Take the custom cover away: page 1 is shown again."""
        covers.revert(owned(req, book_id))


def cover_body(book: Book, links: Links) -> dict[str, Any]:
    """Return a cover as the wire shows it; raise `NotFound` when there is none."""
    cover = book.shown_cover
    if cover is None:
        raise NotFound("this book has no cover yet")
    return {
        "bookId": wire_id("book", book.id),
        "url": cover_url(book, links),
        "isCustom": book.custom_cover is not None,
        "dimensions": {"width": cover["width"], "height": cover["height"]},
        "fileSize": cover["size"],
        "mimeType": "image/jpeg",
    }

"""Books: list, look, change, delete."""

import json
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.live.images import cover_path, page_path
from api.principals import Principal
from api.schemas.books import BookSchema
from api.schemas.lists import Order, page_of
from jobs import books
from jobs.links import Links
from jobs.pages.renderer import Tier
from jobs.queue import Queue
from jobs.shelf import Asked, Shelf
from models.books import Book
from models.generations import EVERYBODY
from models.kernel.clock import Clock
from models.listings import Listing

NEWEST: Final = Order("id", descending=True)
LISTED_SECONDS: Final = 900
"""How long a list is kept: the signed addresses in it are good for 55 minutes and more."""
FILTERS: Final = ("category", "language", "visibility", "format")


class Books:
    """The books an account may see."""

    def __init__(self, queue: Queue, links: Links, shelf: Shelf, clock: Clock) -> None:
        """Take what stops jobs, what signs addresses, where answers are kept, and the time."""
        self._queue = queue
        self._links = links
        self._shelf = shelf
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List one's own and public books, newest first unless asked otherwise."""
        subjects = (req.context.principal.account_id, EVERYBODY)
        asked = asked_of(req, subjects)
        resp.text = self._shelf.answer(asked, lambda: self._list(req))

    def _list(self, req: Request) -> str:
        principal, query = req.context.principal, dict(req.context.query)
        rows = Book.visible_to(principal.account_id, principal.mode)
        if query.pop("mine"):
            rows = rows.where(Book.account_id == principal.account_id)
        for name in FILTERS:
            if values := query.pop(name, None):
                rows = rows.where(getattr(Book, name).in_(values))
        order = query.pop("sort") or NEWEST
        column = getattr(Book, order.by)
        rows = rows.order_by(column.desc() if order.descending else column, Book.id.desc())
        return books_body(Listing.of(rows, **query), self._links)

    def on_get_one(self, req: Request, resp: Response, book_id: UUID) -> None:
        """Show a book."""
        resp.media = book_body(seen(req, book_id), self._links)

    def on_patch(self, req: Request, resp: Response, book_id: UUID) -> None:
        """Change what its owner says of a book."""
        book = books.change(owned(req, book_id), req.context.body, self._clock.now())
        resp.media = book_body(book, self._links)

    def on_delete(self, req: Request, _resp: Response, book_id: UUID) -> None:
        """Delete a book; what was being done for it stops."""
        books.delete(owned(req, book_id), self._clock.now(), self._queue)


def seen(req: Request, book_id: UUID) -> Book:
    """Return a book the caller may see."""
    principal: Principal = req.context.principal
    return Book.seen_by(principal.account_id, principal.mode, book_id)


def owned(req: Request, book_id: UUID) -> Book:
    """Return a book the caller may change."""
    principal: Principal = req.context.principal
    return Book.owned_by(principal.account_id, principal.mode, book_id)


def asked_of(req: Request, subjects: Sequence[UUID]) -> Asked:
    """Return what a list of books was asked for; it shows books of these accounts alone."""
    principal: Principal = req.context.principal
    return Asked(
        question=f"{req.path}?{sorted(req.context.query.items(), key=itemgetter(0))}",
        viewer=f"{principal.account_id} {principal.mode}",
        scope="books",
        subjects=subjects,
        seconds=LISTED_SECONDS,
    )


def books_body(listing: Listing, links: Links) -> str:
    """Return a page of books as JSON."""
    pagination = page_of(BookSchema).dump(listing)["pagination"]
    data = [book_body(book, links) for book in listing.data]
    return json.dumps({"data": data, "pagination": pagination}, ensure_ascii=False)


def book_body(book: Book, links: Links) -> dict[str, Any]:
    """Return a book as the wire shows it."""
    body: dict[str, Any] = BookSchema().dump(book)
    body["coverUrl"] = cover_url(book, links)
    if book.error_code:
        body["error"] = {"code": book.error_code, "message": book.error_message}
    else:
        body.pop("error", None)
    return body


def cover_url(book: Book, links: Links) -> str | None:
    """Return the signed address of the cover, None while there is none."""
    if book.custom_cover:
        return links.sign(cover_path(book.id, book.custom_cover["name"]))
    return links.sign(page_path(book.id, Tier.MEDIUM, 1)) if book.cover else None

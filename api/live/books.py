"""What uploads: books, and custom covers."""

from functools import partial
from typing import Any, Final
from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api.hop import Hop
from api.idempotency import once
from api.live.hub import Hub
from api.live.uploads import Arrival, Receiver, book_format, picture_format
from api.live.waiting import ended
from api.reading import loaded, refuse_unstorable
from api.resources.books import book_body, owned
from api.resources.covers import cover_body
from api.resources.jobs import sender_of
from api.schemas.books import BookSchema, NewBookForm
from api.schemas.wire import Nothing
from jobs.books import Owner, Shelf
from jobs.links import Links
from jobs.pages.cover import SetCover
from jobs.queue import Queue
from models.books import Book
from models.jobs import JobRow
from models.kernel.blobs import Blobs
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import UnsupportedMediaType, UpstreamTimeout
from models.kernel.ids import wire_id

MOST_COVER: Final = 10 * 2**20
COVER_SECONDS: Final = 20.0
WRITE_SECONDS: Final = 30.0


class BookUploads:
    """`POST /v1/books`."""

    def __init__(
        self, *, receiver: Receiver, queue: Queue, blobs: Blobs, links: Links, hop: Hop
    ) -> None:
        """Take what receives, what queues, what stores, what signs, and the way to the rows."""
        self._receiver = receiver
        self._queue = queue
        self._blobs = blobs
        self._links = links
        self._hop = hop

    async def on_post(self, req: Request, resp: Response) -> None:
        """Take a book in: 201 once file and record are kept; text and pages follow."""
        arrival = await self._receiver.receive(req, book_format)
        try:
            work = partial(self._take_in, req, resp, arrival)
            await self._hop.run(work, seconds=WRITE_SECONDS)
        finally:
            await self._receiver.forget(arrival)

    def _take_in(self, req: Request, resp: Response, arrival: Arrival) -> None:
        refuse_unstorable(arrival.fields)
        about = loaded(NewBookForm(), arrival.fields)
        refuse_unstorable(about)
        req.context.given = arrival.given
        shelf = Shelf(self._queue, self._blobs)
        with database.borrowed():
            once(BookSchema(), req, resp, lambda: self._shelve(req, resp, arrival, shelf, about))
        shelf.ring()

    def _shelve(
        self, req: Request, resp: Response, arrival: Arrival, shelf: Shelf, about: dict[str, Any]
    ) -> None:
        upload = arrival.upload
        if upload is None:
            return
        principal = req.context.principal
        owner = Owner(
            principal.account_id, principal.user_id, principal.mode, req.context.request_id
        )
        with database.unit():
            shelf.admit(upload, owner)
            key = shelf.settle_file(upload)
            book_id = shelf.add(upload, key, owner, about)
        resp.status = falcon.HTTP_201
        resp.media = book_body(Book.get_by_id(book_id), self._links)
        resp.set_header("Location", f"/v1/books/{wire_id('book', book_id)}")


class CoverUploads:
    """`PUT /v1/books/{book_id}/cover`."""

    def __init__(
        self, *, queue: Queue, blobs: Blobs, links: Links, hop: Hop, hub: Hub, clock: Clock
    ) -> None:
        """Take the same, and what hears of the job that makes the cover."""
        self._receiver = Receiver(blobs, MOST_COVER)
        self._queue = queue
        self._links = links
        self._hop = hop
        self._hub = hub
        self._clock = clock

    async def on_put(self, req: Request, resp: Response, book_id: UUID) -> None:
        """Make a picture the cover; a worker sizes it while we wait."""
        await self._hop.run(partial(_owned, req, book_id), seconds=WRITE_SECONDS)
        arrival = await self._receiver.receive(req, picture_format)
        try:
            loaded(Nothing(), arrival.fields)
            put = partial(self._put, req, book_id, arrival)
            row = await self._hop.run(put, seconds=WRITE_SECONDS)
            load = partial(_job, row.id)
            row = await ended(self._hub, self._hop, self._clock, load, COVER_SECONDS)
        finally:
            await self._receiver.forget(arrival)
        if row.state == "failed":
            raise UnsupportedMediaType(row.error_message)
        if row.state != "succeeded":
            raise UpstreamTimeout("the cover is not ready; try again")
        show = partial(self._show, book_id)
        resp.media = await self._hop.run(show, seconds=WRITE_SECONDS)

    def _put(self, req: Request, book_id: UUID, arrival: Arrival) -> JobRow:
        upload = arrival.upload
        if upload is None:
            raise UnsupportedMediaType
        job = SetCover(book_id, upload.key, upload.sha256.hex())
        with database.borrowed():
            return self._queue.put(job, sender_of(req))

    def _show(self, book_id: UUID) -> dict[str, Any]:
        with database.borrowed():
            return cover_body(Book.get_by_id(book_id), self._links)


def _owned(req: Request, book_id: UUID) -> None:
    with database.borrowed():
        owned(req, book_id)


def _job(job_id: UUID) -> JobRow:
    with database.borrowed():
        row: JobRow = JobRow.get_by_id(job_id)
        return row

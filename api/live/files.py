"""Files as they come and go: uploads read piece by piece, contents sent piece by piece."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.hop import Hop
from api.idempotency import once
from api.live.uploads import Arrival, Receiver
from api.reading import loaded, refuse_unstorable
from api.resources.files import owned_file
from api.schemas.files import FileFields, file_body
from jobs.batches.results import Page, page_after, part_of
from jobs.books import Owner
from jobs.files import keep
from models.batches import Batch
from models.files import File
from models.kernel.blobs import Blobs
from models.kernel.database import database
from models.kernel.errors import UnsupportedMediaType

BYTES: Final = "application/octet-stream"
WRITE_SECONDS: Final = 30.0


class FileContents:
    """What files hold, on its way in and out."""

    def __init__(self, receiver: Receiver, blobs: Blobs, hop: Hop) -> None:
        """Take what receives, the store, and the way to the rows."""
        self._receiver = receiver
        self._blobs = blobs
        self._hop = hop

    async def on_post(self, req: Request, resp: Response) -> None:
        """Keep a file."""
        arrival = await self._receiver.receive(req, any_format)
        try:
            work = partial(self._take_in, req, resp, arrival)
            await self._hop.run(work, seconds=WRITE_SECONDS)
        finally:
            await self._receiver.forget(arrival)

    async def on_get(self, req: Request, resp: Response, file_id: UUID) -> None:
        """Send a file; of one that a batch still writes, what there is."""
        await self.send(resp, await self._hop.run(partial(_owned, req, file_id), seconds=10.0))

    async def send(self, resp: Response, file: File) -> None:
        """Answer with what a file holds."""
        resp.content_type = BYTES
        resp.set_header("Content-Disposition", "attachment")
        resp.set_header("X-Content-Type-Options", "nosniff")
        if file.key is not None:
            resp.content_length = file.size
            resp.stream = self._blobs.stream(file.key, 0, file.size)
        else:
            resp.stream = self._lines(file)

    async def _lines(self, file: File) -> AsyncIterator[bytes]:
        page = await self._page(file, 0)
        while page.text:
            yield page.text.encode()
            page = await self._page(file, page.last)

    async def _page(self, file: File, after: int) -> Page:
        def read() -> Page:
            with database.borrowed():
                batch: Batch = Batch.get_by_id(file.batch_id)
                return page_after(batch, part_of(batch, file), after)

        return await self._hop.run(read, seconds=WRITE_SECONDS)

    def _take_in(self, req: Request, resp: Response, arrival: Arrival) -> None:
        refuse_unstorable(arrival.fields)
        about = loaded(FileFields(), arrival.fields)
        req.context.given = arrival.given
        with database.borrowed():
            once(None, req, resp, partial(self._keep, req, resp, arrival, about["purpose"]))

    def _keep(self, req: Request, resp: Response, arrival: Arrival, purpose: str) -> None:
        if arrival.upload is None:
            raise UnsupportedMediaType
        principal = req.context.principal
        owner = Owner(
            principal.account_id, principal.user_id, principal.mode, req.context.request_id
        )
        resp.media = file_body(keep(arrival.upload, owner, purpose, self._blobs))


def any_format(_head: bytes) -> str:
    """Return the format of any file at all."""
    return "file"


def _owned(req: Request, file_id: UUID) -> File:
    with database.borrowed():
        return owned_file(req, file_id)

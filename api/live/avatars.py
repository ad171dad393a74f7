"""What uploads an avatar; a worker draws it while we wait (A-32)."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.hop import Hop
from api.live.hub import Hub
from api.live.uploads import Arrival, Receiver, picture_format
from api.live.waiting import ended
from api.reading import loaded
from api.resources.avatars import user_body
from api.resources.jobs import sender_of
from api.schemas.wire import Nothing
from jobs.accounts import present
from jobs.avatars import SetAvatar, drop
from jobs.links import Links
from jobs.queue import Queue
from models.jobs import JobRow
from models.kernel.blobs import Blobs
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import (
    DocumentTooLarge,
    PayloadTooLarge,
    UnsupportedMediaType,
    UpstreamTimeout,
)

MOST: Final = 5 * 2**20
DRAW_SECONDS: Final = 20.0
WRITE_SECONDS: Final = 10.0


class AvatarUploads:
    """`PUT /v1/users/me/avatar`."""

    def __init__(
        self, *, queue: Queue, blobs: Blobs, links: Links, hop: Hop, hub: Hub, clock: Clock
    ) -> None:
        """Take what queues, what stores, what signs, and what hears of the job that draws."""
        self._receiver = Receiver(blobs, MOST)
        self._queue = queue
        self._blobs = blobs
        self._links = links
        self._hop = hop
        self._hub = hub
        self._clock = clock

    async def on_put(self, req: Request, resp: Response) -> None:
        """Make a picture the caller's avatar."""
        arrival = await self._receiver.receive(req, picture_format)
        try:
            loaded(Nothing(), arrival.fields)
            put = partial(self._put, req, arrival)
            row, before = await self._hop.run(put, seconds=WRITE_SECONDS)
            load = partial(_job, row.id)
            row = await ended(self._hub, self._hop, self._clock, load, DRAW_SECONDS)
        finally:
            await self._receiver.forget(arrival)
        if row.error_code == DocumentTooLarge.code:
            raise PayloadTooLarge("the picture has too many pixels")
        if row.state == "failed":
            raise UnsupportedMediaType(row.error_message)
        if row.state != "succeeded":
            raise UpstreamTimeout("the avatar is not ready; try again")
        show = partial(self._show, req.context.principal.user_id, before)
        resp.media = await self._hop.run(show, seconds=WRITE_SECONDS)

    def _put(self, req: Request, arrival: Arrival) -> tuple[JobRow, str | None]:
        """Queue the drawing; return its job, and which avatar is shown until then."""
        upload = arrival.upload
        if upload is None:
            raise UnsupportedMediaType
        person_id = req.context.principal.user_id
        with database.borrowed():
            before = present(person_id).avatar
            job = SetAvatar(person_id, upload.key, upload.sha256.hex())
            return self._queue.put(job, sender_of(req)), before

    def _show(self, person_id: UUID, before: str | None) -> dict[str, Any]:
        with database.borrowed():
            person = present(person_id)
        if before and before != person.avatar:
            drop(person_id, before, self._blobs)
        return user_body(person, self._links)


def _job(job_id: UUID) -> JobRow:
    with database.borrowed():
        row: JobRow = JobRow.get_by_id(job_id)
        return row

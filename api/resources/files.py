"""Files of whoever calls: listed, looked at, deleted (K-12, XC-02)."""

from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.cursors import id_in, limit_in
from api.schemas.files import MOST, USUAL_LIMIT, file_body
from jobs.batches.results import part_of, states_of
from jobs.files import forget
from jobs.wires.lists import openai_list
from models.batches import Batch, BatchLine
from models.files import File
from models.kernel.blobs import Blobs
from models.kernel.clock import Clock
from models.kernel.ids import wire_id


class Files:
    """`/v1/files`."""

    def __init__(self, blobs: Blobs, clock: Clock) -> None:
        """Take the store, and the time."""
        self._blobs = blobs
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List files, newest first unless the oldest are wanted first."""
        principal, query = req.context.principal, req.context.query
        limit = limit_in(query, USUAL_LIMIT, MOST)
        found = File.listed(
            principal.account_id,
            principal.mode,
            purpose=query.get("purpose"),
            after=id_in(query, "after", "file"),
            is_oldest_first=query.get("order") == "asc",
            most=limit + 1,
        )
        shown = [file_body(file, size_now(file)) for file in found[:limit]]
        resp.media = openai_list(shown, has_more=len(found) > limit)

    def on_get_one(self, req: Request, resp: Response, file_id: UUID) -> None:
        """Look at a file."""
        file = owned_file(req, file_id)
        resp.media = file_body(file, size_now(file))

    def on_delete(self, req: Request, resp: Response, file_id: UUID) -> None:
        """Delete a file and what it holds."""
        file = owned_file(req, file_id)
        forget(file, self._blobs, self._clock.now())
        resp.media = {"id": wire_id("file", file.id), "object": "file", "deleted": True}


def owned_file(req: Request, file_id: UUID) -> File:
    """Return a file of the caller's; raise `NotFound`."""
    principal = req.context.principal
    return File.owned_by(principal.account_id, principal.mode, file_id)


def size_now(file: File) -> int | None:
    """Return the size of a file that is still being written, None of one that is whole."""
    if file.key is not None or file.batch_id is None:
        return None
    batch: Batch = Batch.get_by_id(file.batch_id)
    return BatchLine.size_written(batch.id, states_of(batch, part_of(batch, file)))

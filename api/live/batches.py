"""Batches as they are opened: rows first, then the bell; and results as they come."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.hop import Hop
from api.idempotency import once
from api.live.files import FileContents
from api.own_keys import refuse_own_key
from api.resources.batches import owned_batch
from api.resources.files import owned_file
from api.resources.jobs import sender_of
from api.schemas.batches import batch_body, message_batch_body
from jobs.batches.open import NewBatch, open_batch
from jobs.batches.reading import MOST_LINES, Reader
from jobs.queue import Queue
from models.batches import ANTHROPIC, OPENAI, Batch
from models.engine import Accepted
from models.files import BATCH, File
from models.kernel.blobs import Blobs
from models.kernel.database import database
from models.kernel.errors import Detail, Invalid, NotFound
from models.kernel.ids import new_id

WRITE_SECONDS: Final = 60.0
MESSAGES: Final = "/v1/messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Where batches are opened, and what that is done with."""

    queue: Queue
    blobs: Blobs
    hop: Hop
    contents: FileContents
    base_url: str


class BatchOpenings:
    """`POST /v1/batches` and `POST /v1/messages/batches`, and the results of the latter."""

    def __init__(self, counter: Counter) -> None:
        """Take what a batch is opened with."""
        self._counter = counter

    async def on_post(self, req: Request, resp: Response) -> None:
        """Open a batch of the lines of a file."""
        await self._open(req, resp, partial(_of_file, req), batch_body)

    async def on_post_messages(self, req: Request, resp: Response) -> None:
        """Open a batch of the requests in the body."""
        counter = self._counter

        def shown(batch: Batch) -> dict[str, Any]:
            return message_batch_body(batch, counter.base_url)

        await self._open(req, resp, partial(_of_requests, req, counter.blobs), shown)

    async def on_get_results(self, req: Request, resp: Response, batch_id: UUID) -> None:
        """Send the results of a batch; while it runs, those there are."""

        def output() -> File:
            with database.borrowed():
                batch = owned_batch(req, batch_id, ANTHROPIC)
                return owned_file(req, batch.output_file_id)

        file = await self._counter.hop.run(output, seconds=WRITE_SECONDS)
        await self._counter.contents.send(resp, file)
        resp.content_type = "application/x-jsonl"

    async def _open(
        self,
        req: Request,
        resp: Response,
        make: Callable[[], NewBatch],
        shown: Callable[[Batch], Mapping[str, Any]],
    ) -> None:
        refuse_own_key(req)

        def work() -> None:
            opened: list[Accepted] = []

            def write() -> None:
                new = make()
                with database.unit():
                    batch_id, accepted = open_batch(
                        new, sender_of(req), req.context.principal, self._counter.queue
                    )
                opened.append(accepted)
                resp.media = shown(Batch.get_by_id(batch_id))

            with database.borrowed():
                once(None, req, resp, write)
            for accepted in opened:
                self._counter.queue.post(accepted)

        await self._counter.hop.run(work, seconds=WRITE_SECONDS)


def _of_file(req: Request) -> NewBatch:
    body = req.context.body
    try:
        file = owned_file(req, body["input_file_id"])
    except NotFound as error:
        raise Invalid(details=[Detail("input_file_id", "There is no such file.")]) from error
    if file.purpose != BATCH or file.key is None:
        raise Invalid(details=[Detail("input_file_id", "Its purpose is not batch.")])
    return NewBatch(
        shape=OPENAI,
        endpoint=body["endpoint"],
        input_key=file.key,
        input_file_id=file.id,
        metadata=body["metadata"],
    )


def _of_requests(req: Request, blobs: Blobs) -> NewBatch:
    """Keep the requests as lines; raise `Invalid` for the first that is wrong."""
    requests = req.context.body["requests"]
    if len(requests) > MOST_LINES:
        raise Invalid(details=[Detail("requests", f"More than {MOST_LINES}.")])
    written = b"".join(json.dumps(each).encode() + b"\n" for each in requests)
    reader = Reader(ANTHROPIC, MESSAGES)
    reader.check([written])
    if reader.faults:
        fault = reader.faults[0]
        place = f"requests.{(fault.number or 1) - 1}.{fault.param or ''}".rstrip(".")
        raise Invalid(f"{place}: {fault.message}", details=[Detail(place, fault.message)])
    key = f"batches/{new_id().hex}/input.jsonl"
    blobs.put(key, written)
    return NewBatch(shape=ANTHROPIC, endpoint=MESSAGES, input_key=key, has_errors_apart=False)

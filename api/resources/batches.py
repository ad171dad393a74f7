"""Batches of whoever calls, in OpenAI's shape and in Anthropic's: looked at, listed, stopped."""

from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.cursors import id_in, limit_in
from api.schemas.batches import MOST, USUAL_LIMIT, batch_body, message_batch_body
from jobs.batches.forgetting import forget_batch
from jobs.batches.open import cancel_batch
from jobs.queue import Queue
from jobs.wires.lists import anthropic_list, openai_list
from models.batches import ANTHROPIC, OPENAI, Batch, Between
from models.kernel.blobs import Blobs
from models.kernel.clock import Clock
from models.kernel.ids import wire_id


class Batches:
    """`/v1/batches`."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        """Take what cancels, and the time."""
        self._queue = queue
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List batches, newest first."""
        query = req.context.query
        limit = limit_in(query, USUAL_LIMIT, MOST)
        found = _newest(req, OPENAI, Between(after=id_in(query, "after", "batch")), limit + 1)
        shown = [batch_body(batch) for batch in found[:limit]]
        resp.media = openai_list(shown, has_more=len(found) > limit)

    def on_get_one(self, req: Request, resp: Response, batch_id: UUID) -> None:
        """Look at a batch."""
        resp.media = batch_body(owned_batch(req, batch_id, OPENAI))

    def on_post_cancel(self, req: Request, resp: Response, batch_id: UUID) -> None:
        """Stop a batch; what is answered stays so."""
        batch = owned_batch(req, batch_id, OPENAI)
        resp.media = batch_body(cancel_batch(batch, self._queue, self._clock.now()))


class MessageBatches:
    """`/v1/messages/batches`."""

    def __init__(self, *, queue: Queue, blobs: Blobs, base_url: str, clock: Clock) -> None:
        """Take what cancels, the store, the public address, and the time."""
        self._queue = queue
        self._blobs = blobs
        self._base_url = base_url
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List batches, newest first."""
        query = req.context.query
        limit = limit_in(query, USUAL_LIMIT, MOST)
        between = Between(
            after=id_in(query, "after_id", "batch"), before=id_in(query, "before_id", "batch")
        )
        found = _newest(req, ANTHROPIC, between, limit + 1)
        kept = found[-limit:] if between.before is not None else found[:limit]
        shown = [message_batch_body(batch, self._base_url) for batch in kept]
        resp.media = anthropic_list(shown, has_more=len(found) > limit)

    def on_get_one(self, req: Request, resp: Response, batch_id: UUID) -> None:
        """Look at a batch."""
        batch = owned_batch(req, batch_id, ANTHROPIC)
        resp.media = message_batch_body(batch, self._base_url)

    def on_post_cancel(self, req: Request, resp: Response, batch_id: UUID) -> None:
        """Stop a batch; what is answered stays so."""
        batch = owned_batch(req, batch_id, ANTHROPIC)
        fresh = cancel_batch(batch, self._queue, self._clock.now())
        resp.media = message_batch_body(fresh, self._base_url)

    def on_delete(self, req: Request, resp: Response, batch_id: UUID) -> None:
        """Delete a batch that is over, with its results."""
        batch = owned_batch(req, batch_id, ANTHROPIC)
        forget_batch(batch, self._blobs, self._clock.now())
        resp.media = {"id": wire_id("batch", batch.id), "type": "message_batch_deleted"}


def owned_batch(req: Request, batch_id: UUID, shape: str) -> Batch:
    """Return a batch of the caller's; raise `NotFound`."""
    principal = req.context.principal
    return Batch.owned_by(principal.account_id, principal.mode, batch_id, shape)


def _newest(req: Request, shape: str, between: Between, most: int) -> list[Batch]:
    principal = req.context.principal
    return Batch.newest(principal.account_id, principal.mode, shape, between=between, most=most)

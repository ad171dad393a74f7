"""The Responses wire: beside answers, responses that wait, are cancelled, deleted, gone on from."""

from typing import Any, Final

from falcon.asgi import Request, Response

from api.live.asking import Asked
from api.live.calls import Listener
from api.live.wires import Desk, WireRoutes, call_of, cursor_of, failure_of, listener_of
from jobs.llms.histories import history_of
from jobs.queue import Queue
from jobs.wires.lists import page_of
from jobs.wires.responses_input import input_items_of
from jobs.wires.responses_output import cancelled_body, failed_body, pending_body, response_id
from models.jobs import JobRow
from models.kernel.errors import Detail, Invalid, NotFound, ResourceDeleted

PENDING: Final = {"queued": "queued", "running": "in_progress"}
MOST_ITEMS: Final = 20


class ResponseRoutes(WireRoutes):
    """`/v1/responses`."""

    def __init__(self, desk: Desk, queue: Queue) -> None:
        """Take the desk, and what cancels."""
        super().__init__(desk, "responses", "resp_")
        self._queue = queue

    async def on_post(self, req: Request, resp: Response) -> None:
        """Answer a call: whole, as a stream, or at once and later when it is in the background."""
        body = req.context.given
        is_background = body.get("background") is True
        listener = listener_of(req, is_kept=is_background)

        def submit() -> JobRow:
            earlier = self._earlier(req, body)
            asked = Asked(wire=self.name, body=body, earlier=earlier, is_background=is_background)
            row = self.desk.asking.submit(req, asked)
            if row.is_forgotten:
                raise ResourceDeleted("this request was answered, and its response is deleted")
            return row

        row = await self.in_pool(submit)
        if is_background and body.get("stream") is not True:
            resp.media = self.state(row)
            return
        await self.answer(resp, row, listener, streamed=body.get("stream") is True)

    async def on_get_one(self, req: Request, resp: Response, answer: str) -> None:
        """Show a response as it is now, or its stream after a `sequence_number`."""
        row = await self.in_pool(lambda: self.owned(req, answer))
        if req.get_param("stream") == "true":
            listener = Listener(req=req, cancels=False)
            await self.answer(resp, row, listener, streamed=True, after=cursor_of(req))
        else:
            resp.media = self.state(row)

    async def on_post_cancel(self, req: Request, resp: Response, answer: str) -> None:
        """Cancel a response; of one that is over, nothing changes."""
        row = await self.in_pool(lambda: self._queue.cancel(self.owned(req, answer)))
        if not row.is_over:
            row = await self.desk.calls.ended(row, Listener(req=req, cancels=False), 15.0)
        resp.media = self.state(row)

    async def on_delete_one(self, req: Request, resp: Response, answer: str) -> None:
        """Forget a response: nobody can read it any more; one that is written is cancelled."""
        await self.in_pool(lambda: self._queue.forget(self.owned(req, answer)))
        resp.media = {"id": answer, "object": "response", "deleted": True}

    async def on_get_items(self, req: Request, resp: Response, answer: str) -> None:
        """List what a response was asked with."""
        row = await self.in_pool(lambda: self.owned(req, answer))
        items = input_items_of(call_of(row))
        newest_first = req.get_param("order") != "asc"
        resp.media = page_of(
            items[::-1] if newest_first else items,
            limit=int(req.get_param("limit") or MOST_ITEMS),
            after=req.get_param("after"),
        )

    def whole(self, row: JobRow) -> dict[str, Any]:
        """Return a response that is over; one that was not in the background raises its failure."""
        if row.state == "failed" and row.input["body"].get("background") is not True:
            raise failure_of(row)
        return self.state(row)

    def state(self, row: JobRow) -> dict[str, Any]:
        """Return a response as it is now."""
        call = call_of(row)
        if row.state in PENDING:
            return pending_body(call, PENDING[row.state])
        if row.state == "cancelled":
            return cancelled_body(call)
        if row.state == "failed":
            return failed_body(call, failure_of(row))
        return super().whole(row)

    def owned(self, req: Request, answer: str) -> JobRow:
        """Return the job of a response; one that was not to be stored cannot be found."""
        row = super().owned(req, answer)
        if row.input["body"].get("store") is False and row.is_over:
            raise NotFound("this response was not stored")
        return row

    def _earlier(self, req: Request, body: dict[str, Any]) -> list[Any]:
        """Return the messages a response goes on from; raise `Invalid` when it cannot."""
        previous = body.get("previous_response_id")
        if previous is None:
            return []
        try:
            row = self.owned(req, str(previous))
        except NotFound as error:
            detail = Detail("previous_response_id", f"There is no response {previous}.")
            raise Invalid(details=[detail]) from error
        if row.state != "succeeded":
            words = f"{response_id(call_of(row))} is not complete."
            raise Invalid(details=[Detail("previous_response_id", words)])
        return history_of(row)

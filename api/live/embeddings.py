"""Embeddings: a request becomes a job, and its vectors the answer."""

from typing import Final

from falcon.asgi import Request, Response

from api.hop import Hop
from api.idempotency import idempotency_key
from api.live.calls import Calls, Listener
from api.live.wires import failure_of
from api.resources.jobs import sender_of
from jobs.llms.embed import Embed, embedded_of
from jobs.llms.preparing import Planner
from jobs.queue import Queue, Wishes
from jobs.wires.embeddings import ask_of_embeddings, embeddings_body
from models.idempotency import fingerprint
from models.jobs import JobRow
from models.kernel.database import database
from models.kernel.ids import wire_id

SUBMIT_SECONDS: Final = 10.0
CALL_SECONDS: Final = 120.0


class Embeddings:
    """`POST /v1/embeddings`."""

    def __init__(self, queue: Queue, planner: Planner, calls: Calls, hop: Hop) -> None:
        """Take where jobs go, who plans, who waits for them, and the way to the rows."""
        self._queue = queue
        self._planner = planner
        self._calls = calls
        self._hop = hop

    async def on_post(self, req: Request, resp: Response) -> None:
        """Make a vector of each text."""
        ask = ask_of_embeddings(req.context.given)
        job = Embed(ask.model, ask.texts, ask.dimensions)

        def submit() -> JobRow:
            with database.borrowed():
                return self._submit(req, job)

        row = await self._hop.run(submit, seconds=SUBMIT_SECONDS)
        resp.set_header("X-Ilm-Job-Id", wire_id("job", row.id))
        row = await self._calls.ended(row, Listener(req=req, cancels=False), CALL_SECONDS)
        if row.state != "succeeded":
            raise failure_of(row)
        extra = {
            "job_id": wire_id("job", row.id),
            "cost_nano_usd": row.result["costNanoUsd"],
            "estimated": row.result["estimated"],
            "served_by": {"vendor": row.result["vendor"], "model": row.result["model"]},
        }
        body = embeddings_body(ask, row.result["model"], embedded_of(row.result))
        resp.media = {**body, "x_ilm": extra}

    def _submit(self, req: Request, job: Embed) -> JobRow:
        key = idempotency_key(req)
        wanted = fingerprint(req.method, req.path, req.context.given) if key else None
        booked = job.booked(self._planner.caller(req.context.principal))
        wishes = Wishes(idempotency_key=key, fingerprint=wanted)
        return self._queue.put(booked, sender_of(req), wishes)

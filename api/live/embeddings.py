"""Embeddings: a request becomes a job, and its vectors the answer."""

from typing import Final

from falcon.asgi import Request, Response

from api.hop import Hop
from api.live.calls import Calls, Listener
from api.live.intake import Intake
from api.live.wires import failure_of, listener_of
from api.own_keys import refuse_own_key
from jobs.llms.embed import Embed, embedded_of
from jobs.llms.preparing import Planner
from jobs.wires.embeddings import ask_of_embeddings, embeddings_body
from models.jobs import JobRow
from models.kernel.database import database
from models.kernel.errors import Unavailable
from models.kernel.ids import wire_id

SUBMIT_SECONDS: Final = 10.0
CALL_SECONDS: Final = 120.0


class Embeddings:
    """`POST /v1/embeddings`."""

    def __init__(self, intake: Intake, planner: Planner, calls: Calls, hop: Hop) -> None:
        """Take where jobs are taken in, who plans, who waits for them, and the way to the rows."""
        self._intake = intake
        self._planner = planner
        self._calls = calls
        self._hop = hop

    async def on_post(self, req: Request, resp: Response) -> None:
        """Make a vector of each text."""
        refuse_own_key(req)
        listener = listener_of(req)
        ask = ask_of_embeddings(req.context.given)
        job = Embed(ask.model, ask.texts, ask.dimensions)

        def booked() -> Embed:
            return job.booked(self._planner.caller(req.context.principal))

        def submit() -> JobRow:
            with database.borrowed():
                return self._intake.take(req, booked)

        row = await self._hop.run(submit, seconds=SUBMIT_SECONDS)
        resp.set_header("X-Ilm-Job-Id", wire_id("job", row.id))
        row = await self._ended(req, row, listener)
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

    async def _ended(self, req: Request, row: JobRow, listener: Listener) -> JobRow:
        """Return a job once it is over; one that takes longer is there for an SDK's retry."""
        try:
            return await self._calls.ended(row, listener, CALL_SECONDS)
        except Unavailable:
            await self._hop.run(lambda: self._intake.expect_again(req, row), seconds=SUBMIT_SECONDS)
            raise

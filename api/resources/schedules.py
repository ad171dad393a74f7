"""Schedules, for operators: look, look back, and run one now."""

from falcon import HTTP_202
from falcon.asgi import Request, Response

from api.resources.people import actor_of
from api.schemas.lists import page_of
from api.schemas.schedules import RunSchema, SchedulesSchema
from jobs.schedules.overview import known_schedule, overviews, run_by_hand
from models.kernel.clock import Clock
from models.listings import Listing
from models.schedules import ScheduledRun


class Schedules:
    """What is done without anybody asking."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, _req: Request, resp: Response) -> None:
        """Show every schedule: its calendar, its last run, its next slot."""
        resp.media = SchedulesSchema().dump({"data": overviews()})

    def on_get_runs(self, req: Request, resp: Response, name: str) -> None:
        """List the runs of a schedule, the newest first."""
        rows = ScheduledRun.listed(known_schedule(name))
        resp.media = page_of(RunSchema).dump(Listing.of(rows, **req.context.query))

    def on_post_run(self, req: Request, resp: Response, name: str) -> None:
        """Have a schedule run now."""
        run = run_by_hand(name, actor_of(req), self._clock)
        resp.media = RunSchema().dump(run)
        resp.status = HTTP_202

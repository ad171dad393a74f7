"""Alerts, for operators: look, and take one on."""

from uuid import UUID

from falcon.asgi import Request, Response

from api.schemas.alerts import AlertSchema
from api.schemas.lists import page_of
from jobs.watch.alerts import acknowledge
from models.alerts import Alert
from models.kernel.clock import Clock
from models.listings import Listing


class Alerts:
    """What the watch has found to be wrong."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List alerts, the newest first."""
        query = dict(req.context.query)
        rows = Alert.listed(query.pop("state"))
        resp.media = page_of(AlertSchema).dump(Listing.of(rows, **query))

    def on_post_acknowledge(self, req: Request, resp: Response, alert_id: UUID) -> None:
        """Let an alert not be repeated."""
        alert = acknowledge(alert_id, req.context.principal.user_id, self._clock)
        resp.media = AlertSchema().dump(alert)

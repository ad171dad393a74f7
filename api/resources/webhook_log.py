"""The delivery logs of webhooks, and how they do."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.webhooks import keeper_of, owned
from api.schemas.lists import page_of
from api.schemas.webhook_log import (
    DeliverySchema,
    DeliveryWholeSchema,
    WebhookStatsSchema,
    attempt_told,
)
from api.schemas.webhook_tools import ResentSchema
from jobs.webhooks.deliveries import look, resend
from jobs.webhooks.stats import stats_of
from models.kernel.clock import Clock
from models.kernel.ids import wire_id
from models.listings import Listing
from models.webhook_log import Attempted, last_attempts, log_of, next_attempt_at
from models.webhooks import Webhook, WebhookDelivery

COUNTED: Final = timedelta(days=1)

_PAGE: Final = page_of(DeliverySchema)
_WHOLE: Final = DeliveryWholeSchema()
_RESENT: Final = ResentSchema()
_STATS: Final = WebhookStatsSchema()
_NONE: Final = Attempted(outcome=None, status=None, failure=None)


class WebhookLog:
    """What was to be told to a webhook, and what came of it."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """List deliveries, the newest first."""
        row, query = owned(req, wh_id), req.context.query
        found = log_of(row, query["state"], query["event_type"])
        listing = Listing.of(found, page=query["page"], limit=query["limit"])
        last = last_attempts([each.id for each in listing.data])
        shown = [_told(row, each, last.get(each.id, _NONE)) for each in listing.data]
        resp.media = _PAGE.dump(Listing(shown, listing.page, listing.limit, listing.total))

    def on_get_one(self, req: Request, resp: Response, wh_id: UUID, delivery_id: UUID) -> None:
        """Show a delivery with its event and every attempt."""
        row = owned(req, wh_id)
        looked = look(row, delivery_id, req.context.principal.permissions)
        last = looked.attempts[-1] if looked.attempts else _NONE
        attempts = [attempt_told(each, looked.text) for each in looked.attempts]
        told = _told(row, looked.delivery, last) | {"attempts": attempts}
        resp.media = _WHOLE.dump(told) | {"event": looked.event}

    def on_post_resend(self, req: Request, resp: Response, wh_id: UUID, delivery_id: UUID) -> None:
        """Deliver an event once more."""
        row = owned(req, wh_id)
        made = resend(row, delivery_id, keeper_of(req))
        resp.media = _RESENT.dump({"delivery_id": made})
        path = f"/v1/webhooks/{wire_id('wh', row.id)}/deliveries/{wire_id('delivery', made)}"
        resp.set_header("Location", path)

    def on_get_stats(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """Tell how a webhook does."""
        row = owned(req, wh_id)
        since = req.context.query["since"] or self._clock.now() - COUNTED
        resp.media = _STATS.dump(stats_of(row, since, self._clock))


def _told(row: Webhook, delivery: WebhookDelivery, last: Any) -> dict[str, Any]:
    return {
        "id": delivery.id, "event_id": delivery.event_id, "event_type": delivery.event_type,
        "cause": delivery.cause, "state": delivery.state, "url": delivery.url or row.url,
        "attempt_count": delivery.attempts, "outcome": last.outcome, "status": last.status,
        "failure": last.failure, "created_at": delivery.created_at,
        "finished_at": delivery.finished_at, "next_attempt_at": next_attempt_at(row, delivery),
    }  # fmt: skip

"""Deliveries looked at and made once more, by who may read what they tell (H-06, H-10)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jobs.webhooks.keepers import Keeper, note
from models.catalogue.events import event_types
from models.kernel.database import database
from models.kernel.errors import InsufficientPermissions
from models.webhook_log import attempts_at, event_of, logged, resent
from models.webhooks import Webhook, WebhookAttempt, WebhookDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A delivery whole: its event as it is told and as JSON, and every attempt."""

    delivery: WebhookDelivery
    event: Mapping[str, Any]
    text: str
    attempts: Sequence[WebhookAttempt]


def look(row: Webhook, delivery_id: UUID, permissions: Collection[str]) -> Looked:
    """Return a delivery of an endpoint.

    Raises `NotFound`, and `InsufficientPermissions` for an event that one may not read.
    """
    delivery = _readable(row, delivery_id, permissions)
    event, text = event_of(delivery)
    return Looked(delivery=delivery, event=event, text=text, attempts=attempts_at(delivery.id))


def resend(row: Webhook, delivery_id: UUID, keeper: Keeper) -> UUID:
    """Deliver the event of a delivery again; return the new delivery's id.

    It goes where the other one went and keeps to no order: before all that waits, when its endpoint
    is sent to. Raises what `look` does.
    """
    delivery = _readable(row, delivery_id, keeper.permissions)
    with database.unit():
        made = resent(row, delivery.id)
        note("webhook.resent", row, keeper, {"delivery_id": str(delivery_id)})
    return made


def _readable(row: Webhook, delivery_id: UUID, permissions: Collection[str]) -> WebhookDelivery:
    delivery = logged(row, delivery_id)
    known = event_types().get(delivery.event_type)
    if known is not None and known.permission not in permissions:
        raise InsufficientPermissions(f"this event needs {known.permission}")
    return delivery

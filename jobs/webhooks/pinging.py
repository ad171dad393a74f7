"""Pings: an event of an endpoint's own, which no other is told of (H-10)."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.kernel.database import database
from models.webhooks import Webhook

PING: Final = "webhook.ping"

_PING: Final = """
with told as (select webhook_told(webhook, 'webhook.ping') as id from webhook where id = %s)
insert into webhook_delivery (webhook_id, event_id, cause)
select %s, told.id, 'ping' from told returning id, event_id
"""


@dataclass(frozen=True, slots=True)
class Pinged:
    """The delivery of a ping."""

    delivery_id: UUID
    event_id: UUID


def ping(row: Webhook) -> Pinged:
    """Send an endpoint an event of its own, before all that waits for it.

    One that is left alone, since it fails or asked for it, has it when that is over; one that is
    disabled when it is enabled.
    """
    with database.unit():
        ((delivery_id, event_id),) = database.rows(_PING, (row.id, row.id))
    return Pinged(delivery_id, event_id)

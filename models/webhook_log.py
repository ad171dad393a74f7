"""The delivery log of an endpoint: what was to be told to it, and what came of it (H-06)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from models.events import Event
from models.kernel.database import database
from models.kernel.errors import NotFound
from models.webhooks import PENDING, Webhook, WebhookAttempt, WebhookDelivery

if TYPE_CHECKING:
    from peewee import ModelSelect

_EVENT: Final = "select event_payload(event), event_payload(event)::text from event where id = %s"
_RESEND: Final = """
insert into webhook_delivery (webhook_id, event_id, cause, url)
select webhook_id, event_id, 'resend', url from webhook_delivery where id = %s and webhook_id = %s
returning id
"""
_LAST: Final = """
select delivery_id, outcome, status, failure from webhook_attempt
join webhook_delivery on id = delivery_id and attempts = number
where id = any(%s::uuid[])
"""
_SENT: Final = """
select delivery.id, coalesce(attempt.body, event_payload(event)::text), request_headers
from event
join webhook_delivery delivery on delivery.event_id = event.id and delivery.webhook_id = %s
join webhook_attempt attempt on attempt.delivery_id = delivery.id and request_headers is not null
where event.id = %s
order by request_headers ->> 'webhook-timestamp' is not distinct from %s desc, started_at desc
limit 1
"""


_ECHOES: Final = """
select webhook.id, recent.id, started_at, status = 200, request_headers,
       coalesce(body, event_payload(event)::text)
from webhook, lateral (
    select id, event_id from webhook_delivery
    where webhook_id = webhook.id order by seq desc limit %s
) recent
join webhook_attempt attempt on delivery_id = recent.id and attempt.url = %s and outcome is not null
join event on event.id = recent.event_id and event.type = any(%s)
where webhook.account_id = %s and webhook.mode = 'test' and deleted_at is null
  and started_at > now() - interval '1 day'
order by started_at desc limit %s
"""
_OVERDUE: Final = "select webhooks_overdue(%s)"
OVERDUE: Final = timedelta(minutes=1)
LOOKED_AT: Final = 100
"""Deliveries of each endpoint among which echoes are looked for, the newest ones."""
ECHOES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """How the last attempt at a delivery ended; `outcome` is None while nobody knows."""

    outcome: str | None
    status: int | None
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The newest request of an event to an endpoint: its body and its headers."""

    delivery_id: UUID
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """Something the receiver of the sandbox was sent, and whether its signature held."""

    webhook_id: UUID
    delivery_id: UUID
    received_at: datetime
    verified: bool
    headers: Mapping[str, str]
    body: str


def log_of(
    row: Webhook, states: Collection[str] = (), types: Collection[str] = ()
) -> "ModelSelect[WebhookDelivery]":
    """Select an endpoint's deliveries with their `event_type`, the newest first."""
    found = (
        WebhookDelivery.select(WebhookDelivery, Event.type.alias("event_type"))
        .join(Event, on=(Event.id == WebhookDelivery.event_id))
        .where(WebhookDelivery.webhook == row.id)
        .order_by(WebhookDelivery.seq.desc())
        .objects()
    )
    if states:
        found = found.where(WebhookDelivery.state.in_(list(states)))
    return found.where(Event.type.in_(list(types))) if types else found


def logged(row: Webhook, delivery_id: UUID) -> WebhookDelivery:
    """Return one delivery of an endpoint with its `event_type`; raise `NotFound`."""
    found: WebhookDelivery | None = log_of(row).where(WebhookDelivery.id == delivery_id).first()
    if found is None:
        raise NotFound("there is no such delivery")
    return found


def attempts_at(delivery_id: UUID) -> Sequence[WebhookAttempt]:
    """Return every attempt at a delivery, the first one first."""
    mine = WebhookAttempt.delivery == delivery_id
    return list(WebhookAttempt.select().where(mine).order_by(WebhookAttempt.number))


def last_attempts(delivery_ids: Sequence[UUID]) -> Mapping[UUID, Attempted]:
    """Return the last attempt at each delivery that had one."""
    return {
        each: Attempted(outcome=outcome, status=status, failure=failure)
        for each, outcome, status, failure in database.rows(_LAST, (list(delivery_ids),))
    }


def event_of(delivery: WebhookDelivery) -> tuple[Mapping[str, Any], str]:
    """Return the event of a delivery as it is told, and as the JSON that is sent."""
    ((payload, text),) = database.rows(_EVENT, (delivery.event_id,))
    return payload, text


def next_attempt_at(row: Webhook, delivery: WebhookDelivery) -> datetime | None:
    """Return when a delivery is tried next, None when it is not, or not while it is disabled."""
    if delivery.state != PENDING or not row.is_enabled:
        return None
    moment: datetime = max(delivery.next_attempt_at, row.open_until)
    return moment


def resent(row: Webhook, delivery_id: UUID) -> UUID:
    """Deliver the event of a delivery once more, before what waits; raise `NotFound`."""
    for (made,) in database.rows(_RESEND, (delivery_id, row.id)):
        return UUID(str(made))
    raise NotFound("there is no such delivery")


def sent_of(row: Webhook, event_id: UUID, timestamp: str) -> Sent | None:
    """Return the request of an event that bore a timestamp, else the newest; None for none."""
    for delivery_id, body, headers in database.rows(_SENT, (row.id, event_id, timestamp)):
        return Sent(delivery_id=delivery_id, body=body, headers=headers)
    return None


def echoes_of(account_id: UUID, url: str, types: Collection[str]) -> Sequence[Echo]:
    """Return what an account's test endpoints sent to an address within a day, the newest first.

    Of these types of events, and a few only.
    """
    asked = (LOOKED_AT, url, list(types), account_id, ECHOES)
    return [
        Echo(
            webhook_id=webhook_id, delivery_id=delivery_id, received_at=at, verified=verified,
            headers=headers or {}, body=body,
        )
        for webhook_id, delivery_id, at, verified, headers, body in database.rows(_ECHOES, asked)
    ]  # fmt: skip


def overdue(now: datetime) -> int:
    """Count deliveries that are due for more than a minute though nothing holds them up."""
    ((count,),) = database.rows(_OVERDUE, (now - OVERDUE,))
    return int(count)

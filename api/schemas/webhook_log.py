"""The delivery log of a webhook on the wire, and how it does (H-06, H-10)."""

from typing import Any, Final

from marshmallow import fields, validate

from api.schemas.events import SHOWN, EventSchema
from api.schemas.lists import AnyOf, PageQuery
from api.schemas.wire import Id, Moment, Wire
from models.webhooks import CAUSES, STATES

STAMP: Final = "1795179600"
_REQUEST_HEADERS: Final = {
    "Content-Type": "application/json", "webhook-timestamp": STAMP,
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
}  # fmt: skip


class DeliveryQuery(PageQuery):
    """Which deliveries to list: of which states, of which types of events."""

    state = AnyOf(*STATES, load_default=(), metadata={"example": "pending,exhausted"})
    event_type = AnyOf(load_default=(), metadata={"example": SHOWN})


class DeliverySchema(Wire):
    """An event on its way to a webhook; `status` and `failure` are of the last attempt.

    `outcome` is null while nobody knows, `nextAttemptAt` unless it waits for one.
    """

    id = Id("delivery")
    event_id = Id("evt")
    event_type = fields.String(metadata={"example": SHOWN})
    cause = fields.String(validate=validate.OneOf(CAUSES), metadata={"example": "event"})
    state = fields.String(validate=validate.OneOf(STATES), metadata={"example": "delivered"})
    url = fields.String(metadata={"example": "https://integrator.example/ilm"})
    attempt_count = fields.Integer(metadata={"example": 1})
    outcome = fields.String(allow_none=True, metadata={"example": "delivered"})
    status = fields.Integer(allow_none=True, metadata={"example": 200})
    failure = fields.String(allow_none=True, metadata={"example": None})
    created_at = Moment()
    finished_at = Moment(allow_none=True)
    next_attempt_at = Moment(allow_none=True, metadata={"example": None})


class RequestSentSchema(Wire):
    """What was sent; null where that is not known. Values of your own headers are `***`."""

    url = fields.String(metadata={"example": "https://integrator.example/ilm"})
    headers = fields.Dict(allow_none=True, metadata={"example": _REQUEST_HEADERS})
    body = fields.String(allow_none=True, metadata={"example": '{"type": "book.created"}'})


class ReceiversAnswerSchema(Wire):
    """What came back: the beginning of the body, 4 KiB at most."""

    headers = fields.Dict(metadata={"example": {"Content-Type": "text/plain"}})
    body = fields.String(metadata={"example": "Thanks."})


class AttemptSchema(Wire):
    """An attempt: `outcome` is `delivered`, `failed`, `lost` with its process, or not known yet."""

    number = fields.Integer(metadata={"example": 1})
    started_at = Moment()
    finished_at = Moment(allow_none=True)
    duration_ms = fields.Integer(allow_none=True, metadata={"example": 41})
    outcome = fields.String(allow_none=True, metadata={"example": "delivered"})
    status = fields.Integer(allow_none=True, metadata={"example": 200})
    failure = fields.String(allow_none=True, metadata={"example": None})
    request = fields.Nested(RequestSentSchema)
    response = fields.Nested(ReceiversAnswerSchema, allow_none=True)


class DeliveryWholeSchema(DeliverySchema):
    """A delivery with its event and every attempt."""

    event = fields.Nested(EventSchema)
    attempts = fields.List(fields.Nested(AttemptSchema))


class WebhookStatsQuery(Wire):
    """Since when to count; a day without it."""

    since = Moment(load_default=None)


def _counts(**example: int) -> fields.Dict:
    return fields.Dict(fields.String(), fields.Integer(), metadata={"example": example})


class WebhookBreakerSchema(Wire):
    """`open` sends nothing `until` then, `half_open` one delivery as a probe."""

    state = fields.String(
        validate=validate.OneOf(["closed", "open", "half_open"]), metadata={"example": "closed"}
    )
    until = Moment(allow_none=True, metadata={"example": None})


class OverdueDeliveriesSchema(Wire):
    """What is due for more than a minute though nothing holds it up: there should be nothing."""

    count = fields.Integer(metadata={"example": 0})
    oldest_at = Moment(allow_none=True, metadata={"example": None})


class AttemptDurationsSchema(Wire):
    """How long attempts took, in milliseconds."""

    p50 = fields.Integer(metadata={"example": 38})
    p95 = fields.Integer(metadata={"example": 120})
    p99 = fields.Integer(metadata={"example": 450})


class WebhookStatsSchema(Wire):
    """How a webhook does. Rates and durations are null where nothing was attempted."""

    since = Moment()
    deliveries = _counts(pending=0, delivering=1, delivered=997, exhausted=1, skipped=0)
    attempts = _counts(delivered=997, failed=20, lost=1)
    success_rate = fields.Float(allow_none=True, metadata={"example": 0.9794})
    attempts_per_delivery = fields.Float(allow_none=True, metadata={"example": 1.02})
    duration_ms = fields.Nested(AttemptDurationsSchema, allow_none=True)
    failing_since = Moment(allow_none=True, metadata={"example": None})
    breaker = fields.Nested(WebhookBreakerSchema)
    overdue = fields.Nested(OverdueDeliveriesSchema)
    next_attempt_at = Moment(allow_none=True, metadata={"example": None})


def attempt_told(row: Any, text: str) -> dict[str, Any]:
    """Return an attempt as its schema has it; `text` is the event as it is sent unchanged."""
    took = None if row.finished_at is None else row.finished_at - row.started_at
    is_known = row.request_headers is not None
    return {
        "number": row.number, "started_at": row.started_at, "finished_at": row.finished_at,
        "duration_ms": None if took is None else round(took.total_seconds() * 1_000),
        "outcome": row.outcome, "status": row.status, "failure": row.failure,
        "request": {
            "url": row.url, "headers": row.request_headers,
            "body": row.body if row.body is not None or not is_known else text,
        },
        "response": None if row.response_headers is None else {
            "headers": row.response_headers, "body": row.response_body or "",
        },
    }  # fmt: skip

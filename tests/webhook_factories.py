"""Webhooks, their secrets, deliveries and attempts, as tests want them."""

from typing import Any
from uuid import UUID

from jobs.events import Happening, record
from jobs.webhooks.carrier import KEYS
from jobs.webhooks.filters import condition_of, patterns_of
from jobs.webhooks.signing import new_secret
from models.kernel.clock import SystemClock
from models.kernel.database import database
from models.kernel.ids import new_id
from models.kernel.secrets import Secrets
from models.webhooks import Webhook, WebhookAttempt, WebhookDelivery, WebhookSecret
from tests.making import account

URL = "https://integrator.example/hook"


def webhook(account_id: UUID | None = None, **more: Any) -> Webhook:
    """Make an endpoint; `filter` and `events` as the wire has them."""
    account_id = account_id or account().id
    now = SystemClock().now()
    events = more.pop("events", ["*"])
    values: dict[str, Any] = {
        "account_id": account_id, "user_id": new_id(), "mode": "live",
        "url": URL, "events": events, "patterns": patterns_of(events), "rate_per_second": 1_000,
        "max_in_flight": 10, "created_at": now, "updated_at": now, **more,
    }  # fmt: skip
    if values.get("filter"):
        values["condition"] = condition_of(values["filter"])
    row: Webhook = Webhook.create(**values)
    return row


def secret(row: Webhook, seals: Secrets, **more: Any) -> str:
    """Give an endpoint a secret; return it as its owner sees it."""
    made = new_secret()
    WebhookSecret.create(
        webhook=row, sealed=seals.seal(KEYS, made.raw, context=str(row.id)),
        public_key=made.public_key, created_at=SystemClock().now(), **more,
    )  # fmt: skip
    return made.shown


def happens(account_id: UUID, kind: str = "book.created", mode: str = "live", **data: Any) -> None:
    """Let something happen, in a transaction of its own."""
    with database.unit():
        record(Happening(account_id, mode, kind, data or {"book": {"title": "Walden"}}))


def webhook_with_secret(account_id: UUID) -> Webhook:
    """Make an endpoint that has a secret."""
    row = webhook(account_id)
    webhook_secret(row)
    return row


def webhook_secret(row: Webhook | None = None) -> WebhookSecret:
    """Give an endpoint a secret that nobody can open."""
    made: WebhookSecret = WebhookSecret.create(
        webhook=row or webhook(), sealed=b"sealed", public_key=b"public",
        created_at=SystemClock().now(),
    )  # fmt: skip
    return made


def webhook_delivery(row: Webhook | None = None) -> WebhookDelivery:
    """Let something happen that an endpoint is told of; return its delivery."""
    place = row or webhook()
    happens(place.account_id)
    newest = WebhookDelivery.seq.desc()
    made: WebhookDelivery = (
        WebhookDelivery.select().where(WebhookDelivery.webhook == place.id).order_by(newest).get()
    )
    return made


def webhook_attempt(of: WebhookDelivery | None = None) -> WebhookAttempt:
    """Make an attempt that nobody has heard of."""
    made: WebhookAttempt = WebhookAttempt.create(
        delivery=(of or webhook_delivery()).id, number=1, url=URL, started_at=SystemClock().now()
    )
    return made


def attempted(of: WebhookDelivery, **more: Any) -> WebhookAttempt:
    """Make an attempt that has ended, well unless it is said otherwise."""
    now = SystemClock().now()
    values: dict[str, Any] = {
        "delivery": of.id, "number": 1, "url": URL, "started_at": now, "finished_at": now,
        "outcome": "delivered", "status": 200, "request_headers": {"webhook-timestamp": "1"},
        "response_headers": {}, "response_body": "ok", **more,
    }  # fmt: skip
    made: WebhookAttempt = WebhookAttempt.create(**values)
    WebhookDelivery.update(attempts=values["number"]).where(WebhookDelivery.id == of.id).execute()
    return made


def turned(of: WebhookDelivery, state: str) -> None:
    """Let a delivery have come to an end."""
    WebhookDelivery.update(state=state).where(WebhookDelivery.id == of.id).execute()

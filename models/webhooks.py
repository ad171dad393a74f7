"""Webhooks: endpoints, their secrets, deliveries and attempts (H-01, H-05, H-06).

What couriers do to deliveries is `models/sql/webhooks.sql`'s.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    TextField,
    UUIDField,
)
from playhouse.postgres_ext import ArrayField, BinaryJSONField, DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.errors import NotFound
from models.kernel.ids import new_id

if TYPE_CHECKING:
    from peewee import ModelSelect

NOBODY: Final = UUID(int=0)
"""Before every endpoint, by id."""
PENDING: Final = "pending"
DELIVERING: Final = "delivering"
DELIVERED: Final = "delivered"
EXHAUSTED: Final = "exhausted"
SKIPPED: Final = "skipped"
SKIPPED_AT_ONCE: Final = 2_000
STATES: Final = (PENDING, DELIVERING, DELIVERED, EXHAUSTED, SKIPPED)
CAUSES: Final = ("event", "ping", "resend", "replay", "recover")

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
UNHURT: Final[Mapping[str, Any]] = {
    "failures": 0, "failing_since": None, "warned_at": None, "open_until": _EPOCH,
    "is_draining": True,
}  # fmt: skip
"""The columns of an endpoint that has failed nobody yet, and has everything due at once."""
_CLAIM: Final = "select * from webhook_claim(%s, %s, %s)"
_FINISH: Final = "select webhook_finish(%s)"
_ENABLE: Final = """
update webhook
set is_enabled = true, disabled_at = null, disabled_reason = null, failures = 0,
    failing_since = null, warned_at = null, open_until = 'epoch', is_draining = true
where id = %s and not is_enabled
"""
_DISABLE: Final = """
update webhook set is_enabled = false, disabled_at = now(), disabled_reason = 'owner'
where id = %s and is_enabled
"""
_SKIP: Final = """
update webhook_delivery set state = 'skipped', finished_at = now()
where id = any(array(
    select id from webhook_delivery where webhook_id = %s and state = 'pending'
    order by next_attempt_at limit %s for update skip locked))
returning id
"""
_RESCUE: Final = "select webhook_rescue(%s)"


class Webhook(Table):
    """An endpoint, and how it fares."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    user_id = UUIDField()
    mode = CharField()
    url = TextField()
    description = TextField(default="")
    events = ArrayField(TextField)
    patterns = ArrayField(TextField)
    filter = BinaryJSONField(null=True)
    condition = TextField(null=True)
    transform = BinaryJSONField(null=True)
    headers = BlobField(null=True)
    rate_per_second = IntegerField()
    max_in_flight = IntegerField()
    fifo = TextField(null=True)
    is_enabled = BooleanField(default=True)
    disabled_at = DateTimeTZField(null=True)
    disabled_reason = CharField(null=True)
    failures = IntegerField(default=0)
    failing_since = DateTimeTZField(null=True)
    last_failed_at = DateTimeTZField(null=True)
    warned_at = DateTimeTZField(null=True)
    open_until = DateTimeTZField(default=_EPOCH)
    free_at = DateTimeTZField(default=_EPOCH)
    is_draining = BooleanField(default=False)
    letter_at = DateTimeTZField(null=True)
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()
    deleted_at = DateTimeTZField(null=True)
    public_key: bytes
    """What verifies it, once somebody has looked."""
    secret: str
    """The secret as its owner sees it, once."""

    @classmethod
    def of(cls, account_id: UUID, mode: str) -> "ModelSelect[Self]":
        """Select an account's endpoints, the newest first."""
        mine = (cls.account_id == account_id) & (cls.mode == mode) & cls.deleted_at.is_null()
        return cls.select().where(mine).order_by(cls.id.desc())

    @classmethod
    def owned_by(cls, account_id: UUID, mode: str, webhook_id: UUID) -> Self:
        """Return an account's endpoint; raise `NotFound` for any other."""
        row: Self | None = cls.of(account_id, mode).where(cls.id == webhook_id).first()
        if row is None:
            raise NotFound("there is no such webhook")
        return row


class WebhookSecret(Table):
    """A secret, sealed; the newest signs, and older ones beside it until they expire."""

    id = UUIDField(primary_key=True, default=new_id)
    webhook = ForeignKeyField(Webhook, backref="secrets")
    webhook_id: UUID
    sealed = BlobField()
    public_key = BlobField()
    created_at = DateTimeTZField()
    expires_at = DateTimeTZField(null=True)


class WebhookDelivery(Table):
    """An event on its way to an endpoint.

    pending → delivering → delivered, or pending again for the next attempt, or exhausted; pending →
    skipped when its owner says so.
    """

    id = UUIDField(primary_key=True)
    seq = BigIntegerField()
    webhook = ForeignKeyField(Webhook, backref="deliveries")
    webhook_id: UUID
    event_id = UUIDField()
    cause = CharField()
    url = TextField(null=True)
    fifo_key = TextField(null=True)
    asked_by = UUIDField(null=True)
    state = CharField()
    attempts = IntegerField()
    next_attempt_at = DateTimeTZField()
    lease_until = DateTimeTZField(null=True)
    created_at = DateTimeTZField()
    finished_at = DateTimeTZField(null=True)
    event_type: str
    """What kind of event it is of, once somebody has looked."""


class WebhookAttempt(Table):
    """One attempt at a delivery; `outcome` is null while nobody knows."""

    delivery = ForeignKeyField(WebhookDelivery, backref="tries")
    delivery_id: UUID
    number = IntegerField()
    url = TextField()
    started_at = DateTimeTZField()
    finished_at = DateTimeTZField(null=True)
    outcome = CharField(null=True)
    status = IntegerField(null=True)
    failure = TextField(null=True)
    request_headers = BinaryJSONField(null=True)
    body = TextField(null=True)
    response_headers = BinaryJSONField(null=True)
    response_body = TextField(null=True)

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("delivery", "number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A claimed delivery: what goes where. `payload` is the event as JSON; secrets are sealed."""

    delivery_id: UUID
    attempt: int
    cause: str
    url: str
    webhook_id: UUID
    headers: bytes | None
    transform: Any
    payload: str
    secrets: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an attempt ended.

    `wait` is the pause in seconds before the next one, None when there is none; `pause` for how
    long the endpoint is to be left alone.
    """

    delivery_id: UUID
    attempt: int
    outcome: str
    wait: float | None
    pause: float = 0.0
    status: int | None = None
    failure: str | None = None
    request_headers: dict[str, str] | None = None
    body: str | None = None
    response_headers: dict[str, str] | None = None
    response_body: str | None = None


def enable(webhook_id: UUID, *, is_enabled: bool) -> None:
    """Enable an endpoint, whose backlog goes out at once at its rate, or disable it."""
    database.rows(_ENABLE if is_enabled else _DISABLE, (webhook_id,))


def skip_pending(webhook_id: UUID) -> int:
    """Drop what waits for an endpoint, some in a transaction; return how many."""
    total = found = len(database.rows(_SKIP, (webhook_id, SKIPPED_AT_ONCE)))
    while found == SKIPPED_AT_ONCE:
        found = len(database.rows(_SKIP, (webhook_id, SKIPPED_AT_ONCE)))
        total += found
    return total


def claim(after: UUID, most: int, lease: float) -> list[Parcel]:
    """Claim what is due at endpoints after this one, for `lease` seconds; write the attempts."""
    return [_parcel(row) for row in database.rows(_CLAIM, (after, most, lease))]


def finish(ends: Sequence[End]) -> int:
    """End attempts in one transaction; return how many were ours still."""
    values = json.dumps([asdict(each) for each in ends], default=str)
    return int(database.rows(_FINISH, (values,))[0][0])


def rescue(most: int) -> int:
    """Make due what couriers have lost; return how many."""
    return int(database.rows(_RESCUE, (most,))[0][0])


def _parcel(row: tuple[Any, ...]) -> Parcel:
    *place, headers, transform, payload, keys = row
    delivery_id, attempt, cause, url, webhook_id = place
    return Parcel(
        delivery_id=delivery_id, attempt=attempt, cause=cause, url=url, webhook_id=webhook_id,
        headers=headers and bytes(headers), transform=transform, payload=payload,
        secrets=tuple(map(bytes, keys)),
    )  # fmt: skip

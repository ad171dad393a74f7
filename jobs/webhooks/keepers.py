"""Keepers: who registers and works on endpoints, and what is written down of what they did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from peewee import fn

from models.people import AuditEntry
from models.webhooks import Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who acts, for which account, with which permissions, and by which request."""

    account_id: UUID
    user_id: UUID
    mode: str
    permissions: frozenset[str]
    request_id: str | None = None


def note(action: str, row: Webhook, keeper: Keeper, details: Mapping[str, Any]) -> None:
    """Write down what somebody did to an endpoint."""
    AuditEntry.create(
        account_id=keeper.account_id,
        person_id=keeper.user_id,
        actor_id=keeper.user_id,
        action=action,
        details={"webhook_id": str(row.id), **details},
        request_id=keeper.request_id,
        created_at=fn.clock_timestamp(),
    )

"""The audit: what was done to whom, by whom and by which request, written down for good (A-20)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.accounts import Person
from models.kernel.clock import Clock
from models.people import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who changes something, and by which request.

    `issuer` is the outside issuer whose word it is; then nobody changes themselves.
    """

    person_id: UUID
    permissions: frozenset[str]
    request_id: str | None = None
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was done: to a person, or to whoever did it; in their account or in another."""

    action: str
    details: Mapping[str, Any]
    person_id: UUID | None = None
    account_id: UUID | None = None


def note(deed: Deed, actor: Actor, clock: Clock) -> None:
    """Write down what somebody did; of the same transaction as the deed."""
    person_id = deed.person_id or actor.person_id
    AuditEntry.create(
        account_id=deed.account_id or Person.get_by_id(person_id).account_id,
        person_id=person_id,
        actor_id=actor.person_id,
        action=deed.action,
        details=deed.details,
        request_id=actor.request_id,
        created_at=clock.now(),
    )

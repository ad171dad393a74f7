"""Quotas: what is taken of them is refused when it would be too much (L-07)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.accounts import Person
from models.kernel.errors import Conflict, PayloadTooLarge
from models.quotas import Quotas, hold_quotas

BOOKS: Final = "books"
STORAGE: Final = "storage_bytes"
API_KEYS: Final = "api_keys"

_WORDS: Final[Mapping[str, str]] = {
    BOOKS: "you may keep {most} books; delete one first, or choose a higher tier",
    API_KEYS: "you may have {most} API keys; revoke one first, or choose a higher tier",
}
_FULL: Final = (
    "this would pass the {most} bytes you may store, of which {used} are used; delete something"
    " first, or choose a higher tier"
)


@dataclass(frozen=True, slots=True)
class Holding:
    """How much somebody keeps of something, and how much they may."""

    resource: str
    limit: int
    used: int


def claim(person_id: UUID, wanted: Mapping[str, int]) -> None:
    """Take something of a person's quotas, in the transaction that then makes it.

    Others of the same account wait until it ends, so that two at once take no more than is left.
    Raises `Conflict` for one thing too many and `PayloadTooLarge` for bytes.
    """
    person = Person.get_by_id(person_id)
    hold_quotas(person.account_id)
    for holding in holdings(person):
        more = wanted.get(holding.resource, 0)
        if more and holding.used + more > holding.limit:
            _refuse(holding)


def holdings(person: Person) -> list[Holding]:
    """Return what a person keeps of everything that has a quota."""
    used = Quotas.used_by(person.account_id, person.id).by_name
    most = Quotas.of_tier(person.tier).by_name
    return [Holding(name, limit, used[name]) for name, limit in most.items()]


def _refuse(holding: Holding) -> None:
    if holding.resource == STORAGE:
        raise PayloadTooLarge(_FULL.format(most=holding.limit, used=holding.used))
    raise Conflict(_WORDS[holding.resource].format(most=holding.limit))

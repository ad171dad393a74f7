"""Quotas: how much a person may keep, by tier, and how much they keep now (L-07)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from models.catalogue.reader import entries
from models.kernel.database import database

USUAL_TIER: Final = "free"

_LOCK: Final = "select pg_advisory_xact_lock(hashtextextended('quota:' || %s, 0))"
_USED: Final = """
select
    (select count(*) from book where account_id = %(account)s and deleted_at is null),
    (select coalesce(sum(file_size), 0) from book
     where account_id = %(account)s and deleted_at is null)
    + (select coalesce(sum(size), 0) from file
       where account_id = %(account)s and deleted_at is null),
    (select count(*) from api_key
     where user_id = %(person)s and revoked_at is null and coalesce(expires_at > now(), true))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """Numbers by what they are of; bytes for storage."""

    books: int
    storage_bytes: int
    api_keys: int

    @classmethod
    def of_tier(cls, tier: str) -> "Quotas":
        """Return the most that a tier may keep."""
        known: Mapping[str, Quotas] = entries("quotas", Quotas)
        return known[tier] if tier in known else known[USUAL_TIER]

    @classmethod
    def used_by(cls, account_id: UUID, person_id: UUID) -> "Quotas":
        """Return what somebody keeps now."""
        whose = {"account": account_id, "person": person_id}
        ((books, stored, keys),) = database.rows(_USED, whose)
        return cls(books=int(books), storage_bytes=int(stored), api_keys=int(keys))

    @property
    def by_name(self) -> Mapping[str, int]:
        """The same as a mapping."""
        return asdict(self)


def hold_quotas(account_id: UUID) -> None:
    """Let nobody else take of an account's quotas until the transaction that is open ends."""
    database.rows(_LOCK, (str(account_id),))

"""Limits on requests: those of the catalogue, and those administrators set over them (L-11)."""

from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from peewee import CharField, CompositeKey, IntegerField, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.catalogue.reader import read
from models.kernel.database import Table, database

SECONDS: Final = 60
"""The length of every window."""

_KEY_LIMIT: Final = "select rate_limit_per_minute from api_key where id = %s"


@dataclass(frozen=True, slots=True)
class TierLimits:
    """What one person of a tier may do in a minute: requests at all, and AI requests."""

    user: int
    ai: int


@dataclass(frozen=True, slots=True)
class Catalogued:
    """The limits of the catalogue: requests in any 60 s, and routes as `POST /v1/jobs`."""

    tiers: dict[str, TierLimits]
    anonymous: int
    address: int
    everybody: int
    guessing: int
    given_back: frozenset[str]
    kept: frozenset[str]
    ai: frozenset[str]
    exempt: frozenset[str]

    @classmethod
    def read(cls) -> Self:
        """Return what `limits.toml` says."""
        told = read("limits")
        return cls(
            tiers={name: TierLimits(**fields) for name, fields in told["tiers"].items()},
            anonymous=told["anonymous"]["per_minute"],
            address=told["address"]["per_minute"],
            everybody=told["global"]["per_minute"],
            guessing=told["guessing"]["per_minute"],
            given_back=frozenset(told["guessing"]["given_back"]),
            kept=frozenset(told["guessing"]["kept"]),
            ai=frozenset(told["ai"]["routes"]),
            exempt=frozenset(told["exempt"]["routes"]),
        )


class RateLimit(Table):
    """A limit that an administrator has set for a kind of subject, such as one user or a route."""

    kind = CharField()
    subject = CharField()
    per_minute = IntegerField()
    set_by = UUIDField()
    set_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("kind", "subject")

    @classmethod
    def everything(cls) -> list[Self]:
        """Return every limit that is set; there are few."""
        return list(cls.select().order_by(cls.kind, cls.subject))


def limit_of_key(key_id: UUID) -> int | None:
    """Return the requests a minute an API key was made with, None for one without."""
    rows = database.rows(_KEY_LIMIT, (str(key_id),))
    return rows[0][0] if rows else None

"""Idempotency keys: what a request was, and what was answered to it (ARCHITECTURE §5.9)."""

import json
from hashlib import sha256
from typing import Any, Final, Self
from uuid import UUID

from peewee import BlobField, CharField, CompositeKey, IntegerField, TextField, UUIDField
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

from models.kernel.database import Table, database

HOURS: Final = 24

_FORGET: Final = """
delete from idempotency_key
where account_id = %s and mode = %s and key = %s and created_at < now() - make_interval(hours => %s)
"""
_TAKE: Final = """
insert into idempotency_key (account_id, mode, key, fingerprint) values (%s, %s, %s, %s)
on conflict do nothing returning 1
"""


def fingerprint(method: str, path: str, body: Any) -> bytes:
    """Return what makes a request the same request: method, path and canonical body.

    `stream` only says how the answer travels, so it does not count.
    """
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name != "stream"}
    text = json.dumps([method, path, body], sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).digest()


Place = tuple[UUID, str, str]
"""Account, mode and the client's key: where a key lives."""


class IdempotencyKey(Table):
    """A client's key, the fingerprint of the request it came with, and the answer it got."""

    account_id = UUIDField()
    mode = CharField()
    key = TextField()
    fingerprint = BlobField()
    job_id = UUIDField(null=True)
    status = IntegerField(null=True)
    body = BinaryJSONField(null=True, index=False)
    location = TextField(null=True)
    created_at = DateTimeTZField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("account_id", "mode", "key")

    @classmethod
    def take(cls, place: Place, wanted: bytes) -> bool:
        """Claim a key for a request; False: it is taken, by what has been committed since.

        Inside a transaction: whoever comes second waits here until the first has ended.
        """
        database.rows(_FORGET, (*place, HOURS))
        return bool(database.rows(_TAKE, (*place, wanted)))

    @classmethod
    def taken(cls, place: Place) -> Self:
        """Return the row of a key that is taken."""
        row: Self = cls.get_by_id(place)
        return row

    @classmethod
    def answered(cls, place: Place, *, status: int, body: Any, location: str | None) -> None:
        """Keep the answer beside the key."""
        row = cls.taken(place)
        row.status, row.body, row.location = status, body, location
        row.save(only=[cls.status, cls.body, cls.location])

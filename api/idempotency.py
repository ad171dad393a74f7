"""Idempotency-Key on what creates (ARCHITECTURE §5.9): asked again, answered the same.

The key, the work and the kept answer are one transaction. A second request with the same key
waits for the first to end and repeats its answer, with null for what is shown only once.
"""

import re
from collections.abc import Callable
from typing import Final

from falcon.asgi import Request, Response
from marshmallow import Schema

from api.schemas.wire import without_secrets
from models.idempotency import IdempotencyKey, Place, fingerprint
from models.kernel.database import database
from models.kernel.errors import Detail, IdempotencyMismatch, Invalid

HEADER: Final = "Idempotency-Key"

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(req: Request) -> str | None:
    """Return the client's key, None without one; raise `Invalid` for one that is none."""
    key: str | None = req.get_header(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid(details=[Detail(HEADER, "Not 1 to 255 visible ASCII characters.")])
    return key


def once(answer: Schema | None, req: Request, resp: Response, work: Callable[[], None]) -> None:
    """Do the work, or repeat the answer it had when this key was first used.

    Raises `IdempotencyMismatch` when the key came with another request. A refusal is not kept.
    """
    key = idempotency_key(req)
    if key is None:
        work()
        return
    principal = req.context.principal
    place: Place = (principal.account_id, principal.mode, key)
    wanted = fingerprint(req.method, req.path, req.context.given)
    with database.unit():
        if IdempotencyKey.take(place, wanted):
            work()
            _keep(answer, resp, place)
        else:
            _repeat(resp, place, wanted)


def _keep(answer: Schema | None, resp: Response, place: Place) -> None:
    body = without_secrets(answer, resp.media)
    location = resp.get_header("Location")
    IdempotencyKey.answered(place, status=resp.status_code, body=body, location=location)


def _repeat(resp: Response, place: Place, wanted: bytes) -> None:
    row = IdempotencyKey.taken(place)
    if bytes(row.fingerprint) != wanted or row.status is None:
        raise IdempotencyMismatch("this Idempotency-Key was used for another request")
    resp.status, resp.media = row.status, row.body
    if row.location:
        resp.set_header("Location", row.location)
    resp.set_header("Idempotent-Replayed", "true")

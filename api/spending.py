"""Spending: what an answer tells of the means that its request has used (B-14, L-06)."""

from collections.abc import Mapping
from typing import Final

from falcon.asgi import Request

from models.jobs import JobRow

USED: Final = "X-Credits-Used-Percent"
WARNING: Final = "X-Credits-Warning"
SOFT_LIMIT: Final = "soft-limit"
WARNED_FROM: Final = 80


def spent_by(req: Request, row: JobRow) -> JobRow:
    """Note for the answer how much is used up since a request's job was accepted."""
    if row.credits_used is not None:
        req.context.credits_used = row.credits_used
    return row


def headers_of_use(req: Request) -> Mapping[str, str]:
    """Return the headers that tell it: none for a request that could cost nothing."""
    used = getattr(req.context, "credits_used", None)
    if used is None:
        return {}
    told = {USED: str(used)}
    return {**told, WARNING: SOFT_LIMIT} if used >= WARNED_FROM else told

"""Origins: where a request comes from, as attempts to log in are written down with (A-10)."""

from collections.abc import Sequence

from falcon.asgi import Request

from api.callers import caller_of
from jobs.attempts import Origin
from models.kernel.settings import Network


def origin_of(req: Request, proxies: Sequence[Network]) -> Origin:
    """Return the client's address, what it calls itself, and the request's id."""
    address = caller_of(req, proxies).address
    return Origin(str(address or ""), req.user_agent or "", req.context.request_id)

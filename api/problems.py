"""Problems: the one file that knows which error is which HTTP answer (G-14 to G-16).

Every error becomes the same envelope. Falcon's own are put into our family first; whatever is
not of the family at all is a fault of ours: it is logged with its stack and told without words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import falcon
import falcon.asgi
from falcon.asgi import Request, Response
from peewee import InterfaceError, OperationalError
from playhouse.pool import MaxConnectionsExceeded

from jobs.wires.wires import wire_named
from models.catalogue.reader import entries
from models.kernel import errors
from models.kernel.clock import Clock, wire_time
from models.kernel.errors import IlmError
from models.kernel.logs import get_logger

DATABASE_AWAY: Final[tuple[type[Exception], ...]] = (
    OperationalError,
    InterfaceError,
    MaxConnectionsExceeded,
)
RETRIED_BY_CLIENTS: Final = frozenset({402, 408, 409, 429})

_MOST_DETAILS: Final = 50
_SERVER: Final = 500

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEntry:
    """One code of the catalogue."""

    status: int
    category: str
    message: str
    meaning: str
    remedy: str
    retry: bool


def catalogue() -> Mapping[str, ErrorEntry]:
    """Return every code there is."""
    return entries("errors", ErrorEntry)


class Problems:
    """Turns errors into answers."""

    def __init__(self, base_url: str, clock: Clock) -> None:
        """Take the public address, under which the pages of the codes are, and the time."""
        self._base_url = base_url
        self._clock = clock

    def enlist(self, app: falcon.asgi.App[Any, Any]) -> None:
        """Let an app answer every error through here."""
        app.add_error_handler(IlmError, self._ours)
        app.add_error_handler(falcon.HTTPError, self._falcons)
        for away in DATABASE_AWAY:
            app.add_error_handler(away, self._database_away)
        app.add_error_handler(Exception, self._unknown)

    async def _ours(
        self, req: Request, resp: Response | None, error: IlmError, _: Any, **__: Any
    ) -> None:
        self.tell(req, resp, error)

    async def _falcons(
        self, req: Request, resp: Response | None, error: falcon.HTTPError, _: Any, **__: Any
    ) -> None:
        self.tell(req, resp, _translated(error))
        if resp is not None and error.headers:
            resp.set_headers(error.headers)

    async def _database_away(
        self, req: Request, resp: Response | None, error: Exception, _: Any, **__: Any
    ) -> None:
        log.warning("database.away", error=type(error).__name__)
        self.tell(req, resp, errors.Unavailable("the database does not answer", retry_after=1))

    async def _unknown(
        self, req: Request, resp: Response | None, error: Exception, _: Any, **__: Any
    ) -> None:
        log.error("http.failed", exc_info=error)
        self.tell(req, resp, IlmError())

    def tell(self, req: Request, resp: Response | None, error: IlmError) -> None:
        """Write the answer to an error; a WebSocket, which has none, is closed instead."""
        entry = catalogue()[error.code]
        if resp is None:
            raise falcon.HTTPError(entry.status)
        if entry.status >= _SERVER:
            log.warning("http.refused", code=error.code, error=type(error).__name__)
        resp.status = entry.status
        resp.content_type = falcon.MEDIA_JSON
        resp.text = resp.data = resp.stream = resp.sse = None
        request_id = getattr(req.context, "request_id", "")
        wire = getattr(req.context, "wire", "")
        resp.media = (
            wire_named(wire).error_body(error, request_id)
            if wire
            else self.envelope(error, request_id)
        )
        for name, value in _headers(error, entry).items():
            resp.set_header(name, value)

    def envelope(self, error: IlmError, request_id: str) -> dict[str, Any]:
        """Return the body of an error (G-14)."""
        return {
            "error": {
                "code": error.code,
                "message": error.message or catalogue()[error.code].message,
                "details": [
                    {"field": detail.field, "message": detail.message}
                    for detail in error.details[:_MOST_DETAILS]
                ],
                "requestId": request_id,
                "timestamp": wire_time(self._clock.now()),
                "documentation": f"{self._base_url}/errors/{error.code}",
            }
        }


def _headers(error: IlmError, entry: ErrorEntry) -> dict[str, str]:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    if isinstance(error, errors.Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="ilm"'
    if not entry.retry and (entry.status in RETRIED_BY_CLIENTS or entry.status >= _SERVER):
        headers["x-should-retry"] = "false"
    return headers


def _translated(error: falcon.HTTPError) -> IlmError:
    """Put one of Falcon's errors into our family; its own words stay out."""
    if isinstance(error, falcon.HTTPRouteNotFound):
        return errors.UnknownRoute("no route has this path")
    known: dict[int, type[IlmError]] = {
        404: errors.NotFound,
        405: errors.MethodNotAllowed,
        406: errors.NotAcceptable,
        413: errors.PayloadTooLarge,
        415: errors.UnsupportedMediaType,
        429: errors.RateLimitExceeded,
        503: errors.Unavailable,
    }
    if error.status_code >= _SERVER:
        return known.get(error.status_code, IlmError)()
    return known.get(error.status_code, errors.Malformed)()

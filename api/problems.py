"""Problems: the one file that knows which error is which HTTP answer (G-14 to G-16).

Every error becomes the same envelope. Falcon's own are put into our family first; whatever is
not of the family at all is a fault of ours: it is logged with its stack and told without words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import falcon
import falcon.asgi
from falcon.asgi import Request, Response, WebSocket
from peewee import InterfaceError, OperationalError
from playhouse.pool import MaxConnectionsExceeded

from api.consent.screens import refuse
from jobs.wires.wires import wire_named
from models.catalogue.reader import entries
from models.kernel import errors
from models.kernel.clock import Clock, wire_time
from models.kernel.denials import (
    AppRefused,
    InvalidClient,
    MfaRequired,
    PaymentRequired,
    UpgradeRequired,
)
from models.kernel.errors import IlmError
from models.kernel.logs import get_logger
from models.kernel.measures import HTTP_REFUSED

DATABASE_AWAY: Final[tuple[type[Exception], ...]] = (
    OperationalError,
    InterfaceError,
    MaxConnectionsExceeded,
)
OAUTH: Final = "oauth"
PAGE: Final = "page"
"""The wires of OAuth's endpoints, and of the pages it shows to people."""
SOCKET_FAILED: Final = 1011
"""What a WebSocket is closed with that fails; one not open yet is refused with 403 instead."""
RETRIED_BY_CLIENTS: Final = frozenset({402, 408, 409, 429})

_MOST_DETAILS: Final = 50
_UNTOLD: Final = re.compile(r"[^ !#-\[\]-~]")
"""What an `error_description` cannot hold (RFC 6749 §5.2)."""

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

    def __init__(self, base_url: str, clock: Clock, upgrade_url: str = "") -> None:
        """Take the public address, under which the pages of the codes are, and the time.

        `upgrade_url` is where people go whose means are used up; the page of the code when empty.
        """
        self._base_url = base_url
        self._clock = clock
        self._upgrade_url = upgrade_url or self._page_of(PaymentRequired.code)

    def enlist(self, app: falcon.asgi.App[Any, Any]) -> None:
        """Let an app answer every error through here."""
        app.add_error_handler(IlmError, self._ours)
        app.add_error_handler(falcon.HTTPError, self._falcons)
        for away in DATABASE_AWAY:
            app.add_error_handler(away, self._database_away)
        app.add_error_handler(Exception, self._unknown)

    async def _ours(
        self,
        req: Request,
        resp: Response | None,
        error: IlmError,
        _: Any,
        ws: WebSocket | None = None,
    ) -> None:
        await self._answer(req, resp, error, ws)

    async def _falcons(
        self,
        req: Request,
        resp: Response | None,
        error: falcon.HTTPError,
        _: Any,
        ws: WebSocket | None = None,
    ) -> None:
        await self._answer(req, resp, _translated(error), ws)
        if resp is not None and error.headers:
            resp.set_headers(error.headers)

    async def _database_away(
        self,
        req: Request,
        resp: Response | None,
        error: Exception,
        _: Any,
        ws: WebSocket | None = None,
    ) -> None:
        log.warning("database.away", error=type(error).__name__)
        await self._answer(req, resp, database_away(), ws)

    async def _unknown(
        self,
        req: Request,
        resp: Response | None,
        error: Exception,
        _: Any,
        ws: WebSocket | None = None,
    ) -> None:
        log.error("http.failed", exc_info=error)
        await self._answer(req, resp, IlmError(), ws)

    async def _answer(
        self, req: Request, resp: Response | None, error: IlmError, ws: WebSocket | None
    ) -> None:
        """Answer a request; a WebSocket, which has no answer, is closed instead."""
        if resp is not None:
            self.tell(req, resp, error)
            return
        HTTP_REFUSED.add(error.code)
        if ws is not None:
            await ws.close(SOCKET_FAILED)

    def tell(self, req: Request, resp: Response, error: IlmError) -> None:
        """Write the answer to an error."""
        entry = catalogue()[error.code]
        HTTP_REFUSED.add(error.code)
        if entry.status >= _SERVER:
            log.warning("http.refused", code=error.code, error=type(error).__name__)
        resp.status = entry.status
        resp.content_type = falcon.MEDIA_JSON
        resp.text = resp.data = resp.stream = resp.sse = None
        request_id = getattr(req.context, "request_id", "")
        wire = getattr(req.context, "wire", "")
        if wire == PAGE:
            refuse(resp, self._words(error), getattr(req.context, "back", ""))
        else:
            resp.media = self.body(error, request_id, wire)
        for name, value in _headers(error, entry).items():
            resp.set_header(name, value)

    def body(self, error: IlmError, request_id: str, wire: str) -> dict[str, Any]:
        """Return the body of an error in the shape of a wire; ours when its name is empty."""
        if wire == OAUTH:
            return oauth_body(error, self._words(error))
        if wire:
            return wire_named(wire).error_body(error, request_id)
        return self.envelope(error, request_id)

    def envelope(self, error: IlmError, request_id: str) -> dict[str, Any]:
        """Return the body of an error (G-14)."""
        return {
            "error": {
                **self._own_fields(error),
                "code": error.code,
                "message": self._words(error),
                "details": [
                    {"field": detail.field, "message": detail.message}
                    for detail in error.details[:_MOST_DETAILS]
                ],
                "requestId": request_id,
                "timestamp": wire_time(self._clock.now()),
                "documentation": self._page_of(error.code),
            }
        }

    def _own_fields(self, error: IlmError) -> dict[str, str]:
        """Return what an error tells beside what all do: how to go on, and from when."""
        if isinstance(error, MfaRequired):
            return {"mfaToken": error.mfa_token}
        if not isinstance(error, PaymentRequired):
            return {}
        upgrade = {"upgradeUrl": self._upgrade_url}
        if error.resets_at is None:
            return upgrade
        moment = wire_time(error.resets_at)
        return {"retryAt": moment, "resetAt": moment, **upgrade}

    def _page_of(self, code: str) -> str:
        return f"{self._base_url}/errors/{code}"

    def _words(self, error: IlmError) -> str:
        return error.message or catalogue()[error.code].message


def database_away() -> errors.Unavailable:
    """Return what is told when the database does not answer."""
    return errors.Unavailable("the database does not answer", retry_after=1)


def oauth_body(error: IlmError, words: str) -> dict[str, str]:
    """Return an error in the shape of RFC 6749 §5.2, in its words where it has any for it."""
    if isinstance(error, AppRefused):
        return {"error": error.code, "error_description": words}
    status = catalogue()[error.code].status
    told = "invalid_request" if status < _SERVER else "server_error"
    if isinstance(error, errors.Unavailable | errors.RateLimitExceeded):
        told = "temporarily_unavailable"
    details = "; ".join(f"{each.field}: {each.message}" for each in error.details[:_MOST_DETAILS])
    return {"error": told, "error_description": _UNTOLD.sub("'", f"{words} {details}").strip()}


def _headers(error: IlmError, entry: ErrorEntry) -> dict[str, str]:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    if isinstance(error, UpgradeRequired):
        headers["Upgrade"] = "websocket"
    if isinstance(error, InvalidClient):
        headers["WWW-Authenticate"] = 'Basic realm="ilm"'
    elif isinstance(error, errors.Unauthorized):
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

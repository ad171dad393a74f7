"""The front: what happens to every request, in this order (G-01).

1  correlation id       X-Request-ID in or made, bound to every log line, sent back
2  log                  one line a request, when it is answered
3  CORS                 the origins of the settings; a preflight ends here
4  HTTPS, drain         plain HTTP redirected or refused; refused while shutting down
5  size and timeout     `api/answering.py`: the bounded body, then the hop with its time limit
6  authentication       in the pool, `api/principals.py`
7  rate limit           in the pool, between 6 and 8
8  validation           in the pool, `api/reading.py`
9  handler              in the pool, `api/resources/`; what waits, in `api/live/`
10 error mapping        `api/problems.py`, wherever above it was raised
"""

import re
from typing import Any, Final
from urllib.parse import quote

import falcon
from falcon.asgi import Request, Response
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.callers import Caller, caller_of
from api.drain import Drain
from models.kernel.clock import Clock
from models.kernel.errors import Forbidden
from models.kernel.ids import new_id
from models.kernel.logs import get_logger
from models.kernel.settings import Settings

REQUEST_ID: Final = "X-Request-ID"
METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED: Final = (
    "X-Request-ID, Location, Retry-After, Idempotent-Replayed, X-Ilm-Job-Id, ETag, Content-Range,"
    " X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Credits-Warning,"
    " X-Credits-Used-Percent"
)
PREFLIGHT_SECONDS: Final = "600"
HSTS: Final = "max-age=31536000"
STRICT_CSP: Final = "default-src 'none'; frame-ancestors 'none'"

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9_, -]{1,1000}", re.ASCII)

log = get_logger("http")


class Front:
    """The stages before and after the hop, as one Falcon middleware."""

    def __init__(self, settings: Settings, drain: Drain, clock: Clock) -> None:
        """Take the settings, what knows whether we are shutting down, and the time."""
        self._origins = frozenset(settings.cors_origins)
        self._base_url = settings.base_url
        self._is_https = settings.is_https
        self._proxies = settings.proxies
        self._drain = drain
        self._clock = clock

    async def process_request(self, req: Request, resp: Response) -> None:
        """Stages 1 to 4."""
        req.context.started = self._clock.elapsed()
        given = req.get_header(REQUEST_ID) or ""
        kept = given if _REQUEST_ID.fullmatch(given) else f"req_{new_id().hex}"
        req.context.request_id = kept
        clear_contextvars()
        bind_contextvars(request_id=kept)
        if self._is_preflight(req):
            self._allow(req, resp)
        elif self._is_https:
            self._enforce_https(req, caller_of(req, self._proxies))
        self._drain.refuse_if_closing()

    async def process_response(
        self, req: Request, resp: Response, _resource: object, _succeeded: object
    ) -> None:
        """Headers every answer has, then the log line."""
        request_id = getattr(req.context, "request_id", "")
        resp.set_header(REQUEST_ID, request_id)
        self._secure(resp)
        self._share(req, resp)
        if self._drain.is_closing:
            resp.set_header("Connection", "close")
        log.info("http.request", **self._told(req, resp.status_code))

    def _told(self, req: Request, status: int) -> dict[str, Any]:
        """Return what is logged of a request: never its query, its credentials or its address."""
        principal = getattr(req.context, "principal", None)
        started = getattr(req.context, "started", self._clock.elapsed())
        return {
            "method": req.method,
            "route": getattr(req.context, "route", None) or req.uri_template or "unknown",
            "status": status,
            "took_ms": round((self._clock.elapsed() - started) * 1000, 1),
            "account_id": str(principal.account_id) if principal else None,
        }

    def _secure(self, resp: Response) -> None:
        """Set what is not set yet: nothing is cached, framed or sniffed unless a route says so."""
        _default(resp, "X-Content-Type-Options", "nosniff")
        _default(resp, "Referrer-Policy", "no-referrer")
        _default(resp, "Content-Security-Policy", STRICT_CSP)
        _default(resp, "Cache-Control", "no-store")
        if self._is_https:
            resp.set_header("Strict-Transport-Security", HSTS)

    def _share(self, req: Request, resp: Response) -> None:
        """Let a browser of an allowed origin read the answer."""
        if not self._origins:
            return
        resp.append_header("Vary", "Origin")
        origin = self._allowed(req)
        if origin:
            resp.set_header("Access-Control-Allow-Origin", origin)
            resp.set_header("Access-Control-Expose-Headers", EXPOSED)

    def _allowed(self, req: Request) -> str | None:
        origin = req.get_header("Origin")
        if origin is None:
            return None
        if "*" in self._origins:
            return "*"
        return origin if origin in self._origins else None

    def _is_preflight(self, req: Request) -> bool:
        asks = req.get_header("Access-Control-Request-Method") is not None
        return req.method == "OPTIONS" and asks and req.get_header("Origin") is not None

    def _allow(self, req: Request, resp: Response) -> None:
        """Answer a preflight here: it carries no credential and reaches no route."""
        resp.status = falcon.HTTP_204
        resp.complete = True
        if self._allowed(req) is None:
            return
        resp.set_header("Access-Control-Allow-Methods", METHODS)
        resp.set_header("Access-Control-Max-Age", PREFLIGHT_SECONDS)
        asked = req.get_header("Access-Control-Request-Headers") or ""
        if _HEADER_NAMES.fullmatch(asked):
            resp.set_header("Access-Control-Allow-Headers", asked)

    def _enforce_https(self, req: Request, caller: Caller) -> None:
        if caller.scheme == "https" or caller.is_local:
            return
        if req.method not in {"GET", "HEAD"}:
            raise Forbidden("HTTPS is required")
        query = f"?{req.query_string}" if req.query_string else ""
        place = f"{self._base_url}{quote(req.path, safe='/:@!$&()*+,;=~')}{query}"
        raise falcon.HTTPPermanentRedirect(place)


def _default(resp: Response, name: str, value: str) -> None:
    if resp.get_header(name) is None:
        resp.set_header(name, value)

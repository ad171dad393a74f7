"""The front: what happens to every request, in this order (G-01).

1  correlation id       X-Request-ID in or made, bound to every log line, sent back
2  log                  one line a request, when it is answered
3  CORS                 the origins of the settings; a preflight ends here
   addresses            refused where a rule says so, a preflight too
4  HTTPS, drain         plain HTTP redirected or refused; refused while shutting down
5  size and timeout     `api/answering.py`: the bounded body, then the hop with its time limit
6  authentication       in the pool, `api/principals.py`
7  rate limit           in the pool, `api/limits.py`; its headers are set with the log line
8  validation           in the pool, `api/reading.py`
9  handler              in the pool, `api/resources/`; what waits, in `api/live/`
10 error mapping        `api/problems.py`, wherever above it was raised
"""

import re
from typing import Final
from urllib.parse import quote

import falcon
from falcon.asgi import Request, Response
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.batching import BUNDLED
from api.callers import Caller, caller_of
from api.drain import Drain
from api.limits import headers_of
from api.recording import METHODS, Recording
from api.spending import headers_of_use
from jobs.addresses import Addresses
from models.kernel import tracing
from models.kernel.clock import Clock
from models.kernel.errors import Forbidden
from models.kernel.ids import new_id
from models.kernel.settings import Settings

REQUEST_ID: Final = "X-Request-ID"
EXPOSED: Final = (
    "X-Request-ID, Location, Retry-After, Idempotent-Replayed, X-Ilm-Job-Id, ETag, Content-Range,"
    " X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-RateLimit-RetryAfter,"
    " X-RateLimit-Warning, X-Credits-Warning, X-Credits-Used-Percent, Deprecation, Sunset, Link"
)
PREFLIGHT_SECONDS: Final = "600"
HSTS: Final = "max-age=31536000"
INSIDE: Final = frozenset({"/metrics"})
"""Paths that are asked for behind the proxy, where nobody speaks https; a token guards them."""
WATCHED: Final = ("/health", "/metrics")
"""What this machine itself may always ask for, whatever the rules on addresses say."""
ADMINISTERED: Final = "/v1/admin/"
STRICT_CSP: Final = "default-src 'none'; frame-ancestors 'none'"

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9_, -]{1,1000}", re.ASCII)


class Front:
    """The stages before and after the hop, as one Falcon middleware."""

    def __init__(
        self,
        settings: Settings,
        drain: Drain,
        addresses: Addresses,
        recording: Recording,
        clock: Clock,
    ) -> None:
        """Take the settings, what knows whether we shut down, from where, notes, the time."""
        self._recording = recording
        self._origins = frozenset(settings.cors_origins)
        self._base_url = settings.base_url
        self._is_https = settings.is_https
        self._proxies = settings.proxies
        self._drain = drain
        self._addresses = addresses
        self._clock = clock

    async def process_startup(self, _scope: object, _event: object) -> None:
        """Learn from where requests may come, before the first one does."""
        self._addresses.start()

    async def process_request(self, req: Request, resp: Response) -> None:
        """Stages 1 to 4; what came in a batch was let in with it, and is finished with it."""
        caller = self._met(req)
        if self._is_preflight(req):
            self._allow(req, resp)
        elif self._is_https and req.path not in INSIDE:
            self._enforce_https(req, caller)
        if not req.scope.get(BUNDLED):
            self._drain.refuse_if_closing()

    async def process_request_ws(self, req: Request, _socket: object) -> None:
        """Stages 1 to 4 of a WebSocket; one that comes while we drain is told so where it opens."""
        caller = self._met(req)
        is_safe = caller.scheme in {"https", "wss"} or caller.is_local
        if self._is_https and not is_safe:
            raise Forbidden("HTTPS is required")

    def _met(self, req: Request) -> Caller:
        """Name a request in everything that is logged of it, and refuse where nobody may be."""
        req.context.started = self._clock.elapsed()
        given = req.get_header(REQUEST_ID) or ""
        kept = given if _REQUEST_ID.fullmatch(given) else f"req_{new_id().hex}"
        req.context.request_id = kept
        clear_contextvars()
        bind_contextvars(request_id=kept)
        req.context.span = tracing.begin_request(kept, req.get_header("traceparent") or "")
        caller = caller_of(req, self._proxies)
        if not (caller.is_local and req.path.startswith(WATCHED)):
            self._addresses.admit(caller.address, is_admin=req.path.startswith(ADMINISTERED))
        return caller

    async def process_response(
        self, req: Request, resp: Response, _resource: object, _succeeded: object
    ) -> None:
        """Headers every answer has, then the log line."""
        request_id = getattr(req.context, "request_id", "")
        resp.set_header(REQUEST_ID, request_id)
        verdict = getattr(req.context, "verdict", None)
        if verdict is not None:
            resp.set_headers(headers_of(verdict, self._clock))
        resp.set_headers(headers_of_use(req))
        self._secure(resp)
        self._share(req, resp)
        if self._drain.is_closing:
            resp.set_header("Connection", "close")
        self._recording.record(req, resp.status_code)

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

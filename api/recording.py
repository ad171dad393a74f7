"""Recording: what is noted of every request that was answered, and of every socket that opened."""

from collections.abc import Mapping
from typing import Any, Final

from falcon.asgi import Request

from jobs.key_usage import KeyMeter
from models.kernel import tracing
from models.kernel.clock import Clock
from models.kernel.logs import get_logger
from models.kernel.measures import HTTP_SECONDS
from models.kernel.metrics import OTHER

METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

_METHODS: Final = frozenset(METHODS.split(", "))

log = get_logger("http")


class Recording:
    """Notes a request once: its key's use, the line in the log, the measure, the span's end."""

    def __init__(self, meter: KeyMeter, clock: Clock) -> None:
        """Take what counts the requests of keys, and the time."""
        self._meter = meter
        self._clock = clock

    def record(self, req: Request, status: int) -> None:
        """Note what came of a request."""
        self._count(req)
        told = self._told(req, status)
        log.info("http.request", **told)
        _measure(req, told)

    def _count(self, req: Request) -> None:
        """Count a request of an API key that holds, whatever came of it (A-18)."""
        principal = getattr(req.context, "principal", None)
        if principal is not None and principal.key_id is not None:
            self._meter.count(principal.key_id)

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


def _measure(req: Request, told: Mapping[str, Any]) -> None:
    """Count a request by its route's template, and end its span; what has no route is `unknown`."""
    method = told["method"] if told["method"] in _METHODS else OTHER
    route, status = told["route"], told["status"]
    HTTP_SECONDS.observe(told["took_ms"] / 1_000, method, route, f"{status // 100}xx")
    span = getattr(req.context, "span", None)
    if span is not None:
        attributes = {"http.request.method": method, "http.route": route}
        tracing.end_request(span, f"{method} {route}", status, attributes)

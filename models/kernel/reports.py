"""Reports: errors sent to Sentry, or to whatever takes its envelopes, when `SENTRY_DSN` names it.

Every line of severity error or worse is one, with its stack. What is sent is masked as the logs
are: no variable of a stack, no request, no body and no person is in it. Without the setting the
SDK is not even imported (I-09).
"""

import sys
from collections.abc import Mapping
from typing import Any, Final, cast

from models.kernel.masking import masked_field, masked_value
from models.kernel.release import VERSION
from models.kernel.settings import BadSettings

FLUSH_SECONDS: Final = 2.0
HINT: Final = "SENTRY_DSN needs the extra `observability`: pip install 'ilm[observability]'"

_TAGS: Final = ("request_id", "job_id", "job_type")
_KEPT_OUT: Final = ("request", "user", "server_name", "modules", "breadcrumbs", "extra")
_NOT_TOLD: Final = frozenset({"event", "level", "logger", "timestamp", "exc_info", "_record"})

Event = Mapping[str, Any]


class _Reporter:
    """This process's SDK, once there is one."""

    sdk: Any = None


def start(dsn: str, kind: str) -> None:
    """Report from now on, as this kind of process; do nothing without an address.

    Raises `BadSettings` for a DSN that is none, or without the SDK.
    """
    if not dsn:
        return
    try:
        import sentry_sdk
        from sentry_sdk.utils import BadDsn
    except ImportError as error:
        raise BadSettings(HINT) from error
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"ilm@{VERSION}",
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            auto_session_tracking=False,
            shutdown_timeout=FLUSH_SECONDS,
            before_send=cast("Any", scrubbed),  # its own type wants its SDK
        )
    except BadDsn as error:
        raise BadSettings("SENTRY_DSN: is not an address Sentry gives out") from error
    sentry_sdk.set_tag("process", kind)
    _Reporter.sdk = sentry_sdk


def stop() -> None:
    """Send what is waiting, for two seconds at most."""
    if _Reporter.sdk is not None:
        _Reporter.sdk.flush(FLUSH_SECONDS)


def report(event: Event) -> None:
    """Report a line of the log, before its stack was put into words."""
    if _Reporter.sdk is None or str(event.get("logger", "")).startswith(("sentry_sdk", "urllib3")):
        return
    with _Reporter.sdk.new_scope() as scope:
        told = {k: masked_field(k, v) for k, v in event.items() if k not in _NOT_TOLD}
        for name in _TAGS:
            if name in told:
                scope.set_tag(name, told[name])
        scope.set_tag("event", str(masked_value(event.get("event"))))
        scope.set_context("line", {k: v for k, v in told.items() if not k.startswith("_")})
        error = _error_of(event)
        if error is not None:
            scope.capture_exception(error)
        else:
            scope.capture_message(str(event.get("event")), level=_level_of(event))


def scrubbed(event: dict[str, Any], _hint: object) -> dict[str, Any]:
    """Return what may leave of a report."""
    for name in _KEPT_OUT:
        event.pop(name, None)
    masked = {name: masked_value(value, depth=12) for name, value in event.items()}
    return {**masked, "event_id": event.get("event_id"), "timestamp": event.get("timestamp")}


def _error_of(event: Event) -> Any:
    """Return the exception of a line, in whichever of logging's three ways it was given."""
    given = event.get("exc_info")
    if given is True:
        return sys.exc_info()
    return given or None


def _level_of(event: Event) -> str:
    return "fatal" if event.get("level") == "critical" else "error"

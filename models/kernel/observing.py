"""Observing: what a process does, from its first line on, to be seen from outside."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from models.kernel import reports, tracing
from models.kernel.exposition import exposition
from models.kernel.ledgers import Ledgers
from models.kernel.logs import log_to_stderr, take_over
from models.kernel.metrics_port import MetricsPort
from models.kernel.settings import Settings
from models.kernel.vitals import Vitals

WEB: Final = "web"


def observe(settings: Settings, kind: str) -> Callable[[], None]:
    """Log, count, trace and report as the settings say; return what ends it in order.

    Raises `BadSettings` when a setting wants what is not installed, `OSError` when the home cannot
    be written to.
    """
    log_to_stderr(settings.log_level)
    take_over()
    reports.start(settings.sentry_dsn, kind)
    tracing.start(settings.otlp_endpoint, kind)
    ledgers = Ledgers(settings)
    ledgers.share(kind)
    vitals = Vitals(kind)
    vitals.start()
    ends: list[Callable[[], None]] = [vitals.stop, tracing.stop, reports.stop]
    if settings.metrics_port and kind != WEB:
        place = (settings.bind, settings.metrics_port)
        port = MetricsPort(place, settings.metrics_token, lambda: _page(ledgers))
        port.start()
        ends.insert(0, port.stop)

    def end() -> None:
        for each in ends:
            with suppress(OSError):
                each()

    return end


def _page(ledgers: Ledgers) -> str:
    """Return what all but web processes counted."""
    return exposition(ledgers.read(WEB.__ne__))

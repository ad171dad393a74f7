"""Logs: one JSON object a line on stderr, with the correlation ids of whatever is going on.

An event has a name and fields (`log.info("page.drawn", page=3)`), not a sentence. Ids bound with
`about(...)` ride along in every line of the same request or job (I-03), those of libraries too.
Whoever wrote it, a line is masked on the way out (`models/kernel/masking.py`), and what would kill
a thread or the process, or be warned of, is a line like any other (I-09).
"""

import logging
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final

import structlog

from models.kernel.masking import MASK, masked_field
from models.kernel.measures import LOG_LINES
from models.kernel.reports import report

__all__ = ["MASK", "about", "get_logger", "log_to_stderr", "masked", "take_over"]

CHATTY: Final = (
    "pika", "peewee", "peewee.pool", "apscheduler", "asyncio", "dramatiq", "openai", "anthropic",
    "httpx2", "httpcore2",
)  # fmt: skip
"""Libraries that log every step of theirs: only their warnings are kept."""
SILENT: Final = ("pika", "urllib3.connection")
"""Those whose complaints we say in our own words: theirs repeat, or tell whole addresses."""

_OWN: Final = frozenset({"_record", "_from_structlog", "exc_info", "timestamp", "level", "logger"})
"""Fields of a line that are nobody's words."""

Event = MutableMapping[str, Any]


def log_to_stderr(level: str = "info") -> None:
    """Send this process's logs, those of its libraries included, to stderr as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        counted,
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        masked,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for silent in SILENT:
        logging.getLogger(silent).setLevel(logging.CRITICAL)


def take_over() -> None:
    """Have every line come this way: those of loggers that write by themselves, and last words."""
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and logger.handlers:
            logger.handlers, logger.propagate = [], True
    logging.captureWarnings(True)
    sys.excepthook = _process_died
    threading.excepthook = _thread_died


def _process_died(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    level = logging.INFO if issubclass(kind, KeyboardInterrupt) else logging.CRITICAL
    get_logger(__name__).log(level, "process.died", exc_info=(kind, error, trace))


def _thread_died(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None:
        name = told.thread.name if told.thread else "unknown"
        get_logger(__name__).critical("thread.died", thread=name, exc_info=told.exc_value)


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Let every line logged inside, in this thread or task, carry these ids."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def counted(_logger: Any, _method: str, event: Event) -> Event:
    """Count a line by its severity, and report one that tells of an error."""
    level = event.get("level", "unknown")
    LOG_LINES.add(level)
    if level in {"error", "critical"}:
        report(event)
    return event


def masked(_logger: Any, _method: str, event: Event) -> Event:
    """Replace values that are secret by name, and secret shapes inside any value."""
    for name, value in event.items():
        if name not in _OWN:
            event[name] = masked_field(name, value)
    return event

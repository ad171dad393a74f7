"""Logs: one JSON object a line on stderr, with the correlation ids of whatever is going on.

An event has a name and fields (`log.info("page.drawn", page=3)`), not a sentence. Ids bound with
`about(...)` ride along in every line of the same request or job (I-03), those of libraries too.
Secrets and addresses are masked on the way out (Z-07), as the last defence and not the first.
"""

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import structlog

MASK: Final = "***"

_SECRET_NAMES: Final = re.compile(
    r"(?:pass(?:word|wd)?|secret|token|authorization|cookie|api[-_]?key|e?mail|prompt)$",
    re.IGNORECASE,
)
_SECRET_SHAPES: Final = re.compile(
    r"""[\w.+-]+@[\w-]+\.[\w.-]+          # an e-mail address
      | \bilm_(?:live|test)_[\w-]{8,}     # one of our keys
      | \bsk-[\w-]{8,}                    # a vendor's key
      | \beyJ[\w-]+\.[\w-]+\.[\w-]+       # a JWT
      | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)   # credentials in an address
    """,
    re.VERBOSE,
)
_MARKS: Final = re.compile("@|ilm_|sk-|eyJ")
"""What every secret shape has in it: a value without any is not looked at further."""

CHATTY: Final = (
    "pika", "peewee", "peewee.pool", "apscheduler", "asyncio", "dramatiq", "openai", "anthropic",
    "httpx2", "httpcore2",
)  # fmt: skip
"""Libraries that log every step of theirs: only their warnings are kept."""

Event = MutableMapping[str, Any]


def log_to_stderr(level: str = "info") -> None:
    """Send this process's logs, those of its libraries included, to stderr as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
    logging.getLogger("pika").setLevel(logging.CRITICAL)


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Let every line logged inside, in this thread or task, carry these ids."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def masked(_logger: Any, _method: str, event: Event) -> Event:
    """Replace values that are secret by name, and secret shapes inside any text."""
    for name, value in event.items():
        if _is_secret(name):
            event[name] = MASK
        elif isinstance(value, str) and _MARKS.search(value):
            event[name] = _SECRET_SHAPES.sub(MASK, value)
    return event


@lru_cache
def _is_secret(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None

"""A child with its document open: how every task begins, and what its refusals mean."""

from dataclasses import dataclass
from threading import Event
from typing import Any, Final

from jobs.pages.renderer import Check
from models.kernel.clock import Clock
from models.kernel.errors import (
    DocumentCorrupt,
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTooLarge,
    Refused,
    Unavailable,
    UnsupportedMediaType,
)
from models.kernel.logs import get_logger
from workers.adapters.pages.process import Child, ChildLate, ChildLost

log = get_logger(__name__)

START_SECONDS: Final = 60.0
PAGE_SECONDS: Final = 20.0

_REFUSALS: Final[dict[str, type[Refused]]] = {
    "encrypted": DocumentEncrypted,
    "corrupt": DocumentCorrupt,
    "empty": DocumentEmpty,
    "too-large": DocumentTooLarge,
    "unknown": UnsupportedMediaType,
}
_unsealed_was_logged = Event()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a page may take, and how many pages one child serves before a fresh one does."""

    page_seconds: float = PAGE_SECONDS
    pages_per_child: int = 256


@dataclass(frozen=True, slots=True)
class Session:
    """A child that has opened its document, and what it said of it."""

    child: Child
    opening: dict[str, Any]

    @classmethod
    def begin(cls, task: dict[str, Any], clock: Clock, check: Check) -> "Session":
        """Start a child and give it its task; raise `Unavailable` or a document's refusal."""
        child = Child(task["task"], clock)
        try:
            _greet(child, check)
            child.send(task)
            return cls(child, _opened(child, task["page_seconds"], check))
        except BaseException:
            # A check may raise anything, and no child may outlive the call that started it.
            child.end()
            raise


def _greet(child: Child, check: Check) -> None:
    """Wait until the child has sealed itself and is ready to hear of a document."""
    try:
        hello = child.receive(START_SECONDS, check)
    except (ChildLost, ChildLate) as error:
        raise Unavailable("the page renderer did not start") from error
    if not hello.get("sealed") and not _unsealed_was_logged.is_set():
        _unsealed_was_logged.set()
        log.warning("pages.network_not_sealed")


def _opened(child: Child, seconds: float, check: Check) -> dict[str, Any]:
    try:
        answer = child.receive(seconds, check)
    except ChildLate as error:
        raise DocumentTooLarge("the document takes too long to open") from error
    except ChildLost as error:
        raise DocumentCorrupt("the document cannot be opened safely") from error
    if "refused" in answer:
        raise _REFUSALS.get(str(answer["refused"]), DocumentCorrupt)
    return answer

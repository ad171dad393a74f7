"""What the children's tasks share: messages, the document, one page's try. Theirs alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from workers.adapters.pages import sandbox

TIRED_BYTES: Final = 700 << 20
"""A child that has grown this large asks to be followed by a fresh one."""

Message = dict[str, Any]
Answer = Callable[[Message], None]

_NO_MEMORY: Final = ("malloc", "calloc", "realloc", "memory")


@dataclass(frozen=True, slots=True)
class Document:
    """The document as the parent describes it."""

    path: Path
    format: str
    layout: tuple[float, float, float]
    page_seconds: float

    @classmethod
    def described(cls, task: Message) -> Self:
        """Take a task's description of its document."""
        return cls(Path(task["path"]), task["format"], tuple(task["layout"]), task["page_seconds"])


def tried(number: int, seconds: float, work: Callable[[], Message]) -> Message:
    """Return a page's answer, or why it failed; the next page goes on either way."""
    sandbox.grant_cpu(seconds)
    try:
        answer = work()
    except MemoryError:
        return _failed(number, "memory")
    except IndexError:
        return _failed(number, "missing")
    except Exception as error:  # noqa: BLE001 - MuPDF's errors are of five unrelated kinds
        is_memory = any(word in str(error) for word in _NO_MEMORY)
        reason = "memory" if is_memory else "damaged"
        return {**_failed(number, reason), "error": f"{type(error).__name__}: {error}"[:300]}
    return {**answer, "tired": sandbox.resident_bytes() > TIRED_BYTES}


def _failed(number: int, reason: str) -> Message:
    return {"page": number, "failed": reason, "tired": reason == "memory"}

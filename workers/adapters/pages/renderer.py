"""The renderer of `jobs.pages.renderer`, by way of child processes (ARCHITECTURE §8)."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs.pages.renderer import (
    Check,
    DrawnFile,
    DrawnPage,
    FailedPage,
    Order,
    Reading,
    Source,
    never_stop,
)
from models.kernel.clock import Clock
from workers.adapters.pages.drawings import Drawing
from workers.adapters.pages.readings import ChildReading
from workers.adapters.pages.sessions import Limits, Session


class MuPdfRenderer:
    """Documents through MuPDF: one child a call, killed with everything it started when it ends."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        """Take the clock that deadlines are told by."""
        self._clock = clock
        self._limits = limits or Limits()

    @contextmanager
    def read(self, source: Source, *, check: Check = never_stop) -> Iterator[Reading]:
        """Open a document for its facts and its text."""
        reading = ChildReading(self._task("read", source), self._clock, check)
        try:
            yield reading
        finally:
            reading.end()

    def draw(
        self,
        source: Source,
        orders: Iterable[Order],
        scratch: Path,
        *,
        check: Check = never_stop,
    ) -> Generator[DrawnPage | FailedPage, None, None]:
        """Draw the pages that are ordered into files under `scratch`."""
        task = {**self._task("draw", source), "scratch": str(scratch.resolve())}
        drawing = Drawing(task, orders, self._limits, self._clock, check)
        try:
            yield from drawing.pages()
        finally:
            drawing.end()

    def cover(self, image: Path, out: Path) -> DrawnFile:
        """Write a picture as a cover."""
        task = {
            "task": "cover",
            "page_seconds": self._limits.page_seconds,
            "image": str(image.resolve()),
            "out": str(out.resolve()),
        }
        session = Session.begin(task, self._clock, never_stop)
        session.child.end()
        return DrawnFile(out, *(int(value) for value in session.opening["cover"]))

    def avatar(self, image: Path, outs: Mapping[int, Path]) -> None:
        """Write a picture as avatars."""
        task = {
            "task": "avatar",
            "page_seconds": self._limits.page_seconds,
            "image": str(image.resolve()),
            "outs": {str(size): str(path.resolve()) for size, path in outs.items()},
        }
        Session.begin(task, self._clock, never_stop).child.end()

    def _task(self, name: str, source: Source) -> dict[str, Any]:
        layout = source.layout
        return {
            "task": name,
            "page_seconds": self._limits.page_seconds,
            "path": str(source.path.resolve()),
            "format": source.format,
            "layout": (layout.width, layout.height, layout.font_size),
        }

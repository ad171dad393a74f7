"""What the tests of the adapters share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.pages.renderer import Format, Source
from models.kernel.clock import SystemClock
from workers.adapters.pages.renderer import MuPdfRenderer
from workers.adapters.pages.sessions import Limits

Written = Callable[[bytes, Format], Source]


@pytest.fixture
def renderer() -> MuPdfRenderer:
    """Return a renderer that gives a page more time than any machine takes for it."""
    return MuPdfRenderer(SystemClock(), Limits(page_seconds=120))


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Return an empty folder to draw into."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Return what makes a source of a document's bytes."""

    def write(content: bytes, kind: Format = "pdf") -> Source:
        path = tmp_path / "document"
        path.write_bytes(content)
        return Source(path, kind)

    return write

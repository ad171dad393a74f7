"""The port to whatever opens documents: values in, values out, files in a scratch folder.

Pages count from 1. Sizes on paper are points (1/72 inch), sizes on screen are pixels. A page that
cannot be drawn or read is a `FailedPage` among the others; only a document that cannot be opened
at all is an error, one of `DocumentRefused`.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

Format = Literal["pdf", "epub", "mobi", "txt"]

Check = Callable[[], None]
"""Called several times a second while the renderer waits; what it raises stops the work at once."""


def never_stop() -> None:
    """Be the check of work that nobody stops."""


class Tier(StrEnum):
    """A size that every page is kept in; the aspect ratio stays (P-01)."""

    THUMBNAIL = "thumbnail"
    MEDIUM = "medium"
    HIGH_RES = "high-res"
    ULTRA = "ultra"

    @property
    def width(self) -> int:
        """Pixels from left to right, exactly, unless the tier had to be clamped."""
        return _WIDTH_AND_QUALITY[self][0]

    @property
    def quality(self) -> int:
        """The quality its JPEG is written with."""
        return _WIDTH_AND_QUALITY[self][1]


_WIDTH_AND_QUALITY: Final = {
    Tier.THUMBNAIL: (150, 70),
    Tier.MEDIUM: (800, 85),
    Tier.HIGH_RES: (1600, 92),
    Tier.ULTRA: (3200, 95),
}

SMALL: Final = (Tier.THUMBNAIL, Tier.MEDIUM, Tier.HIGH_RES)
"""What makes a page viewable."""
ALL_TIERS: Final = (*SMALL, Tier.ULTRA)
"""What makes a page complete."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The sheet that formats without pages of their own are set on, in points.

    Page numbers depend on it, so it is stored with the book and never changes afterwards.
    """

    width: float
    height: float
    font_size: float


DEFAULT_LAYOUT: Final = Layout(width=432, height=648, font_size=11)


@dataclass(frozen=True, slots=True)
class Source:
    """A document on this machine's disk. `format` was told from its content, not its name."""

    path: Path
    format: Format
    layout: Layout = DEFAULT_LAYOUT


@dataclass(frozen=True, slots=True)
class Facts:
    """What a document says of itself. `language` is a BCP 47 tag; `None` is "it does not say"."""

    page_count: int
    title: str | None = None
    author: str | None = None
    language: str | None = None


class Word(NamedTuple):
    """A word and its box on the page, in points from the top left corner."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of one page in reading order, its words with their boxes, its size in points."""

    number: int
    width: float
    height: float
    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """A wish: this page, in these tiers."""

    number: int
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class DrawnFile:
    """A finished JPEG in the scratch folder; it is the caller's to move or delete."""

    path: Path
    width_px: int
    height_px: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """A page in the tiers that were ordered. `clamped` tiers are smaller than their width."""

    number: int
    width: float
    height: float
    files: Mapping[Tier, DrawnFile]
    clamped: tuple[Tier, ...] = ()


class Failure(StrEnum):
    """Why a page failed."""

    DAMAGED = "damaged"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class FailedPage:
    """A page that could not be drawn or read. It left no file behind."""

    number: int
    reason: Failure


class Reading(Protocol):
    """An open document, read once from its first page to its last."""

    @property
    def facts(self) -> Facts:
        """What the document says of itself."""
        ...

    def __iter__(self) -> Iterator[PageText | FailedPage]:
        """Yield every page in order."""
        ...


class Renderer(Protocol):
    """What opens documents. Safe to share between threads; every call is on its own.

    Each call may raise `DocumentEncrypted`, `DocumentCorrupt`, `DocumentEmpty` or
    `DocumentTooLarge`, which no later try mends, and `Unavailable`, which one may.
    """

    def read(self, source: Source, *, check: Check = never_stop) -> AbstractContextManager[Reading]:
        """Open a document for its facts and its text; leaving the block lets go of it."""
        ...

    def draw(
        self,
        source: Source,
        orders: Iterable[Order],
        scratch: Path,
        *,
        check: Check = never_stop,
    ) -> Generator[DrawnPage | FailedPage, None, None]:
        """Draw the pages that are ordered, in that order, into files under `scratch`.

        Orders are pulled as drawing goes on, two ahead of the page last yielded, so that an order
        may answer to what readers ask for meanwhile. Closing the generator stops the drawing at
        once; the files of pages not yet yielded are then removed.
        """
        ...

    def cover(self, image: Path, out: Path) -> DrawnFile:
        """Write a JPEG, PNG or WebP picture as a cover: a JPEG exactly as wide as `MEDIUM`.

        Raises `UnsupportedMediaType` for anything else.
        """
        ...

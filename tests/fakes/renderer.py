"""A renderer that opens nothing: its pages are given to it, and it remembers what it drew."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from math import ceil
from pathlib import Path

from jobs.pages.renderer import (
    Check,
    DrawnFile,
    DrawnPage,
    Facts,
    FailedPage,
    Failure,
    Order,
    PageText,
    Reading,
    Source,
    Tier,
    Word,
    never_stop,
)
from models.kernel.errors import Refused, UnsupportedMediaType

JPEG = b"\xff\xd8\xff\xe0 not a picture \xff\xd9"
WIDTH, HEIGHT = 612.0, 792.0
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")


class FakeRenderer:
    """Pages out of texts. `broken` pages fail; `refusal` is what any document is refused with."""

    def __init__(
        self,
        *pages: str,
        broken: Sequence[int] = (),
        refusal: Refused | None = None,
        language: str | None = None,
    ) -> None:
        """Take the texts of the pages."""
        self.pages = pages
        self.broken = broken
        self.refusal = refusal
        self.facts = Facts(len(pages), "A Book", "Anon", language)
        self.drawn: list[tuple[int, Tier]] = []
        self.reads = 0

    @contextmanager
    def read(self, source: Source, *, check: Check = never_stop) -> Iterator[Reading]:
        """Open the pages it was made with, whatever the source."""
        self._admit(source)
        self.reads += 1
        yield _FakeReading(self, check)

    def draw(
        self,
        source: Source,
        orders: Iterable[Order],
        scratch: Path,
        *,
        check: Check = never_stop,
    ) -> Generator[DrawnPage | FailedPage, None, None]:
        """Write a few bytes for every tier ordered, two orders ahead as the real one."""
        self._admit(source)
        coming = iter(orders)
        waiting = deque(islice(coming, 2))
        while waiting:
            check()
            page = self._page(waiting.popleft(), scratch)
            waiting.extend(islice(coming, 1))
            yield page

    def cover(self, image: Path, out: Path) -> DrawnFile:
        """Write a few bytes for anything that begins like a picture."""
        if not image.read_bytes().startswith(PICTURES):
            raise UnsupportedMediaType
        return _written(out, Tier.MEDIUM)

    def avatar(self, image: Path, outs: Mapping[int, Path]) -> None:
        """Write a few bytes for anything that begins like a picture."""
        if not image.read_bytes().startswith(PICTURES):
            raise UnsupportedMediaType
        for path in outs.values():
            path.write_bytes(b"RIFF\0\0\0\0WEBP not a picture")

    def text_of(self, number: int) -> PageText | FailedPage:
        """Return a page, its words set out in a row."""
        if number in self.broken:
            return FailedPage(number, Failure.DAMAGED)
        text = self.pages[number - 1]
        words = tuple(
            Word(word, 10.0 * at, 10.0, 10.0 * at + 9, 20.0) for at, word in enumerate(text.split())
        )
        return PageText(number, WIDTH, HEIGHT, text, words)

    def _admit(self, source: Source) -> None:
        if not source.path.is_file():
            raise FileNotFoundError(source.path)
        if self.refusal:
            raise self.refusal

    def _page(self, order: Order, scratch: Path) -> DrawnPage | FailedPage:
        if not 1 <= order.number <= len(self.pages):
            return FailedPage(order.number, Failure.MISSING)
        if order.number in self.broken:
            return FailedPage(order.number, Failure.DAMAGED)
        self.drawn += [(order.number, tier) for tier in order.tiers]
        files = {
            tier: _written(scratch / f"{order.number}-{tier}.jpg", tier) for tier in order.tiers
        }
        return DrawnPage(order.number, WIDTH, HEIGHT, files)


class _FakeReading:
    def __init__(self, renderer: FakeRenderer, check: Check) -> None:
        self.facts = renderer.facts
        self._renderer = renderer
        self._check = check

    def __iter__(self) -> Iterator[PageText | FailedPage]:
        for number in range(1, self.facts.page_count + 1):
            self._check()
            yield self._renderer.text_of(number)


def _written(path: Path, tier: Tier) -> DrawnFile:
    path.write_bytes(JPEG)
    return DrawnFile(path, tier.width, ceil(tier.width * HEIGHT / WIDTH), len(JPEG))
